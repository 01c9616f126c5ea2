"""The few shell commands that a run sends to its server, and how their answers read. Pure.

They are POSIX sh, since the server's shell may be dash, and short, since the server keeps each command's
text and shows it to every event subscriber: no secret may ever stand in one. Paths come from validated
UUIDs and from what the server answered; everything else is quoted.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from shlex import quote
from uuid import UUID, uuid5

from automation.errors import Misconfigured, ServerUnavailable
from automation.observation import Cause, Process, Record

RUNNER = resources.files("automation.run").joinpath("runner.sh").read_text(encoding="utf-8")
ALREADY_CLAIMED = 75
NAMESPACE = UUID("8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1")
TOKEN = re.compile(r"[0-9a-f]{32}")
_ABSENT = "{ echo claim=absent; exit; }"


def run_key(run_id: str) -> UUID:
    """The UUID that names the run's directory: the id itself, or one derived from any other string."""
    try:
        return UUID(run_id)
    except ValueError:
        return uuid5(NAMESPACE, run_id)


@dataclass(frozen=True)
class Place:
    """Where a run lives on its server, and what the server's machine said of itself.

    Attributes:
        directory: absolute path of the run's directory.
        date: Unix time by the server's clock.
        free: bytes free on that file system, None if it did not say.
        claim: token of the payload that has already been started, `stop` if the run was stopped before
            it started, empty if nobody has claimed it.
    """

    directory: str
    date: float
    free: int | None = None
    claim: str = ""

    def path(self, name: str) -> str:
        return f"{self.directory}/{name}"


def prepare_command(key: UUID, base: str | None) -> str:
    """Make the run's private directory, or find it; repeatable."""
    return f"""umask 077
{_enter(key, base, create=True)} && touch . || exit 73
printf 'directory=%s\\ndate=%s\\n' "$PWD" "$(date +%s)"
printf 'free=%s\\n' "$(df -Pk . | sed -n '$s/^[^ ]* *[0-9]* *[0-9]* *\\([0-9]*\\) .*/\\1/p')"
printf 'bash=%s\\n' "$(bash -c 'echo $BASH_VERSION' 2>&1)"
command -v tar >/dev/null && echo tar=yes
[ ! -e claim ] || printf 'claim=%s\\n' "$(head -c 4096 claim)"
"""


def parse_place(answer: str) -> Place:
    """What the prepare command printed.

    Raises:
        ServerUnavailable: the answer is not of its form.
        Misconfigured: the server's machine lacks bash or tar.
    """
    facts = _facts(answer)
    directory = facts.get("directory", "")
    if not directory.startswith("/") or not facts.get("date", "").isdigit():
        raise ServerUnavailable("the agent-server's machine did not say where the run's directory is")
    if not re.match(r"\d", facts.get("bash", "")):
        raise Misconfigured(
            "the agent-server's machine has no bash; install bash 3.2 or later beside the server"
        )
    if "tar" not in facts:
        raise Misconfigured("the agent-server's machine has no tar; install tar beside the server")
    return Place(
        directory=directory,
        date=float(facts["date"]),
        free=int(facts["free"]) * 1024 if facts.get("free", "").isdigit() else None,
        claim=claimed_token(facts.get("claim", "")),
    )


def start_command(
    place: Place, token: str, *, timeout: float, grace: float, limit: int, outputs: Collection[str] = ()
) -> str:
    """Claim the run, unpack the payload of that token, become its runner.

    A second start of the same run finds the claim taken, prints it and does nothing else.
    """
    assert TOKEN.fullmatch(token)  # noqa: S101
    words = [_tenths(timeout), _tenths(grace), str(limit), *map(quote, outputs)]
    payload = f"payload-{token}.tar"
    return f"""u=$(umask); umask 077; cd {quote(place.directory)} || exit 73
s=; {{ read -r s < /proc/$$/stat; }} 2>/dev/null; set -- ${{s##*) }}
t=${{20:-$(LC_ALL=C ps -o lstart= -p $$ | tr -s ' ' _)}}
b=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid)
echo "start $$ $t $b {place.date:.0f} {token}" > claim-$$ && ln claim-$$ claim 2>/dev/null && rm -f claim-$$ || {{
rm -f claim-$$; grep -q {token} claim || rm -f {payload}; cat claim; exit {ALREADY_CLAIMED}; }}
tar xf {payload} && rm -f {payload} && exec bash runner.sh run "$u" {" ".join(words)}"""


