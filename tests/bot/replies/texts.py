"""Every text of the bot with likely data; `python -m tests.bot.replies.texts` writes them to `texts.md`, to be read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from automation.catalogue import Found
from automation.definition import read_definition
from automation.errors import Misconfigured, Place, Refused
from automation.reasons import Conclusion, Reason
from bot import replies
from bot.commands import COMMAND, Mistake, read_command
from bot.runs.run import End, Run, State

FILE = Path(__file__).with_name("texts.md")
NOON = 1_800_014_400.0
SHA = "abcdef1234567890abcdef1234567890abcdef12"

REVIEW = """
name: Review
entrypoint: python3 main.py
description: Looks at a change
github:
  who: maintain
  forks: deny
  inputs:
    target: {default: main, choices: [main, next]}
    deep: {type: boolean, default: true, description: also what it calls}
    depth: {type: integer, required: true}
    note:
"""
HELLO = "{name: Hello, entrypoint: sh hello.sh, timeout: 90}"


def page(run: Run) -> str:
    return f"https://bot.example/runs/{run.id}?k=k3y"


def found(slug: str, text: str) -> Found:
    file = Path(".openhands/automations") / slug / "automation.yaml"
    return Found(slug, file.parent, file, read_definition(text, file=str(file)))


def mistake(line: str) -> Mistake:
    read = read_command(f"{COMMAND} {line}")
    assert isinstance(read, Mistake)
    return read


AUTOMATIONS = [found("hello", HELLO), found("review", REVIEW), found("broken", "nam: x")]
SUMMARY = """**Failure** (`exit-code`): the automation failed: exit code 3.

### Last lines

```text
/usr/bin/true
/run-automation hello
```

automation `Review` · run `r-1`"""
RUN = Run(
    id=UUID(int=1),
    repository="octo/demo",
    installation=1,
    automation="review",
    name="Review",
    definition_sha="d" * 40,
    head_sha=SHA,
    actor="alice",
    check_url="https://github.com/octo/demo/runs/5",
    lane="octo/demo#7/review",
    accepted_at=NOON - 60,
    deadline=NOON + 600,
)
RUNNING = replace(RUN, id=UUID(int=2), state=State.RUNNING, started_at=NOON - 55, attempt=2)
STOPPED = replace(RUNNING, stop_by="@bob", stop_cause="cancelled")
REPLACED = replace(RUNNING, stop_by="the newer run", stop_cause="superseded")
FAILED = replace(
    RUN,
    state=State.ENDED,
    started_at=NOON - 50,
    ended_at=NOON - 30,
    end=End(Conclusion.FAILURE, Reason.EXIT_CODE, "the automation failed: exit code 3", 3, summary=SUMMARY),
)
PASSED = replace(FAILED, end=End(Conclusion.SUCCESS, Reason.OK, "succeeded in 20 s", 0))
HELD = replace(
    FAILED,
    started_at=0,
    end=End(
        Conclusion.ACTION_REQUIRED,
        Reason.FORK_NEEDS_APPROVAL,
        "the commit is a fork's",
        summary="the commit is a fork's",
    ),
)

LEFT = {
    "lint": Misconfigured("there is no automation `lint`; there are: `review`"),
    "deploy": Refused("alice has the role read, and `github.who` asks for write or more"),
}


def texts() -> Iterator[tuple[str, str]]:
    """What is said, by when."""
    yield "help", replies.help(AUTOMATIONS)
    yield "help without automations", replies.help([])
    yield "list", replies.listing(AUTOMATIONS)
    yield "no name, several automations", replies.which("alice", AUTOMATIONS)
    yield "no name, no automation", replies.which("alice", [])
    yield "a mistake", replies.mistake("alice", mistake("review target= next"))
    yield "two commands", replies.mistake("alice", mistake(f"a\n\n{COMMAND} b"))
    yield (
        "a refusal",
        replies.refusal("bob", Refused("bob has the role read, and `github.who` asks for write or more")),
    )
    yield "what does not fit", replies.refusal("bob", Misconfigured("the input 'a' must be a number\nno 'b'"))
    yield (
        "a wrong definition",
        replies.refusal("bob", Misconfigured("x", places=(Place("a/automation.yaml", 3, "must be text"),))),
    )
    yield (
        "unknown, near to another",
        replies.unknown_automation("alice", "reviw", ["hello", "review"]),
    )
    yield "unknown, near to a verb", replies.unknown_automation("alice", "hlep", ["review"])
    yield "unknown, none there", replies.unknown_automation("alice", "review", [])
    yield "approval needed", replies.approval_needed("alice", "review", SHA)
    yield "approved, one had waited", replies.approved(SHA, [HELD], {})
    yield "approved, none had waited", replies.approved(SHA, [], {})
    yield "approved, one of two started", replies.approved(SHA, [HELD], LEFT)
    yield "approved, none of them started", replies.approved(SHA, [], LEFT)
    yield "nothing to cancel", replies.nothing_to_cancel("alice", "all")
    yield "nothing of it to cancel", replies.nothing_to_cancel("alice", "review")
    yield "nothing to retry", replies.nothing_to_retry("alice", "")
    yield "nothing of it to retry", replies.nothing_to_retry("alice", "review")
    yield "retried, some of it", replies.retried("alice", [RUN], LEFT)
    yield "retried, nothing of it", replies.retried("alice", [], LEFT)
    yield "cancelled", replies.cancelled([RUNNING, RUN])
    yield "ended before it was cancelled", replies.cancelled([])
    yield "status", replies.status([RUN, RUNNING, STOPPED, REPLACED, FAILED, PASSED], NOON, page)
    yield "status, all ended", replies.status([FAILED], NOON)
    yield "status, no run", replies.status([], NOON)
    yield "status, past the deadline", replies.status([RUNNING], NOON + 601)
    yield "why it failed", replies.why([FAILED, PASSED], NOON, page)
    yield "why it waits", replies.why([RUN], NOON)
    yield "why nothing ran", replies.why([])
    yield "status comment, running", replies.status_comment("Review", [RUNNING], page, NOON)
    yield "status comment, failed", replies.status_comment("Review", [FAILED, PASSED, HELD], page, NOON)
    yield "status comment, passed", replies.status_comment("Review", [PASSED, *[FAILED] * 7], page, NOON)
    yield "status comment, held", replies.status_comment("Review", [HELD], page, NOON)


def document() -> str:
    """All of them, each in a block of its own."""
    shown = (f"## {when}\n\n`````markdown\n{text}\n`````\n" for when, text in texts())
    return "\n".join(["# What the bot says\n", *shown])


if __name__ == "__main__":
    FILE.write_text(document())
