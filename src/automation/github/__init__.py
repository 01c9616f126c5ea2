"""GitHub's side: check runs, pull requests, the content of commits. The rest of the core knows nothing of it.

PyGithub is imported by `transport` alone, in the thread that uses it: who reports nothing does not pay for it.
"""

from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.tokens import AppTokens, GivenToken

__all__ = ["AppTokens", "GitHub", "GitHubRefuses", "GitHubUnavailable", "GivenToken"]