def stop_command(key: UUID, base: str | None, cause: Cause, *, grace: float, forestall: bool) -> str:
    """End the run, or see to it that it never starts; with `forestall` even one that is not prepared yet."""
    enter = _enter(key, base, create=forestall)
    return f"umask 077; {enter} || {_ABSENT}; {_inline_runner('stop', cause, _tenths(grace))}"


def sweep_command(key: UUID, base: str | None, cause: Cause, *, grace: float) -> str:
    """End whatever lives of a run that was started."""
    return f"{_enter(key, base, create=False)} || {_ABSENT}; {_inline_runner('sweep', cause, _tenths(grace))}"


def probe_command(key: UUID, base: str | None) -> str:
    """Look at the run without changing it."""
    return f"{_enter(key, base, create=False)} || {_ABSENT}; {_inline_runner('probe')}"


def release_command(key: UUID, base: str | None) -> str:
    """Remove the run's directory, and what clients which died a day ago never started; repeatable."""
    payloads = "find . -maxdepth 2 -name 'payload-*.tar' -mtime +0 -exec rm -f {} +"
    empty = "find . -maxdepth 1 -name '*-*' -type d -mtime +0 -exec rmdir {} + 2>/dev/null"
    leave = f"cd .. && rm -rf {quote(str(key))}"
    return f"{_enter(key, base, create=False)} || exit 0; {leave}; {payloads}; {empty}; :"


@dataclass(frozen=True)
class Look:
    """What a probe or a stop saw.

    Attributes:
        exists: the run's directory is there.
        processes: processes that carry this run's environment, in its group or escaped from it.
        date, since: Unix time by the server's clock, now and when the run was prepared.
        token: of the payload that was started.
    """

    process: Process
    exists: bool
    processes: int
    directory: str
    date: float
    since: float
    token: str


def parse_look(answer: str) -> Look:
    """What a probe printed.

    Raises:
        ServerUnavailable: the answer is not of its form.
    """
    facts = _facts(answer)
    match facts.get("claim"), facts.get("runner"):
        case "absent" | "none", _:
            process = Process.UNKNOWN
        case "stop", _:
            process = Process.NEVER_STARTED
        case "start", "alive":
            process = Process.ALIVE
        case "start", "gone":
            process = Process.GONE
        case _:
            raise ServerUnavailable("the agent-server's machine did not say what became of the run")
    return Look(
        process=process,
        exists=facts["claim"] != "absent",
        processes=int(_number(facts.get("processes"))),
        directory=facts.get("directory", ""),
        date=_number(facts.get("date")),
        since=_number(facts.get("since")),
        token=facts.get("token", ""),
    )


def claimed_token(claim: str) -> str:
    """Who holds a claim: the payload's token, `stop`, or nothing if this is no claim.

    Claims read `start PID STARTED BOOT DATE TOKEN` or `stop`; a start that comes second prints it.
    """
    words = claim.split()
    if words[:1] == ["stop"]:
        return "stop"
    return words[-1] if words and TOKEN.fullmatch(words[-1]) else ""


def token_before(record: Record) -> str:
    """Who holds the claim that a start found taken, as `claimed_token`; nothing for the record of any other end."""
    return claimed_token(record.line) if record.exit_code == ALREADY_CLAIMED else ""


def root_of(base: str | None) -> str:
    """Where `automation-runs` stands, for a shell."""
    if base and not base.isprintable():
        raise Misconfigured("the directory for runs has line breaks or control characters in its name")
    return quote(base) if base else '"${OH_WORKSPACE_PATH:-$HOME/.openhands/workspaces}"'


def _enter(key: UUID, base: str | None, *, create: bool) -> str:
    make = f'mkdir -p "$r/automation-runs/{key}" && ' if create else ""
    return f'r={root_of(base)}; {{ {make}cd "$r/automation-runs/{key}" 2>/dev/null && cd "$(pwd -P)"; }}'


def _tenths(seconds: float) -> str:
    """Bash counts in whole numbers."""
    return str(max(round(seconds * 10), 0))


def _inline_runner(*words: str) -> str:
    """The runner's text itself, not the run's copy of it, which the run could have changed."""
    return f"exec bash -c {quote(RUNNER)} runner.sh {' '.join(quote(word) for word in words)}"


def _number(text: str | None) -> float:
    """A run can write into its claim: what is no number there counts as none."""
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) else 0


def _facts(answer: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)


def sdk_version_file(version: str) -> bytes:
    """What `GET $AUTOMATION_API_URL/sdk-version` answers (openhands-automation 1.25.0)."""
    return json.dumps({"version": version}).encode()
