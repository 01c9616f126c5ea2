"""The last answer of each external service, GitHub or agent-server: reachable, or the error."""

from dataclasses import dataclass, field

from automation.errors import AutomationError


@dataclass
class Contact:
    """One of them.

    Attributes:
        error: what went wrong the last time; None if nothing did, or nobody has asked yet.
    """

    error: AutomationError | None = None

    def answered(self) -> None:
        self.error = None

    def forget(self) -> None:
        """Nobody here asks any more."""
        self.error = None

    def failed(self, error: AutomationError) -> None:
        self.error = error


@dataclass
class Contacts:
    """All of them.

    Attributes:
        github: asked as the App itself, whenever its list of deliveries is read.
        server: on which runs take place, or the Cloud that makes sandboxes; fork_server: that of forks.
    """

    github: Contact = field(default_factory=Contact)
    server: Contact = field(default_factory=Contact)
    fork_server: Contact = field(default_factory=Contact)
