"""What the parts of one bot share."""

from dataclasses import dataclass, field
from pathlib import Path

from automation.cloud import CloudAccount
from automation.connection import AgentConnection, connect_to
from automation.errors import Refused
from automation.reasons import Reason
from automation.redaction import Redactor
from bot.asides import Asides
from bot.bell import Bell
from bot.branches import Branches
from bot.clock import Clock
from bot.contact import Contacts
from bot.deeds import Deeds
from bot.definitions import Definitions
from bot.github.installations import Installations
from bot.metrics import Metrics
from bot.pages.capability import capability_of
from bot.replicas import Replicas
from bot.runs.lines import Lines
from bot.runs.run import Run
from bot.settings import BotSettings
from bot.store.store import Store
from bot.tracing import Tracing
from bot.vault import Vault


@dataclass
class Bot:
    """One bot: its settings, its store and its ways out.

    Attributes:
        instance: a random id, made once for this database.
        workspace: a directory for what is packed and unpacked; gone with the process.
        clock: that all times in rows are told by.
    """

    settings: BotSettings
    store: Store
    vault: Vault
    instance: str
    workspace: Path
    installations: Installations
    definitions: Definitions
    clock: Clock = field(default_factory=Clock)
    lines: Lines = field(default_factory=Lines)
    branches: Branches = field(default_factory=Branches)
    contacts: Contacts = field(default_factory=Contacts)
    tracing: Tracing = field(default_factory=Tracing)
    metrics: Metrics = field(init=False)
    deeds: Deeds = field(init=False)
    replicas: Replicas = field(init=False)
    bell: Bell = field(init=False)
    asides: Asides = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = self.installations.metrics
        self.deeds = Deeds(self.store, self.metrics, self.clock.now)
        self.replicas = Replicas(self.store, self.metrics)
        self.bell = Bell(self.replicas, self.metrics)
        self.asides = Asides(self.metrics)

    @property
    def redactor(self) -> Redactor:
        return Redactor(self.settings.secrets)

    @property
    def account(self) -> CloudAccount | None:
        """In whose sandboxes runs take place; None where they go to an agent-server."""
        core = self.settings.core
        return core.cloud_account() if core.is_cloud_mode else None

    def check_place(self, *, is_fork: bool) -> None:
        """Return if there is a place for such a run. A sandbox has room for a fork's code, too.

        Raises:
            Refused: there is none.
        """
        if self.account is None:
            self.agent_server(is_fork=is_fork)
        elif is_fork and not self.account.key:
            raise Refused(
                "a fork's code does not run in the sandboxes of an app server without a key: it could reach all of them",
                reason=Reason.FORK_NEEDS_ISOLATION,
            )

    def agent_server(self, *, is_fork: bool) -> AgentConnection:
        """Where a run goes that gets no sandbox: a fork's code only to the server that is set aside for forks.

        Raises:
            Refused: there is none.
        """
        core = self.settings.core
        if not is_fork:
            return connect_to(core.agent_server_url, core.agent_server_api_key)
        if not core.fork_agent_server_url:
            raise Refused(
                "a fork's code does not run on a server that others use: whoever runs this bot has to set "
                "BOT_FORK_AGENT_SERVER_URL to one that is set aside for forks",
                reason=Reason.FORK_NEEDS_ISOLATION,
            )
        return connect_to(core.fork_agent_server_url, core.fork_agent_server_api_key)

    def page_url(self, run: Run) -> str:
        """The run's page; whoever has the address may read it."""
        key = self.vault.derive("pages")
        return f"{self.settings.public_url}/runs/{run.id}?k={capability_of(key, run.id)}"
