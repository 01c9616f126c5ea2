"""Apps from manifests: by the page, by its code, once and within an hour."""

import json
import re
from typing import Any

import httpx
import jwt
import pytest

from tests.fakes.github.conftest import Connect
from tests.fakes.github.receiving import Receiver
from tests.fakes.github.server import FakeGitHub

MANIFEST: dict[str, Any] = {
    "name": "Our Bot",
    "url": "https://bot.example",
    "hook_attributes": {"url": "https://bot.example/webhook"},
    "redirect_url": "https://bot.example/setup/done",
    "public": False,
    "default_permissions": {"checks": "write", "issues": "read", "pull_requests": "write"},
    "default_events": ["issue_comment", "pull_request"],
}


def convert(octo: FakeGitHub, connect: Connect, code: str) -> httpx.Response:
    return connect(octo, "").post(f"/app-manifests/{code}/conversions")


def test_a_code_gives_credentials_that_work(octo: FakeGitHub, connect: Connect) -> None:
    answer = convert(octo, connect, octo.manifest_submitted(MANIFEST, owner="octo"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["slug"], made["name"], made["owner"]["login"]) == ("our-bot", "Our Bot", "octo")
    assert made["permissions"] == MANIFEST["default_permissions"] | {"metadata": "read"}
    assert made["events"] == MANIFEST["default_events"]
    assert made["client_id"]
    assert made["client_secret"]
    app = octo.world.apps[made["id"]]
    assert app.webhook is not None
    assert (app.webhook.secret, app.webhook.url) == (made["webhook_secret"], "https://bot.example/webhook")
    now = int(octo.world.clock.now())
    signed = jwt.encode({"iss": str(made["id"]), "iat": now - 5, "exp": now + 60}, made["pem"], "RS256")
    assert connect(octo, signed).get("/app").json()["name"] == "Our Bot"


def test_a_code_is_good_once_and_for_an_hour(octo: FakeGitHub, connect: Connect) -> None:
    code = octo.manifest_submitted(MANIFEST)
    assert convert(octo, connect, code).status_code == 201
    assert convert(octo, connect, code).status_code == 404
    late = octo.manifest_submitted(MANIFEST | {"name": "Late"})
    octo.advance(3601)
    assert convert(octo, connect, late).status_code == 404
    assert convert(octo, connect, "absent").status_code == 404


@pytest.mark.parametrize("place", ["/settings/apps/new", "/organizations/octo/settings/apps/new"])
def test_the_page_sends_back_with_code_and_state(place: str, octo: FakeGitHub, connect: Connect) -> None:
    answer = connect(octo, "").post(
        place, params={"state": "a&b"}, data={"manifest": json.dumps(MANIFEST)}, follow_redirects=False
    )
    assert answer.status_code == 302
    back = httpx.URL(answer.headers["location"])
    assert str(back).startswith("https://bot.example/setup/done?")
    assert back.params["state"] == "a&b"
    owner = convert(octo, connect, back.params["code"]).json()["owner"]["login"]
    assert owner == ("octo" if "octo" in place else "octocat")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt field": ({"default_event": []}, "no field default_event"),
    "no name": ({"name": " "}, "Name can't be blank"),
    "no URL": ({"url": ""}, 'Missing "url"'),
    "a hook without URL": ({"hook_attributes": {"active": True}}, "Hook url cannot be blank"),
    "events without permission": ({"default_events": ["push"]}, "contents: read to be told of push"),
    "an unknown level": ({"default_permissions": {"checks": "all"}}, "not 'all'"),
    "a list of permissions": ({"default_permissions": ["checks"]}, "is no dict"),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_a_manifest_is_refused_for(
    changes: dict[str, Any], words: str, octo: FakeGitHub, connect: Connect
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        octo.manifest_submitted(MANIFEST | changes)
    answer = connect(octo, "").post("/settings/apps/new", data={"manifest": json.dumps(MANIFEST | changes)})
    assert (answer.status_code, str(refused.value) in answer.text) == (422, True)


def test_a_name_is_taken_once(octo: FakeGitHub) -> None:
    octo.manifest_submitted(MANIFEST)
    with pytest.raises(ValueError, match="already taken"):
        octo.manifest_submitted(MANIFEST)


@pytest.mark.parametrize("form", [{}, {"manifest": "{"}, {"manifest": "[]"}])
def test_a_form_without_a_manifest_is_refused(
    form: dict[str, str], octo: FakeGitHub, connect: Connect
) -> None:
    assert connect(octo, "").post("/settings/apps/new", data=form).status_code == 422


def test_an_app_of_a_manifest_is_told_where_it_wants(
    octo: FakeGitHub, connect: Connect, receiver: Receiver
) -> None:
    manifest = MANIFEST | {"hook_attributes": {"url": receiver.url}}
    made = convert(octo, connect, octo.manifest_submitted(manifest)).json()
    app = octo.world.apps[made["id"]]
    app.install("octo/demo")
    octo.settle()
    assert [each.headers["x-github-event"] for each in receiver.received] == ["installation"]
