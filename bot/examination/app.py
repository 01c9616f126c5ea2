"""What GitHub says of an App, and what is to be found in that. Pure.

An answer's odd or missing fields are read as absent: what is looked at here is for people.

Sources: https://docs.github.com/en/rest/apps/apps and https://docs.github.com/en/rest/apps/webhooks
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from automation.sentences import one_line
from bot.examination.finding import Finding, fine, note, wrong
from bot.set_up.github_address import app_settings_url
from bot.set_up.manifest import EVENTS, PERMISSIONS, WEBHOOK

LEVELS: Final = ("", "read", "write", "admin")
FOR_SOME_TRIGGERS: Final[Mapping[str, frozenset[str]]] = {
    "permissions": frozenset({"merge_queues"}),
    "events": frozenset(EVENTS) - {"issue_comment", "pull_request"},
    "installations": frozenset({"merge_queues"}),
}
"""What a bot that answers comments can do without."""
_UNREACHED: Final = "GitHub has to reach the webhook URL, and to have its answer within 10 s"
_HINTS: Final = {
    401: "BOT_WEBHOOK_SECRET is not the secret on the App's page",
    404: f"the webhook URL does not lead to the bot's {WEBHOOK}",
    415: "the webhook's content type has to be application/json",
}


@dataclass(frozen=True)
class App:
    """An App, or one installation of it.

    Attributes:
        name: the App's slug, or the account that it is installed for.
        url: its public page; settings_url: the page where its owner changes it.
        permissions: level by name.
    """

    name: str
    url: str = ""
    settings_url: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    events: frozenset[str] = frozenset()
    is_suspended: bool = False

    @classmethod
    def read(cls, answer: Any) -> Self:
        given = _mapping(answer)
        account = _mapping(given.get("account"))
        slug, url = str(given.get("slug")), str(given.get("html_url") or "")
        return cls(
            name=one_line(slug if not account else str(account.get("login"))),
            url=one_line(url),
            settings_url=one_line(app_settings_url(url, _mapping(given.get("owner")), slug)),
            permissions={str(key): str(value) for key, value in _mapping(given.get("permissions")).items()},
            events=frozenset(str(event) for event in _items(given.get("events"))),
            is_suspended=bool(given.get("suspended_at")),
        )


@dataclass(frozen=True)
class Hook:
    """Where GitHub sends deliveries."""

    url: str = ""
    content_type: str = ""
    is_insecure: bool = False

    @classmethod
    def read(cls, answer: Any) -> Self:
        given = _mapping(answer)
        return cls(
            url=str(given.get("url") or ""),
            content_type=str(given.get("content_type") or ""),
            is_insecure=str(given.get("insecure_ssl") or "0") != "0",
        )


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver.

    Attributes:
        status: HTTP status of the answer; 0, 502 or 504 if there was none.
        outcome: GitHub's words for it, such as `failed to connect to host`.
    """

    guid: str
    event: str
    status: int
    outcome: str
    at: str

    @classmethod
    def read(cls, answer: Any) -> Self:
        given = _mapping(answer)
        status = given.get("status_code")
        return cls(
            guid=str(given.get("guid")),
            event=one_line(str(given.get("event")), 50),
            status=status if isinstance(status, int) else 0,
            outcome=one_line(str(given.get("status") or "no answer"), 80),
            at=one_line(str(given.get("delivered_at")), 50),
        )

    @property
    def is_received(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def advice(self) -> str:
        """What to do if it was not received."""
        if not self.outcome.startswith("Invalid HTTP Response"):
            return _UNREACHED
        return _HINTS.get(self.status, "the bot's log of that time says why")


def app_findings(app: App) -> Iterator[Finding]:
    """Whether the App may do, and hears of, what the bot is built on."""
    yield fine("App", f"{app.name} can sign in with its key")
    where = f"on its page, {app.settings_url}/permissions"
    lacking = lacking_permissions(PERMISSIONS, app.permissions)
    yield from _lacking("permissions", lacking, f"{app.name} lacks", f"add them {where}")
    surplus = lacking_permissions(app.permissions, PERMISSIONS)
    if surplus:
        yield note(
            "permissions",
            f"{app.name} has more than the bot uses: {_listed(surplus)}",
            f"take them back {where}",
        )
    if not lacking:
        yield fine("permissions", f"{app.name} has all that the bot asks for")
    deaf = {event: "" for event in EVENTS if event not in app.events}
    yield from _lacking("events", deaf, f"{app.name} is not told of", f"subscribe to them {where}")
    if not deaf:
        yield fine("events", f"{app.name} is told of all that the bot listens to")


def installation_findings(app: App, installations: Sequence[App]) -> Iterator[Finding]:
    """Whether the App is installed anywhere, with what it asks for."""
    if not installations:
        yield wrong(
            "installations", f"{app.name} is installed nowhere", f"install it at {app.url}/installations/new"
        )
    for installation in installations:
        lacking = lacking_permissions(
            {name: level for name, level in app.permissions.items() if name in PERMISSIONS},
            installation.permissions,
        )
        if installation.is_suspended:
            yield note(
                "installations",
                f"{installation.name} has suspended it",
                f"its owner ends that at {installation.url}",
            )
        elif lacking:
            yield from _lacking(
                "installations",
                lacking,
                f"{installation.name} has not accepted",
                f"its owner accepts them at {installation.url}",
            )
        else:
            yield fine("installations", f"{installation.name} has it, with all permissions")


def hook_findings(hook: Hook, public_url: str) -> Iterator[Finding]:
    """Whether deliveries are sent to this bot, in a form that it reads."""
    wanted = f"{public_url}{WEBHOOK}"
    advice = f"set it to {wanted} on the App's page, or put BOT_PUBLIC_URL right"
    if not hook.url:
        yield wrong("webhook", "the App has no webhook", f"make it active with the URL {wanted}")
        return
    if hook.url.rstrip("/") != wanted:
        yield wrong("webhook", f"the App's webhook URL is {one_line(hook.url)}", advice)
    else:
        yield fine("webhook", f"the App's deliveries go to {wanted}")
    if hook.content_type != "json":
        yield wrong("webhook", "its content type is not application/json", "set it on the App's page")
    if hook.is_insecure:
        yield wrong(
            "webhook", "GitHub does not verify the certificate", "enable SSL verification on the App's page"
        )


def delivery_findings(deliveries: Sequence[Delivery]) -> Iterator[Finding]:
    """What became of the last deliveries, newest first; GitHub never sends one again by itself."""
    if not deliveries:
        yield note(
            "deliveries",
            "GitHub has sent none in the last days",
            "comment on a pull request; if still none comes, see that the webhook is active on the App's page",
        )
        return
    received = {delivery.guid for delivery in deliveries if delivery.is_received}
    lost = {delivery.guid: delivery for delivery in reversed(deliveries) if delivery.guid not in received}
    newest = deliveries[0]
    if not lost:
        yield fine("deliveries", f"the last {len(received)} arrived, the newest at {newest.at}")
        return
    last = next(delivery for delivery in deliveries if delivery.guid in lost)
    sentence = (
        f"{len(lost)} of the last {len(lost) + len(received)} did not arrive, "
        f"the newest of them at {last.at} ({last.event}: {last.outcome})"
    )
    is_over = newest.guid in received
    yield (
        note("deliveries", sentence, "later ones did")
        if is_over
        else wrong("deliveries", sentence, last.advice)
    )


def lacking_permissions(wanted: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """What of the wanted levels is not granted."""
    return {name: level for name, level in wanted.items() if _height(granted.get(name, "")) < _height(level)}


def _lacking(about: str, names: Mapping[str, str], sentence: str, advice: str) -> Iterator[Finding]:
    needed = {name: level for name, level in names.items() if name not in FOR_SOME_TRIGGERS[about]}
    useful = {name: level for name, level in names.items() if name in FOR_SOME_TRIGGERS[about]}
    if needed:
        yield wrong(about, f"{sentence} {_listed(needed)}", advice)
    if useful:
        yield note(about, f"{sentence} {_listed(useful)}, which only some triggers need", advice)


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(
        one_line(f"{name}: {level}" if level else name, 60) for name, level in sorted(names.items())
    )


def _height(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
