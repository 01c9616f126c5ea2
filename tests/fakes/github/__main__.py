"""The fake GitHub to play with by hand: `python -m tests.fakes.github --help`."""

import argparse
import contextlib
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx

from tests.fakes.github.accounts import Role
from tests.fakes.github.contract import Contract
from tests.fakes.github.git import GitFailed
from tests.fakes.github.packages import DescriptionMissing
from tests.fakes.github.pulls import Pull
from tests.fakes.github.server import FakeGitHub

SLUG = "automation-bot"
RUN_ID = 4242
PULL = 7
PERMISSIONS = {
    "actions": "read",
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "write",
}
POLL = 0.1
EXAMPLES = f"""\
It prints `export` lines for a workflow's variables; copy them into another terminal, then for example

  curl -H "Authorization: Bearer $GITHUB_TOKEN" $GITHUB_API_URL/repos/octo/demo/commits/main/check-runs
  act workflow_dispatch -P ubuntu-latest=-self-hosted -s GITHUB_TOKEN \\
    --env GITHUB_API_URL --env GITHUB_SERVER_URL --env GITHUB_GRAPHQL_URL --env GITHUB_REPOSITORY --env GITHUB_RUN_ID

Every request is shown with its answer's status, and with what in it breaks GitHub's description.
The first repository has pull request {PULL} if you give --pull, and workflow run {RUN_ID}.

With --hook the App is told what happens, and each delivery is shown, too. A bot that is started with the printed
variables finds its first comment there:

  python -m tests.fakes.github --pull feature --collaborator alice=write \\
    --hook http://127.0.0.1:8000/webhook --secret S --comment "/run-automation hello"
"""


class Ended(Exception):
    """Ctrl-C or SIGTERM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until Ctrl-C; 2 for arguments that cannot be."""
    parser = _parser()
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fake-github-") as scratch, _ended_by_signals():
        try:
            fake = FakeGitHub(given.port).start()
        except OSError as busy:
            parser.error(f"port {given.port} cannot be used: {busy.strerror}; choose another with --port")
        try:
            lines = _set_up(fake, given, Path(scratch))
            _attach_contract(fake)
            print(*lines, sep="\n", flush=True)
            _show_what_happens(fake, _Opening.of(fake, given))
        except (GitFailed, ValueError, AssertionError) as wrong:
            parser.error(str(wrong))
        except Ended:
            return 0
        finally:
            fake.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakes.github",
        description="Serves a stateful fake GitHub on loopback until Ctrl-C.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, default=8090, help="of the API; 0 for any free one (default: 8090)"
    )
    parser.add_argument(
        "--repository",
        action="append",
        metavar="OWNER/NAME=PATH",
        help="a repository and its git repository on disk; repeatable (default: octo/demo=.)",
    )
    parser.add_argument("--private", action="store_true", help="repositories are private")
    parser.add_argument("--pull", metavar="REV", help=f"opens pull request {PULL} with this head")
    parser.add_argument(
        "--collaborator",
        action="append",
        default=[],
        metavar="LOGIN=ROLE",
        help=f"gives somebody a role: {', '.join(Role)}; repeatable",
    )
    parser.add_argument("--hook", metavar="URL", help="where the App is told what happens")
    parser.add_argument(
        "--secret", default="", metavar="S", help="signs what the App is told (default: one is made)"
    )
    parser.add_argument(
        "--comment",
        metavar="TEXT",
        help="what the first collaborator writes on the pull request as soon as something listens at --hook",
    )
    return parser


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_up(fake: FakeGitHub, given: argparse.Namespace, scratch: Path) -> list[str]:
    """What the arguments ask for, and the lines that say it."""
    names = []
    for pair in given.repository or ["octo/demo=."]:
        name, _, path = pair.partition("=")
        fake.repository(name, path or ".", private=given.private)
        names.append(name)
    first = fake.repository_named(names[0])
    for pair in given.collaborator:
        login, _, role = pair.partition("=")
        first.collaborator(login, role)
    head = first.resolve(given.pull or first.default_branch)
    if head is None:
        raise ValueError(f"{given.pull or first.default_branch} names no commit in {first.git.directory}")
    if given.pull:
        first.pull(PULL, head=head, title=f"Pull request of {given.pull}")
    first.workflow_run(RUN_ID, head_sha=head, event="pull_request" if given.pull else "push")
    app = fake.app(SLUG, PERMISSIONS, owner=first.owner)
    installation = app.install(*(name for name in names if name.startswith(f"{first.owner}/")))
    if given.hook:
        app.hook(given.hook, given.secret or secrets.token_hex(20))
    key = scratch / f"{SLUG}.pem"
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(app.private_key)
    token = fake.job_token(first.full_name, run_id=RUN_ID, permissions=PERMISSIONS)
    variables = {
        "GITHUB_API_URL": fake.url,
        "GITHUB_SERVER_URL": fake.url,
        "GITHUB_GRAPHQL_URL": f"{fake.url}/graphql",
        "GITHUB_REPOSITORY": first.full_name,
        "GITHUB_RUN_ID": str(RUN_ID),
        "GITHUB_SHA": head,
        "GITHUB_TOKEN": token.value,
        "APP_ID": str(app.id),
        "APP_INSTALLATION_ID": str(installation),
        **({"APP_WEBHOOK_SECRET": app.webhook.secret} if app.webhook else {}),
        "APP_PRIVATE_KEY_FILE": str(key),
    }
    return [
        f"# fake GitHub at {fake.url}, archives at {fake.codeload_url}; Ctrl-C ends it",
        *(f"export {name}={value}" for name, value in variables.items()),
    ]


