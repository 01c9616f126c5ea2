"""The environment of a run: OpenHands' names with their meaning, and ours. Pure.

It travels as a shell file that the runner reads and removes, never on a command line. Keys of the server
and of the Cloud reach a run only where the caller says so; a server older than 1.58 would hand them on by
itself, so the file takes them away first.

Source of the OpenHands names: openhands-automation 1.25.0.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any
from urllib.parse import quote as url_quote

from automation.connection import AgentConnection
from automation.errors import Misconfigured
from automation.run.reduced_event import reduced_event

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
READ_ONLY_IN_BASH = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
KEYS_OF_THE_SERVER = frozenset(
    {"SESSION_API_KEY", "OH_SESSION_API_KEYS_0", "OH_SECRET_KEY", "OPENHANDS_API_KEY"}
)
KEYS_OF_OPENHANDS = frozenset({"SESSION_API_KEY", "OPENHANDS_API_KEY"})
"""Those that OpenHands' own service gives a run."""
NOBODY = "00000000-0000-0000-0000-000000000000"
MAX_EVENT_VARIABLE = 100 * 1024
MAX_VARIABLE = 128 * 1024 - 1  # execve(2): MAX_ARG_STRLEN on Linux, with the name, `=` and the final NUL


@dataclass(frozen=True)
class Subject:
    """What a run is about, as far as it is known.

    Attributes:
        event: the whole webhook event, or None.
    """

    name: str = ""
    sha: str = ""
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    event_name: str = ""
    event: Mapping[str, Any] | None = None
    model: str = ""


def run_environment(
    run_id: str,
    directory: str,
    subject: Subject,
    connection: AgentConnection,
    *,
    callback_url: str = "",
    has_repository: bool = False,
    has_changes: bool = False,
) -> dict[str, str]:
    """The variables that every run gets; `directory` is the run's on the server."""
    work = f"{directory}/work"
    known = {
        "AUTOMATION_RUN_ID": run_id,
        "AUTOMATION_USER_ID": NOBODY,
        "AUTOMATION_ORG_ID": NOBODY,
        "AUTOMATION_NAME": subject.name,
        "AUTOMATION_API_URL": f"file://{url_quote(directory)}/api",
        "AUTOMATION_CALLBACK_URL": callback_url,
        "AUTOMATION_EVENT_PAYLOAD": event_variable(subject),
        "AUTOMATION_EVENT_PATH": f"{directory}/event.json" if subject.event is not None else "",
        "AUTOMATION_MODEL": subject.model,
        # Its presence is what tells an OpenHands script that it is not in a Cloud sandbox.
        "AGENT_SERVER_URL": "" if connection.sandbox_id else connection.url,
        "SANDBOX_ID": connection.sandbox_id or "",
        "OPENHANDS_CLOUD_API_URL": connection.cloud_api_url,
        "WORKSPACE_BASE": work,
        "AUTOMATION_RESULT": f"{directory}/result.json",
        "AUTOMATION_SUMMARY": f"{directory}/summary.md",
        "AUTOMATION_REPO_DIR": f"{directory}/repository" if has_repository else "",
        "AUTOMATION_CHANGES": f"{directory}/changes.patch" if has_changes else "",
        "AUTOMATION_SHA": subject.sha,
        "AUTOMATION_HEAD_REF": subject.head_ref,
        "AUTOMATION_BASE_SHA": subject.base_sha,
        "AUTOMATION_BASE_REF": subject.base_ref,
        "AUTOMATION_PR": str(subject.pull_request) if subject.pull_request is not None else "",
    }
    return {name: value for name, value in known.items() if value}


def event_variable(subject: Subject) -> str:
    """`AUTOMATION_EVENT_PAYLOAD`: the event as the service cuts and wraps it, without it where it is too large."""
    wrapped: dict[str, Any] = {
        "trigger": "event" if subject.event is not None else "manual",
        "automation_name": subject.name,
    }
    if subject.event is not None:
        event = reduced_event(subject.event_name, subject.event)
        whole = json.dumps(wrapped | {"event": event})
        if len(whole.encode()) <= MAX_EVENT_VARIABLE:
            return whole
    return json.dumps(wrapped)


def environment_file(variables: Mapping[str, str]) -> bytes:
    """The shell file, with every value quoted as data.

    Raises:
        Misconfigured: a name that no shell can export, or a value with a NUL in it; names it, never the value.
    """
    lines = [f"unset {name}" for name in sorted(KEYS_OF_THE_SERVER)]
    for name, value in variables.items():
        if not NAME.fullmatch(name) or name in READ_ONLY_IN_BASH:
            raise Misconfigured(
                f"the environment variable '{name}' cannot be set: expected letters, digits and _, "
                "not beginning with a digit, and none of bash's read-only names"
            )
        if "\0" in value:
            raise Misconfigured(f"the value of the environment variable '{name}' has a NUL character in it")
        lines.append(f"export {name}={quote(value)}")
        if len(_encoded(name, value)) + len(name) + 1 > MAX_VARIABLE:
            raise Misconfigured(
                f"the value of the environment variable '{name}' is larger than 128 KiB, "
                "more than Linux hands to a program; pass it as a file"
            )
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _encoded(name: str, value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Misconfigured(f"the value of the environment variable '{name}' is not valid Unicode") from None
