"""Foreign words made fit for one of our sentences: one line, printable, not too long. Pure."""

LIMIT = 300


def one_line(text: str, limit: int = LIMIT) -> str:
    """The text on one line of at most `limit` characters, without control characters or invisible ones."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    words = " ".join(shown.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
