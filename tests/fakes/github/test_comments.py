"""Comments and reactions, and the one GraphQL mutation."""

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub

COMMENTS = "/repos/octo/demo/issues/7/comments"


@pytest.fixture
def repository(octo: FakeGitHub, demo: Demo) -> Repository:
    found = octo.repository_named("octo/demo")
    found.pull(7, head=demo.head)
    return found


def test_a_comment_is_written_and_edited_and_removed(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    http = connect(octo)
    created = http.post(COMMENTS, json={"body": "one"})
    assert created.status_code == 201
    shown = created.json()
    assert shown["user"]["login"] == "github-actions[bot]"
    assert shown["user"]["type"] == "Bot"
    assert http.get(shown["url"]).json() == shown
    assert http.patch(shown["url"], json={"body": "two"}).json()["body"] == "two"
    assert [comment.body for comment in repository.comments_on(7)] == ["two"]
    assert http.delete(shown["url"]).status_code == 204
    assert http.get(shown["url"]).status_code == 404
    assert repository.comments_on(7) == []


def test_comments_are_listed_oldest_first_in_pages(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    for number in range(250):
        repository.comment(7, str(number), author="alice")
    http = connect(octo)
    bodies, url = [], f"{octo.url}{COMMENTS}?per_page=1000"
    while url:
        answer = http.get(url)
        assert len(answer.json()) <= 100
        bodies += [comment["body"] for comment in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
    assert bodies == [str(number) for number in range(250)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"body": ""}, 422),
        ({"body": 7}, 422),
        ({"body": "é" * 65_536}, 201),
        ({"body": "a" * 65_537}, 422),
    ],
)
def test_a_comment_has_a_body_of_up_to_65_536_characters(
    body: dict[str, object], status: int, fake: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    fake.repository_named("octo/demo").issue(7)
    assert connect(fake).post(COMMENTS, json=body).status_code == status


def test_a_comment_on_nothing_is_404(octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).post(COMMENTS, json={"body": "one"}).status_code == 404


@pytest.mark.parametrize(("permission", "status"), [("issues", 201), ("pull_requests", 201), ("checks", 403)])
def test_either_of_two_permissions_will_do(
    permission: str, status: int, octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    answer = connect(octo, **{permission: "write"}).post(COMMENTS, json={"body": "one"})
    assert answer.status_code == status
    assert answer.headers["x-accepted-github-permissions"] == "issues=write; pull_requests=write"


def test_a_reaction_is_there_once(octo: FakeGitHub, repository: Repository, connect: Connect) -> None:
    comment = repository.comment(7, "/run", author="alice")
    http = connect(octo)
    url = f"/repos/octo/demo/issues/comments/{comment.id}/reactions"
    first = http.post(url, json={"content": "eyes"})
    again = http.post(url, json={"content": "eyes"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert http.post(url, json={"content": "rocket"}).status_code == 201
    assert [reaction["content"] for reaction in http.get(url).json()] == ["eyes", "rocket"]
    assert [reaction["content"] for reaction in http.get(url, params={"content": "eyes"}).json()] == ["eyes"]


def test_a_reaction_is_taken_back_by_who_gave_it(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    comment = repository.comment(7, "/run", author="alice")
    app = octo.app("our-bot", {"pull_requests": "write"})
    app.install("octo/demo")
    mine, job = connect(octo, app.token().value), connect(octo)
    url = f"/repos/octo/demo/issues/comments/{comment.id}/reactions"
    eyes = mine.post(url, json={"content": "eyes"}).json()["id"]
    assert comment.reacted == ["eyes"]
    assert job.delete(f"{url}/{eyes}").status_code == 403
    assert mine.delete(f"{url}/{eyes}").status_code == 204
    assert mine.delete(f"{url}/{eyes}").status_code == 404
    assert comment.reacted == []


def test_comments_since_a_time(octo: FakeGitHub, repository: Repository, connect: Connect) -> None:
    old = repository.comment(7, "old", author="alice")
    repository.comment(7, "older", author="alice")
    octo.advance(60)
    between = octo.world.clock.stamp()
    new = repository.comment(7, "new", author="alice")
    http = connect(octo)
    assert [each["id"] for each in http.get(COMMENTS, params={"since": between}).json()] == [new.id]
    old.edit("changed")
    assert [each["id"] for each in http.get(COMMENTS, params={"since": between}).json()] == [old.id, new.id]


def test_a_time_that_is_none_is_422(fake: FakeGitHub, connect: Connect) -> None:
    fake.repository_named("octo/demo").issue(7)
    assert connect(fake).get(COMMENTS, params={"since": "yesterday"}).status_code == 422


def test_an_app_may_change_what_others_wrote_and_that_is_seen(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    comment = repository.comment(7, "mine", author="alice")
    url = f"/repos/octo/demo/issues/comments/{comment.id}"
    assert connect(octo).patch(url, json={"body": "yours"}).status_code == 200
    assert (comment.body, comment.author, comment.edited_by) == ("yours", "alice", ["github-actions[bot]"])


def test_a_comment_counts_its_reactions_and_names_its_app(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    http = connect(octo)
    shown = http.post(COMMENTS, json={"body": "one"}).json()
    assert shown["performed_via_github_app"]["slug"] == "github-actions"
    http.post(f"{shown['url']}/reactions", json={"content": "eyes"})
    rollup = http.get(shown["url"]).json()["reactions"]
    assert (rollup["eyes"], rollup["rocket"], rollup["total_count"]) == (1, 0, 1)


def test_a_pull_request_is_an_issue(octo: FakeGitHub, repository: Repository, connect: Connect) -> None:
    issue = repository.issue(8, title="Broken", author="alice")
    issue.label("bug")
    issue.comment("hello")
    http = connect(octo)
    shown = http.get("/repos/octo/demo/issues/8").json()
    assert (shown["title"], shown["user"]["login"], shown["comments"]) == ("Broken", "alice", 1)
    assert [label["name"] for label in shown["labels"]] == ["bug"]
    assert "pull_request" not in shown
    pull = http.get("/repos/octo/demo/issues/7").json()
    assert pull["pull_request"]["url"] == f"{octo.url}/repos/octo/demo/pulls/7"
    assert http.get("/repos/octo/demo/issues/9").status_code == 404


def test_a_reaction_is_one_of_eight(fake: FakeGitHub, connect: Connect) -> None:
    comment = fake.repository_named("octo/demo").comment(7, "/run")
    url = f"/repos/octo/demo/issues/comments/{comment.id}/reactions"
    assert connect(fake).post(url, json={"content": "ok"}).status_code == 422


MUTATIONS = {
    "variables": (
        "mutation($id: ID!, $why: X!) {minimizeComment(input: {subjectId: $id, classifier: $why}) {x}}",
        {"id": "{id}", "why": "OUTDATED"},
    ),
    "one variable": (
        "mutation($input: MinimizeCommentInput!) {minimizeComment(input: $input) {clientMutationId}}",
        {"input": {"subjectId": "{id}", "classifier": "OUTDATED"}},
    ),
    "written out": (
        'mutation {minimizeComment(input: {subjectId: "{id}", classifier: OUTDATED}) {clientMutationId}}',
        {},
    ),
}


@pytest.mark.parametrize(("query", "variables"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_comment_is_minimized(
    query: str, variables: dict[str, object], octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    comment = repository.comment(7, "old")
    given = {
        name: comment.node_id
        if value == "{id}"
        else {**value, "subjectId": comment.node_id}
        if isinstance(value, dict)
        else value
        for name, value in variables.items()
    }
    body = {"query": query.replace("{id}", comment.node_id), "variables": given}
    http = connect(octo, pull_requests="write")
    answer = http.post("/graphql", json=body).json()
    assert answer["data"]["minimizeComment"]["minimizedComment"]["isMinimized"] is True
    assert comment.minimized == "OUTDATED"
    body["query"] = query.replace("{id}", comment.node_id).replace("minimizeComment", "unminimizeComment")
    answer = http.post("/graphql", json=body).json()
    assert answer["data"]["unminimizeComment"]["unminimizedComment"]["isMinimized"] is False
    assert comment.minimized is None


@pytest.mark.parametrize(
    ("number", "permission", "is_folded"),
    [
        (7, "pull_requests", True),
        (7, "issues", False),
        (8, "issues", True),
        (8, "pull_requests", False),
    ],
)
def test_folding_takes_the_permission_of_what_is_talked_about(
    number: int,
    permission: str,
    is_folded: bool,
    octo: FakeGitHub,
    repository: Repository,
    connect: Connect,
) -> None:
    repository.issue(8)
    comment = repository.comment(number, "old", author="alice")
    query = f'mutation {{minimizeComment(input: {{subjectId: "{comment.node_id}", classifier: SPAM}}) {{x}}}}'
    connect(octo, **{permission: "write"}).post("/graphql", json={"query": query})
    assert (comment.minimized == "SPAM") is is_folded


def test_a_comment_is_not_minimized_without_permission(
    octo: FakeGitHub, repository: Repository, connect: Connect
) -> None:
    comment = repository.comment(7, "old")
    query = f'mutation {{minimizeComment(input: {{subjectId: "{comment.node_id}", classifier: SPAM}}) {{x}}}}'
    answer = connect(octo, checks="write").post("/graphql", json={"query": query}).json()
    assert answer["errors"][0]["type"] == "FORBIDDEN"
    assert comment.minimized is None
    assert connect(octo, "").post("/graphql", json={"query": query}).status_code == 401


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("query {viewer {login}}", "UNKNOWN"),
        ('mutation {minimizeComment(input: {subjectId: "absent", classifier: SPAM}) {x}}', "NOT_FOUND"),
        ('mutation {minimizeComment(input: {subjectId: "absent", classifier: BORING}) {x}}', "INVALID"),
    ],
)
def test_a_wrong_query_is_answered_with_errors(
    query: str, kind: str, octo: FakeGitHub, connect: Connect
) -> None:
    answer = connect(octo).post("/graphql", json={"query": query})
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["type"] == kind
