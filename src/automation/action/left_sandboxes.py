"""The sandboxes that carry a mark of this repository: where lost runs may still be, and what is deleted when they are over.

Which run a sandbox is of is taken from its mark alone, which nobody makes without the account's key. One that could not be
looked into, because it is paused or does not answer, may be any run's that is not older.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from automation.action.job_log import JobLog
from automation.action.surroundings import Surroundings
from automation.action.whereabouts import fingerprint
from automation.backends import BackendName
from automation.backends.giving_back import give_back
from automation.backends.marked_sandboxes import MarkedSandbox, marked_sandboxes
from automation.cloud import Cloud, Sandbox
from automation.errors import AutomationError
from automation.external_id import ExternalId, Face


@dataclass
class LeftSandboxes:
    """Those of one pass, by the keys of their runs."""

    at: Surroundings
    log: JobLog
    _unseen: list[float] = field(default_factory=list)
    _found: dict[ExternalId, MarkedSandbox] = field(default_factory=dict)

    async def look(self) -> None:
        """Find them; what cannot be found out is noted."""
        if not self._has_cloud:
            return
        ours = f"{self.at.context.server_url}/{self.at.context.repository} "
        try:
            async with Cloud(self.at.cloud_account()) as cloud:
                found = await marked_sandboxes(cloud)
        except AutomationError as error:
            self.log.note(f"sandboxes: {self.at.redactor.text(error.sentence)}")
            self._unseen = [math.inf]
            return
        self._unseen = [each.sandbox.created_at.timestamp() for each in found if each.text is None]
        for each in found:
            owner = each.mark.owner if each.mark else ""
            keys = ExternalId.parse(owner.removeprefix(ours)) if owner.startswith(ours) else None
            if keys is not None and keys.face is Face.ACTION:
                self._found[keys] = each

    @property
    def places(self) -> set[str]:
        """The Cloud whose sandboxes these are."""
        return {fingerprint(BackendName.CLOUD, self.at.cloud_account().url)} if self._has_cloud else set()

    def of(self, keys: ExternalId) -> Sandbox | None:
        """The sandbox of a run."""
        found = self._found.get(keys)
        return found.sandbox if found else None

    def may_hide(self, began: float) -> bool:
        """Whether a run that began after this Unix time may be in a sandbox that could not be looked into."""
        return any(created_at > began for created_at in self._unseen)

    async def give_back(self, keys: ExternalId) -> None:
        """Delete the sandbox of a run, unless it is to stay; repeatable.

        Raises:
            CloudUnavailable: it may still be there.
            CloudRefuses: the API says no.
        """
        found = self._found.get(keys)
        if found is not None and not (found.mark and found.mark.is_kept):
            async with Cloud(self.at.cloud_account()) as cloud:
                await give_back(cloud, found.sandbox.id)
            del self._found[keys]
            self.log.say(f"sandbox {found.sandbox.id}: deleted, its run is over")

    async def reap(self, may_go: Callable[[ExternalId], Awaitable[bool]]) -> None:
        """Delete those of runs of which nobody needs to know any more, whoever has settled them."""
        for keys, found in list(self._found.items()):
            try:
                if await may_go(keys):
                    await self.give_back(keys)
            except AutomationError as error:
                self.log.note(f"sandbox {found.sandbox.id}: {self.at.redactor.text(error.sentence)}")

    @property
    def _has_cloud(self) -> bool:
        """Whether runs can be in sandboxes; where an agent-server is given, no request goes to a Cloud."""
        given = replace(
            self.at.settings,
            agent_server_url=self.at.inputs.agent_server_url or self.at.settings.agent_server_url,
            cloud_api_url=self.at.inputs.cloud_api_url or self.at.settings.cloud_api_url,
            cloud_api_key=self.at.inputs.openhands_api_key or self.at.settings.cloud_api_key,
        )
        return given.is_cloud_mode
