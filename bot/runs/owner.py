"""The mark that a run carries on its server or its sandbox: whose it is. Pure.

Anybody who can write there can write any mark: what it says serves to look something up.
"""

from dataclasses import dataclass
from typing import Self

from automation.external_id import ExternalId, Face
from bot.runs.run import Run


@dataclass(frozen=True)
class Owner:
    """Whose a run is.

    Attributes:
        github_url: where people see GitHub; no slash at its end.
        repository: `owner/name`.
    """

    github_url: str
    repository: str
    external_id: ExternalId

    def __str__(self) -> str:
        return f"{self.github_url}/{self.repository} {self.external_id}"

    @classmethod
    def parse(cls, mark: str) -> Self | None:
        """Whose a mark says that it is; None for a mark of another form."""
        place, _, text = mark.rpartition(" ")
        github_url, *names = place.rsplit("/", 2)
        keys = ExternalId.parse(text)
        return (
            cls(github_url, "/".join(names), keys) if keys and len(names) == len(("owner", "name")) else None
        )

    def is_of(self, instance: str) -> bool:
        """Whether it names the bot of this instance."""
        return (self.external_id.face, self.external_id.instance) == (Face.BOT, instance)


def keys_of(run: Run, instance: str) -> ExternalId:
    """What the check run says of its run.

    Args:
        instance: of the bot.
    """
    return ExternalId(Face.BOT, instance, run.id, run.attempt, int(run.deadline))
