"""What a step finds out before there is a run: on what, at which commit, which automation, and whether it may.

Each part reads what it needs and says no by an error; none of them changes anything outside.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from automation.action.backend_choice import choose_backend, refuse_embedded
from automation.action.context import Context
from automation.action.gate import check_fork
from automation.action.inputs import Inputs
from automation.action.owner import owner_mark
from automation.action.source import PinnedSource
from automation.action.state import State
from automation.action.surroundings import Surroundings
from automation.action.target import Target, pull_request_to_read, target_of
from automation.action.whereabouts import fingerprint
from automation.assembly import Wish
from automation.authority import check_role
from automation.backends import Backend, BackendName
from automation.backends.agent_server import PersistentServer
from automation.backends.cloud import CloudSandbox
from automation.backends.embedded import EmbeddedServer
from automation.backends.sandbox_ledger import Ledger
from automation.catalogue import DEFAULT_PLACES, Automation, find_automation
from automation.errors import Misconfigured
from automation.external_id import ExternalId, Face
from automation.github import GitHub
from automation.github.contents import Contents
from automation.github.people import role_of
from automation.github.pull_request import PullRequest
from automation.packing.repository import Repository
from automation.run.start import BACKSTOP

MARGIN = 3600.0
"""Seconds for what comes before and after a run."""
LATEST = 10**12 - 1


@dataclass(frozen=True)
class Preparation:
    """The parts of it, each for one step.

    Attributes:
        note: takes a sentence for the log.
    """

    at: Surroundings
    note: Callable[[str], None]

    @property
    def inputs(self) -> Inputs:
        return self.at.inputs

    @property
    def context(self) -> Context:
        return self.at.context

    def backend(self) -> tuple[BackendName, str]:
        """Which one, and why, as words for the log.

        Raises:
            Misconfigured: there is none, or it must not be that one; or the check run would hide the job's.
        """
        refuse_embedded(self.context.event_name, self.inputs)
        chosen = choose_backend(self.inputs, self.at.settings)
        if self._is_the_jobs(self.inputs.check_name):
            raise Misconfigured(
                "`check-name` is also the job's name, and GitHub shows one of the two: give it another one"
            )
        return chosen

    def connector(
        self, name: BackendName, target: Target, automation: Automation, keys: ExternalId, ledger: Ledger
    ) -> Backend:
        """What makes the connection for a run on this target.

        Args:
            ledger: remembers a sandbox that is made for it.
        """
        match name:
            case BackendName.EMBEDDED:
                return EmbeddedServer()
            case BackendName.AGENT_SERVER:
                return PersistentServer(self.at.connection(is_fork=target.is_fork))
            case BackendName.CLOUD:
                return CloudSandbox(
                    self.at.cloud_account(),
                    owner_mark(self.context, keys),
                    keep=self.keeps(automation),
                    ledger=ledger,
                    is_for_fork=target.is_fork,
                    note=lambda sentence: self.note(self.at.redactor.text(sentence)),
                    left_to="the step after this one, or `mode: watchdog`, deletes it",
                )

    def place(self, name: BackendName, target: Target) -> str:
        """Where its run is to be found again; empty for nowhere."""
        try:
            match name:
                case BackendName.EMBEDDED:
                    return ""
                case BackendName.AGENT_SERVER:
                    return fingerprint(name, self.at.connection(is_fork=target.is_fork).url)
                case BackendName.CLOUD:
                    return fingerprint(name, self.at.cloud_account().url)
        except Misconfigured:
            return ""

    def is_isolated(self, name: BackendName) -> bool:
        """A fork's code would run where nothing else does. An API without a key gives everybody every sandbox."""
        if name is BackendName.CLOUD:
            return bool(self.at.cloud_account().key)
        return name is BackendName.AGENT_SERVER and bool(self.at.settings.fork_agent_server_url)

    def keeps(self, automation: Automation | None) -> bool:
        """Whether a sandbox is to stay after its run."""
        return self.inputs.keep or bool(automation and automation.definition.keep_alive)

    async def target(self, github: GitHub | None) -> Target:
        """The commit that the run is about."""
        number = pull_request_to_read(self.context, self.inputs.pull_request)
        if number is None:
            return target_of(self.context, self.inputs.sha, None)
        if github is None:
            raise Misconfigured(f"pull request {number} has to be read: give `github-token`")
        pull = PullRequest.read(await github.get(f"/pulls/{number}"))
        return target_of(self.context, self.inputs.sha, pull)

    def source(self, target: Target, github: GitHub | None) -> PinnedSource:
        """Where the commit's files come from."""
        contents = Contents(github, asyncio.get_running_loop()) if github else None
        return PinnedSource(target.sha, Repository.discover(self._directory()), contents)

    def automation(self, target: Target, source: PinnedSource, workspace: Path) -> Automation:
        """The definition that counts: the workspace's, or the base branch's where the target says so."""
        root = self._directory()
        if target.definition_ref:
            root = workspace / "definition"
            places = (self.inputs.automations_path,) if self.inputs.automations_path else DEFAULT_PLACES
            source.write_directories(target.definition_ref, places, root)
        elif source.checkout is not None:
            root = source.checkout.root
        try:
            return find_automation(root, self.inputs.automation, self.inputs.automations_path)
        except Misconfigured as error:
            if target.definition_ref or source.checkout is not None:
                raise
            raise Misconfigured(
                f"{error.sentence}; nothing has been checked out here: is `actions/checkout` a step before this one?",
                reason=error.reason,
                places=error.places,
            ) from None

    async def pass_gate(
        self,
        github: GitHub | None,
        asker: str | None,
        target: Target,
        automation: Automation,
        *,
        is_isolated: bool,
    ) -> None:
        """Return if it may run: for who asked, and for whose code it is."""
        settings = automation.definition.settings
        role = await role_of(github, asker) if asker is not None and github is not None else None
        if asker is not None:
            check_role(asker, role, settings)
        check_fork(self.context, target, role, settings, self.inputs.sha, is_isolated=is_isolated)
        if target.is_fork and not is_isolated:
            self.note(
                "a fork's code runs where other runs do: they can read each other. Set "
                "AUTOMATION_FORK_AGENT_SERVER_URL to a server that is set aside for forks"
            )

    def wish(self, run_id: str, target: Target, automation: Automation, keys: ExternalId) -> Wish:
        """What is asked of the assembly."""
        names = set(automation.definition.settings.secrets)
        unlisted = sorted(set(self.inputs.secrets) - names)
        if unlisted:
            self.note(f"of `secrets`, {len(unlisted)} are not listed under github.secrets and stay here")
        return Wish(
            run_id=run_id,
            revision=target.sha,
            base=target.base_sha,
            head_ref=target.head_ref,
            base_ref=target.base_ref,
            pull_request=target.pull_request,
            is_fork=target.is_fork,
            inputs=self.inputs.inputs,
            environment=self.inputs.environment,
            secrets={name: value for name, value in self.inputs.secrets.items() if name in names},
            timeout=self.inputs.timeout,
            event_name=self.context.event_name,
            event=self.context.event,
            owner=owner_mark(self.context, keys),
        )

    def keys(self, run_id: str, automation: Automation | None) -> ExternalId:
        """By which the check run is found again; after its deadline nothing of the run can still be going on."""
        deadline = int(min(time.time() + self._timeout(automation) + BACKSTOP + MARGIN, LATEST))
        return ExternalId(Face.ACTION, self.context.run_id, UUID(run_id), self.context.attempt, deadline)

    def state(
        self,
        keys: ExternalId,
        name: str,
        target: Target,
        automation: Automation | None,
        *,
        backend: BackendName,
    ) -> State:
        """What the settling step has to know of a run that is about to be."""
        return State(
            run_id=keys.run,
            automation=name,
            check_name=self.at.redactor.text(self._check_name(name)),
            head_sha=target.sha,
            external_id=str(keys),
            details_url=self.context.run_url,
            app_id=self.at.app_id,
            outputs=automation.definition.settings.outputs if automation else (),
            timeout=self._timeout(automation),
            reports=self.at.writer() is not None,
            is_embedded=backend is BackendName.EMBEDDED,
            is_cloud=backend is BackendName.CLOUD,
            is_fork=target.is_fork,
            keep=self.inputs.keep,
            keeps_sandbox=self.keeps(automation),
        )

    def _timeout(self, automation: Automation | None) -> float:
        return self.inputs.timeout or (automation.definition.timeout_seconds if automation else 0)

    def _check_name(self, name: str) -> str:
        """The check run's, for an automation of this name; never the job's: two of one name hide each other."""
        name = self.inputs.check_name or name
        return f"{name} (automation)" if self._is_the_jobs(name) else name

    def _is_the_jobs(self, name: str) -> bool:
        return bool(name) and name.casefold() == self.context.job.casefold()

    def _directory(self) -> Path:
        directory = (self.context.workspace / self.inputs.working_directory).resolve()
        if not directory.is_dir():
            raise Misconfigured(
                f"`working-directory` is {self.inputs.working_directory!r}, and there is no such directory in the workspace"
            )
        return directory