def _attach_contract(fake: FakeGitHub) -> None:
    try:
        fake.attach(Contract.load())
    except DescriptionMissing as missing:
        print(f"requests are not checked: {missing}", file=sys.stderr, flush=True)


@dataclass
class _Opening:
    """The first comment, which waits for somebody to hear of it."""

    author: str
    text: str
    pull: Pull
    hook: httpx.URL
    is_made: bool = False

    @classmethod
    def of(cls, fake: FakeGitHub, given: argparse.Namespace) -> "_Opening | None":
        """Raises: ValueError, for a comment without a place, a writer or a reader."""
        if not given.comment:
            return None
        if not (given.pull and given.collaborator and given.hook):
            raise ValueError("--comment needs --pull, --collaborator and --hook")
        first = next(iter(fake.world.repositories.values()))
        login = given.collaborator[0].partition("=")[0]
        return cls(login, given.comment, first.pull(PULL), httpx.URL(given.hook))

    def try_to_make(self) -> None:
        if self.is_made or not _listens(self.hook):
            return
        self.is_made = True
        self.pull.comment(self.text, self.author)


def _listens(hook: httpx.URL) -> bool:
    port = hook.port or {"http": 80, "https": 443}[hook.scheme]
    try:
        with socket.create_connection((hook.host, port), POLL):
            return True
    except OSError:
        return False


def _show_what_happens(fake: FakeGitHub, opening: _Opening | None) -> None:
    deliveries = fake.world.apps_by_slug[SLUG].deliveries
    requests_shown = deliveries_shown = 0
    while True:
        time.sleep(POLL)
        if opening is not None:
            opening.try_to_make()
        while deliveries_shown < len(deliveries) and deliveries[deliveries_shown].is_over:
            print(f"told: {deliveries[deliveries_shown]}", file=sys.stderr, flush=True)
            deliveries_shown += 1
        while requests_shown < len(fake.requests) and fake.requests[requests_shown].is_over:
            request = fake.requests[requests_shown]
            requests_shown += 1
            print(request, file=sys.stderr)
            for words in request.violations:
                print(f"  not GitHub's: {words}", file=sys.stderr)
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
