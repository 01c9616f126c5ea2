"""Clients that others wrote find in the fake what they expect of GitHub."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import gidgethub
import httpx
import pytest
from gidgethub import apps as gidgethub_apps
from gidgethub.abc import GitHubAPI
from github.GithubException import GithubException, UnknownObjectException

import github as pygithub
from tests.fakes.github.apps import App
from tests.fakes.github.conftest import Demo
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub

GRANTED = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "read",
    "actions": "read",
}
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def bot(octo: FakeGitHub) -> App:
    app = octo.app("our-bot", GRANTED)
    app.install("octo/demo")
    return app


@pytest.fixture
def repository(octo: FakeGitHub) -> Repository:
    return octo.repository_named("octo/demo")


class OverHttpx(GitHubAPI):
    """gidgethub over the client that we have; its own adapter is for another one."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self._http = http
        super().__init__("tests", base_url=base_url)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = await self._http.request(method, url, headers=dict(headers), content=body)
        return answer.status_code, answer.headers, answer.content

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TestPyGithub:
    @pytest.fixture
    def integration(self, octo: FakeGitHub, bot: App) -> Iterator[pygithub.GithubIntegration]:
        auth = pygithub.Auth.AppAuth(bot.id, bot.private_key)
        with pygithub.GithubIntegration(auth=auth, base_url=octo.url, retry=None) as client:
            yield client

    @pytest.fixture
    def client(self, integration: pygithub.GithubIntegration, octo: FakeGitHub) -> Iterator[pygithub.Github]:
        """Acts as the installation, with a token that PyGithub fetched."""
        identity = integration.get_repo_installation("octo", "demo").id
        auth = pygithub.Auth.Token(integration.get_access_token(identity).token)
        with pygithub.Github(
            auth=auth,
            base_url=octo.url,
            retry=None,
            seconds_between_writes=None,
            seconds_between_requests=None,
        ) as found:
            yield found

    def test_a_check_run_from_its_beginning_to_its_end(
        self, client: pygithub.Github, repository: Repository, demo: Demo
    ) -> None:
        home = client.get_repo("octo/demo")
        check = home.create_check_run(
            "review",
            demo.head,
            details_url="https://bot.example/1",
            external_id="e:1",
            status="in_progress",
            started_at=START,
        )
        assert (check.status, check.app.slug, check.started_at) == ("in_progress", "our-bot", START)
        note: dict[str, str | int] = {
            "path": "new.py",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": "warning",
            "message": "m",
        }
        check.edit(
            status="completed",
            conclusion="success",
            output={"title": "T", "summary": "S", "annotations": [note]},
            actions=[{"label": "Retry", "description": "Again", "identifier": "retry"}],
        )
        assert check.conclusion == "success"
        assert [each.message for each in check.get_annotations()] == ["m"]
        (listed,) = home.get_commit(demo.head).get_check_runs(check_name="review")
        assert (listed.id, listed.details_url) == (check.id, "https://bot.example/1")
        assert repository.check("review").is_("success").external_id == "e:1"

    def test_long_lists_are_read_to_their_end(
        self, client: pygithub.Github, repository: Repository, demo: Demo
    ) -> None:
        for number in range(70):
            repository.foreign_check(f"check {number}", demo.head, app="other-app")
        checks = client.get_repo("octo/demo").get_commit("feature").get_check_runs()
        assert checks.totalCount == 70
        assert [check.name for check in checks] == [f"check {number}" for number in reversed(range(70))]

    def test_pull_requests_people_and_comments(
        self, client: pygithub.Github, repository: Repository, demo: Demo
    ) -> None:
        repository.pull(7, head=demo.head, fork="mallory/demo", author="mallory")
        repository.collaborator("alice", "maintain")
        home = client.get_repo("octo/demo")
        pull = home.get_pull(7)
        assert (pull.head.sha, pull.head.repo.full_name, pull.base.ref) == (demo.head, "mallory/demo", "main")
        assert [file.filename for file in pull.get_files()][:2] == ["README.md", "new.py"]
        assert [each.number for each in home.get_pulls(state="all", sort="updated")] == [7]
        assert home.get_collaborator_permission("alice") == "write"
        assert home.get_collaborator_role_name("alice") == "maintain"
        comment = pull.create_issue_comment("hello")
        comment.create_reaction("eyes")
        comment.edit("changed")
        assert [each.body for each in pull.get_issue_comments()] == ["changed"]

    def test_files_trees_and_archives(self, client: pygithub.Github, demo: Demo) -> None:
        home = client.get_repo("octo/demo")
        content = home.get_contents("README.md", ref=demo.head)
        assert not isinstance(content, list)
        assert content.decoded_content == b"# Demo, changed\n"
        paths = [entry.path for entry in home.get_git_tree(demo.head, recursive=True).tree]
        assert "docs/größe & more?.md" in paths
        assert home.compare("main", "feature").ahead_by == 1
        link = home.get_archive_link("tarball", demo.head)
        assert httpx.get(link, trust_env=False).status_code == 200

    def test_workflow_runs(self, client: pygithub.Github, repository: Repository, demo: Demo) -> None:
        repository.workflow_run(4242, head_sha=demo.head)
        run = client.get_repo("octo/demo").get_workflow_run(4242)
        assert (run.status, run.head_sha) == ("in_progress", demo.head)

    def test_refusals_are_its_exceptions(
        self, client: pygithub.Github, repository: Repository, demo: Demo
    ) -> None:
        home = client.get_repo("octo/demo")
        job = repository.job_check("build", demo.head, run_id=1)
        with pytest.raises(GithubException) as refused:
            home.get_check_run(job.id).edit(conclusion="success")
        assert refused.value.status == 403
        with pytest.raises(UnknownObjectException):
            home.get_pull(1)


