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
    fake.repository_named("octo/demo").issues.add(7)
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
    answer = connect(octo).post("/graphql", json=body).json()
    assert answer["data"]["minimizeComment"]["minimizedComment"]["isMinimized"] is True
    assert comment.minimized == "OUTDATED"


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
