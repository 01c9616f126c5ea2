"""Addresses on GitHub's web pages, made of what a run knows. Pure."""

from urllib.parse import quote

from bot.runs.run import Run


class Links:
    """Where things of a run are.

    Args:
        github_url: of GitHub's web pages, such as `https://github.com`.
    """

    def __init__(self, github_url: str) -> None:
        self._root = github_url.rstrip("/")

    def repository(self, run: Run) -> str:
        return f"{self._root}/{quote(run.repository)}"

    def commit(self, run: Run) -> str:
        return f"{self.repository(run)}/commit/{quote(run.head_sha)}"

    def pull_request(self, run: Run) -> str:
        return f"{self.repository(run)}/pull/{run.pull_request}" if run.pull_request else ""

    def cause(self, run: Run) -> str:
        """The comment that asked for it, empty where it was none."""
        page = self.pull_request(run)
        return f"{page}#issuecomment-{run.comment_id}" if page and run.comment_id else ""

    def check(self, run: Run) -> str:
        """The check run, empty until it is known; what was recorded counts only if it is on GitHub."""
        if run.check_url.startswith(f"{self._root}/"):
            return run.check_url
        return f"{self.repository(run)}/runs/{run.check_id}" if run.check_id else ""

    def line(self, run: Run, path: str, line: int) -> str:
        return f"{self.repository(run)}/blob/{quote(run.head_sha)}/{quote(path)}#L{line}"
