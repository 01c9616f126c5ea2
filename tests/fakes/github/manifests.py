"""Apps that are made from a manifest, as on GitHub's page for it.

A manifest makes an App and a code; the code gives the App's credentials once, within an hour. Refused as on
GitHub: no name, a name that is taken, no URL, a hook without a URL, events that the permissions do not let an
App ask for. Ours, because sources are silent: a field that the documentation does not name is refused.

Fields and flow: https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.github.apps import LEVELS, App
from tests.fakes.github.subscriptions import judge_events

if TYPE_CHECKING:
    from tests.fakes.github.world import World

VALID_FOR = 3600
FIELDS = {
    "callback_urls",
    "default_events",
    "default_permissions",
    "description",
    "hook_attributes",
    "name",
    "public",
    "redirect_url",
    "request_oauth_on_install",
    "setup_on_update",
    "setup_url",
    "url",
}


@dataclass(frozen=True)
class Manifest:
    """What a set-up page asks for."""

    name: str
    permissions: dict[str, str]
    events: list[str]
    hook_url: str
    is_hook_active: bool

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def read_manifest(given: Any) -> Manifest:
    """Raises: ValueError, with a sentence."""
    if not isinstance(given, dict):
        raise ValueError("a manifest is an object")  # noqa: TRY004 - it is JSON, not a programmer's mistake
    if unknown := sorted(given.keys() - FIELDS):
        raise ValueError(f"a manifest has no field {', '.join(unknown)}")
    name = _typed(given, "name", str)
    if not name.strip():
        raise ValueError("Name can't be blank")
    if not _is_url(given.get("url")):
        raise ValueError('Missing "url"')
    hook = _typed(given, "hook_attributes", dict)
    if hook and not _is_url(hook.get("url")):
        raise ValueError('Hook url cannot be blank, "hook_attributes" need an "url"')
    permissions = _typed(given, "default_permissions", dict)
    for permission, level in permissions.items():
        if level not in LEVELS:
            raise ValueError(f"the permission {permission} is one of {', '.join(LEVELS)}, not {level!r}")
    events = [str(event) for event in _typed(given, "default_events", list)]
    judge_events(permissions, events)
    return Manifest(name, permissions, events, hook.get("url", ""), hook.get("active", True))


def _typed[T](given: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = given.get(name, kind())
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {value!r}, which is no {kind.__name__}")  # noqa: TRY004 - it is JSON
    return value


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


@dataclass
class Manifests:
    """Codes that wait for somebody to ask for an App's credentials."""

    world: "World"
    _waiting: dict[str, tuple[App, float]] = field(default_factory=dict)

    def submit(self, given: Any, owner: str) -> str:
        """Makes the App; the code that gives its credentials.

        Raises:
            ValueError: GitHub's page would refuse the manifest.
        """
        manifest = read_manifest(given)
        with self.world.lock:
            if manifest.slug in self.world.apps_by_slug:
                raise ValueError("Name is already taken")
            app = self.world.add_app(manifest.slug, manifest.permissions, owner, manifest.events)
            app.name = manifest.name
            if manifest.hook_url:
                app.hook(manifest.hook_url, secrets.token_hex(20), active=manifest.is_hook_active)
            code = secrets.token_hex(20)
            self._waiting[code] = (app, self.world.clock.now() + VALID_FOR)
            return code

    def convert(self, code: str) -> App | None:
        """The App of a code, once."""
        app, until = self._waiting.pop(code, (None, 0.0))
        return app if self.world.clock.now() < until else None