class TestGidgethub:
    @pytest.fixture
    async def api(self, octo: FakeGitHub) -> AsyncIterator[GitHubAPI]:
        async with httpx.AsyncClient(trust_env=False) as http:
            yield OverHttpx(http, octo.url)

    async def test_from_an_apps_key_to_a_check_run(
        self, api: GitHubAPI, bot: App, repository: Repository, demo: Demo
    ) -> None:
        token = gidgethub_apps.get_jwt(app_id=str(bot.id), private_key=bot.private_key)
        found: Any = await api.getitem("/repos/octo/demo/installation", jwt=token)
        minted = await gidgethub_apps.get_installation_access_token(
            api, installation_id=found["id"], app_id=str(bot.id), private_key=bot.private_key
        )
        oauth = minted["token"]
        check: Any = await api.post(
            "/repos/octo/demo/check-runs",
            data={"name": "review", "head_sha": demo.head, "status": "in_progress"},
            oauth_token=oauth,
        )
        await api.patch(check["url"], data={"conclusion": "neutral"}, oauth_token=oauth)
        listed = [
            each
            async for each in api.getiter(
                f"/repos/octo/demo/commits/{demo.head}/check-runs",
                oauth_token=oauth,
                iterable_key="check_runs",
            )
        ]
        assert [each["conclusion"] for each in listed] == ["neutral"]
        repository.check("review").is_("neutral")
        assert api.rate_limit is not None
        assert api.rate_limit.limit == 5000

    async def test_lists_are_read_to_their_end(
        self, api: GitHubAPI, bot: App, repository: Repository, demo: Demo
    ) -> None:
        repository.pull(7, head=demo.head)
        for number in range(65):
            repository.comment(7, str(number))
        oauth = bot.token().value
        url = "/repos/octo/demo/issues/7/comments"
        bodies = [each["body"] async for each in api.getiter(url, oauth_token=oauth)]
        assert bodies == [str(number) for number in range(65)]

    async def test_refusals_are_its_exceptions(self, api: GitHubAPI, bot: App, demo: Demo) -> None:
        body = {"name": "review", "head_sha": demo.head}
        with pytest.raises(gidgethub.ValidationError, match="bytesize"):
            await api.post(
                "/repos/octo/demo/check-runs",
                data={**body, "output": {"title": "T", "summary": "é" * 40_000}},
                oauth_token=bot.token().value,
            )
        with pytest.raises(gidgethub.BadRequest) as unknown:
            await api.getitem("/app", jwt="a.b.c")
        assert unknown.value.status_code == 401

    async def test_a_spent_rate_limit_is_known(self, api: GitHubAPI, bot: App) -> None:
        token = bot.token()
        token.meter.limit = 1
        await api.getitem("/repos/octo/demo", oauth_token=token.value)
        with pytest.raises(gidgethub.RateLimitExceeded):
            await api.getitem("/repos/octo/demo", oauth_token=token.value)
        assert token.meter.reset_at > time.time()
