"""Workflow runs of GitHub Actions; their jobs are check runs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.github.clock import Clock


@dataclass
class WorkflowRun:
    """A workflow run.

    Attributes:
        on_end: called once it is completed: its tokens die.
    """

    id: int
    head_sha: str
    number: int
    event: str
    name: str
    actor: str
    head_branch: str | None
    clock: Clock = field(repr=False)
    on_end: Callable[["WorkflowRun"], None] = field(repr=False)
    suite_id: int
    status: str = "in_progress"
    conclusion: str | None = None
    attempt: int = 1
    path: str = ".github/workflows/ci.yml"
    created_at: str = ""
    updated_at: str = ""

    def complete(self, conclusion: str) -> None:
        """It is over, and so are the tokens of its jobs."""
        self.status, self.conclusion = "completed", conclusion
        self.updated_at = self.clock.stamp()
        self.on_end(self)
