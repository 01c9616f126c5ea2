"""A run once more, as a person wants it: by the rules that hold now, whatever held when it was accepted."""

from dataclasses import dataclass

from automation.definition.role import Role
from automation.errors import Refused
from bot.requests.desk import Desk
from bot.requests.wish import Subject, again
from bot.runs.run import APPROVED, Run


@dataclass(frozen=True)
class Repeating:
    """One person's.

    Attributes:
        actor: login; role: in the repository.
        request: the row that it comes from; comment_id: of the command, 0 for a button.
    """

    desk: Desk
    actor: str
    role: Role | None
    request: int
    comment_id: int = 0

    async def repeat(self, run: Run, subject: Subject, cause: str) -> Run:
        """The new run, or the one that repeats it already.

        Args:
            cause: `APPROVED` for a run that has waited for that, which whoever approves does not start himself.

        Raises:
            Refused: as the automation is defined at `subject.definition_sha`, it may not be.
            Misconfigured: there is no such automation any more, or its inputs are others.
            GitHubUnavailable: the definition cannot be had.
        """
        automation = await self.desk.automation(subject.definition_sha, run.automation)
        is_by_event = run.asks_role is None
        if is_by_event and not automation.definition.enabled:
            raise Refused(
                "the automation is switched off by now (`enabled` or `state` in its automation.yaml), and an event "
                "had started this run"
            )
        wish = again(
            run,
            actor=self.actor,
            role=self.role,
            cause=cause,
            is_by_event=is_by_event and cause == APPROVED,
            request=self.request,
            comment_id=self.comment_id,
        )
        return await self.desk.acceptance.accept(automation, subject, wish)
