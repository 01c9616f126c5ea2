"""Who is told of what happens: Apps that are installed there, may read about it and have asked for it.

An App that may write checks is told of check runs and suites without asking, also of other Apps' check runs
once they are created and completed. What somebody asks of one check run or suite again, only its App is told.
Of its own installation an App is always told, suspended or not; suspended, of nothing else.

Ours, because sources are silent: a check run that is created completed is told as created, then as completed.
"""

from dataclasses import dataclass

from tests.fakes.github.apps import App, covers
from tests.fakes.github.comments import Comment
from tests.fakes.github.happenings import Happening
from tests.fakes.github.installations import Installation
from tests.fakes.github.subscriptions import may_read
from tests.fakes.github.views.events import payload
from tests.fakes.github.webhooks import new_guid
from tests.fakes.github.world import World

UNASKED = {"check_run", "check_suite"}


@dataclass(frozen=True)
class Publisher:
    """Tells the Apps of a world what happens in it."""

    world: World

    def publish(self, happening: Happening) -> None:
        """Sends a delivery to everyone who is told, with the payload as things stand now."""
        if isinstance(happening.subject, Comment) and self._is_lost(happening.subject):
            return
        # The GUID is the event's: all Apps that are told of it get the same.
        guid = new_guid()
        for app in list(self.world.apps.values()):
            if app.webhook is None or not app.webhook.is_active:
                continue
            installation = _installation(app, happening)
            if installation is not None:
                shown = payload(happening, installation, self.world)
                app.post(happening.event, shown, guid)

    def _is_lost(self, comment: Comment) -> bool:
        """A comment that a test put under a number that has nothing."""
        return comment.home.topic(comment.number) is None


def _installation(app: App, happening: Happening) -> Installation | None:
    """By which installation an App is told; None if it is not."""
    if isinstance(happening.subject, Installation):
        return happening.subject if happening.subject.app is app else None
    assert happening.home is not None
    found = app.installation_on(happening.home.full_name)
    if found is None or found.is_suspended or (happening.only is not None and happening.only is not app):
        return None
    event = happening.event
    is_asked = event in app.events or (event in UNASKED and covers(app.permissions, "checks", "write"))
    return found if is_asked and may_read(app.permissions, event) else None
