"""Why a sandbox failed is told without the names of anybody's machines."""

import pytest

from automation.cloud import Sandbox

BASE = {"id": "abc", "status": "ERROR", "created_at": "2026-11-22T20:52:55Z"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, ""),
        ({"status_detail": "runtime_ingress:timeout:504"}, "runtime_ingress:timeout:504"),
        ({"status_detail": "runtime_ingress:no_route at node-7.internal"}, "runtime_ingress:no_route"),
        ({"status_detail": "ImagePullBackOff: registry.internal/x"}, "its image could not be fetched"),
        ({"status_detail": "CreateContainerConfigError: secret s3cret"}, "its container could not be made"),
        ({"error_message": "0/7 nodes: Insufficient cpu on node-7"}, "there is no machine with room for it"),
        ({"error_code": "OOMKilled"}, "it ran out of memory"),
        ({"error_message": "exit code 1"}, "its agent-server ended at once"),
        ({"status_detail": "node-7.internal said no"}, "the server gives a cause that is not passed on"),
    ],
)
def test_the_cause(said: dict[str, str], why: str) -> None:
    sandbox = Sandbox.model_validate(BASE | said)
    assert sandbox.why == why
    assert "internal" not in sandbox.why


def test_without_an_address_it_cannot_be_used() -> None:
    running = BASE | {"status": "RUNNING", "session_api_key": "k"}
    assert not Sandbox.model_validate(running).is_usable
    assert not Sandbox.model_validate(running | {"exposed_urls": []}).is_usable
    other = {"exposed_urls": [{"name": "VSCODE", "url": "https://x", "port": 1}]}
    assert not Sandbox.model_validate(running | other).is_usable
