"""The Action's environment is made once, from uv.lock, whatever the job has lying about, and whoever is killed."""

import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = Path("src/automation/action/setup.sh")
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
# All that the script may need of a machine, besides a Python and, where it has to fetch uv, pip or venv.
TOOLS = ("bash", "cat", "cp", "dirname", "find", "ln", "mkdir", "mktemp", "readlink", "rm", "sort")
# How this machine reaches the package index; the rest of our environment stays here.
NETWORK = re.compile(
    r"(PIP|UV)_.*INDEX.*|.*_CERT|SSL_CERT_.*|.*_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY", re.IGNORECASE
)
# A job without a network: whatever wants to fetch something fails at once.
OFFLINE = {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
ERROR = "::error title=automation-action cannot be set up::"
A_DAY = 24 * 60 * 60


BASE = str(getattr(sys, "_base_executable"))  # noqa: B009  # the interpreter behind this one; typeshed lacks it


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)
    return path


def interpreter(path: Path, before: str = "") -> Path:
    """The base interpreter of these tests under another name."""
    return program(path, f'{before}\nexec "{BASE}" "$@"')


@dataclass(frozen=True)
class Done:
    """What a step has left behind."""

    code: int
    log: str
    outputs: dict[str, str]

    @property
    def environment(self) -> Path:
        return Path(self.outputs["python"]).parents[1]

    @property
    def errors(self) -> list[str]:
        return [line.removeprefix(ERROR) for line in self.log.splitlines() if line.startswith("::error")]


@dataclass
class Job:
    """A job on a runner of its own, whose PATH has a Python, the tools, and nothing else."""

    directory: Path
    action: Path = ROOT
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "temporary", "tools", "workspace", "bin"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"these tests need {tool}"
            (self.directory / "bin" / tool).symlink_to(found)
        interpreter(self.bin / "python3")

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    @property
    def tools(self) -> Path:
        return self.directory / "tools"

    @property
    def root(self) -> Path:
        return self.tools / "automation-action"

    @property
    def workspace(self) -> Path:
        return self.directory / "workspace"

    def names(self) -> list[str]:
        """What there is of environments: links, and what is behind them."""
        return sorted(path.name for path in self.root.iterdir())

    def start(self, **variables: str) -> "Step":
        network = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
        return Step(
            self.action / SETUP,
            self.workspace,
            network
            | {
                "HOME": str(self.directory / "home"),
                "PATH": str(self.bin),
                "RUNNER_TEMP": str(self.directory / "temporary"),
                "RUNNER_TOOL_CACHE": str(self.tools),
                "INPUT_BACKEND": "",
            }
            | self.variables
            | variables,
        )

    def sets_up(self, **variables: str) -> Done:
        done = self.start(**variables).ends()
        assert done.code == 0, done.log
        return done


class Step:
    """The script as a process, as the runner starts it."""

    def __init__(self, script: Path, workspace: Path, variables: dict[str, str]) -> None:
        self._outputs = Path(variables["RUNNER_TEMP"]) / f"output-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", script],
            cwd=workspace,
            env={"GITHUB_OUTPUT": str(self._outputs)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ends(self, within: float = 100) -> Done:
        try:
            log, _ = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate(timeout=10)
            raise
        assert self.process.returncode is not None
        lines = self._outputs.read_text().splitlines() if self._outputs.exists() else []
        return Done(self.process.returncode, log, dict(line.split("=", 1) for line in lines))


FAKE_UV = rf"""
PATH=$PATH:{os.environ["PATH"]}
printf '%s\n' "$*" >> "$HOME/uv.log"
export -p > "$HOME/uv.env"
case $1 in
  export) : > requirements.txt ;;
  venv)
    for last; do :; done
    mkdir -p "$last/bin"
    ln -s "{BASE}" "$last/bin/python"
    ;;
  pip) eval "${{WHILE_INSTALLING:-}}" ;;
esac
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job with a uv that only pretends, so that its user can choose the moment of every accident."""
    job = Job(tmp_path, variables=OFFLINE)
    program(job.bin / "uv", FAKE_UV)
    return job


def asked_of_uv(job: Job) -> list[str]:
    log = job.directory / "home" / "uv.log"
    return log.read_text().splitlines() if log.exists() else []


def until(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


def age(path: Path, days: float) -> None:
    then = time.time() - days * A_DAY
    os.utime(path, (then, then))


# --- with the real package index ---


@dataclass(frozen=True)
class Cold:
    job: Job
    done: Done


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Cold:
    """What the script makes from nothing, on a runner without uv."""
    job = Job(tmp_path_factory.mktemp("cold"))
    return Cold(job, job.sets_up())


def run_automation(done: Done, workspace: Path) -> str:
    """What the Action's second step does, with another command."""
    shown = subprocess.run(
        [done.outputs["python"], "-P", "-m", "automation", "--version"],
        cwd=workspace,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": done.outputs["source"], "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def installed(done: Done) -> dict[str, str]:
    script = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    command = [done.outputs["python"], "-I", "-c", script]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, str] = json.loads(shown.stdout)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found.items()}


def test_what_is_installed_is_what_the_lock_names_for_a_run(cold: Cold) -> None:
    locked = {package["name"]: package for package in LOCK["package"]}
    found = installed(cold.done)
    assert all(locked[name]["version"] == version for name, version in found.items())
    ours = {dependency["name"] for dependency in locked["automation-action"]["dependencies"]}
    assert ours <= set(found)
    development = {entry["name"] for entry in locked["automation-action"]["dev-dependencies"]["dev"]}
    assert not development & set(found)
    assert "automation-action" not in found
    assert "openhands-agent-server" not in found


def test_what_is_installed_stands_in_a_group_of_the_log(cold: Cold) -> None:
    lines = cold.done.log.splitlines()
    assert lines[0] == "::group::Set up automation-action"
    assert lines[-1] == "::endgroup::"
    assert any("click" in line for line in lines)


def test_what_an_index_says_is_no_command_to_the_runner(job: Job) -> None:
    lines = job.sets_up(WHILE_INSTALLING="echo ::error::from elsewhere").log.splitlines()
    [token] = [
        line.removeprefix("::stop-commands::") for line in lines if line.startswith("::stop-commands::")
    ]
    assert len(token) >= 10
    assert lines.index(f"::stop-commands::{token}") < lines.index("::error::from elsewhere")
    assert lines.index("::error::from elsewhere") < lines.index(f"::{token}::")


def test_nothing_else_is_left_behind(cold: Cold) -> None:
    name = cold.done.environment.name
    assert cold.job.names() == [name.partition(".py")[0].rsplit(".", 1)[0], name]
    assert list((cold.job.directory / "home").iterdir()) == []
    assert list(cold.job.workspace.iterdir()) == []


def test_the_state_is_private_and_not_there_yet(cold: Cold) -> None:
    state = Path(cold.done.outputs["state"])
    assert not state.exists()
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    assert state.parent.parent == cold.job.directory / "temporary"


def test_the_next_job_finds_it_without_a_network_and_says_nothing(cold: Cold) -> None:
    done = cold.job.sets_up(**OFFLINE)
    assert done.log == ""
    assert done.outputs["python"] == cold.done.outputs["python"]
    assert done.outputs["state"] != cold.done.outputs["state"]


def test_a_workspace_cannot_be_imported_from(cold: Cold) -> None:
    for name in ("click.py", "yaml.py", "sitecustomize.py", "automation/__init__.py"):
        file = cold.job.directory / "evil" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise SystemExit('the workspace was imported from')\n")
    assert run_automation(cold.done, cold.job.directory / "evil").startswith("automation, version ")


EVIL_PROJECT = """
[project]
name = "theirs"
version = "1"
[tool.uv]
no-index = true
[tool.uv.workspace]
members = ["**"]
"""


def test_a_workspace_cannot_configure_uv_or_python(cold: Cold, tmp_path: Path) -> None:
    """Not even where the runner's directories are in it, and the uv is the job's own, and too old."""
    job = Job(tmp_path)
    shutil.rmtree(job.tools)
    inside = job.workspace / "tools"
    inside.mkdir()
    (job.workspace / "pyproject.toml").write_text(EVIL_PROJECT)
    (job.workspace / "uv.toml").write_text("no-index = true\n")
    (job.workspace / ".python-version").write_text("3.8\n")
    (job.workspace / "pip.conf").write_text("[global]\nno-index = true\n")
    program(job.bin / "uv", "echo this is an old uv; exit 2")
    done = job.sets_up(
        RUNNER_TOOL_CACHE=str(inside),
        RUNNER_TEMP=str(inside),
        CDPATH="/",
        PYTHONPATH=".",
        PYTHONHOME="/nowhere",
        PYTHONSTARTUP="/nowhere",
        VIRTUAL_ENV="/nowhere",
        PIP_TARGET="/nowhere",
        PIP_CONFIG_FILE="pip.conf",
        PIP_REQUIRE_VIRTUALENV="1",
        UV_CONFIG_FILE="uv.toml",
        UV_FROZEN="1",
        UV_NO_BINARY="1",
        UV_PROJECT="/nowhere",
        UV_PYTHON="3.8",
        UV_SYSTEM_PYTHON="1",
    )
    assert "this is an old uv" in done.log
    assert installed(done) == installed(cold.done)
    assert run_automation(done, job.workspace).startswith("automation, version ")


def forged_wheel(name: str, version: str) -> bytes:
    """A wheel that could be installed: only its hash is wrong."""
    data = io.BytesIO()
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": "raise SystemExit('forged')\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": "",
    }
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return data.getvalue()


class Mirror(ThreadingHTTPServer):
    """A package index of its own: pages of what uv.lock names, whose files are elsewhere. Knows what was asked.

    The files of the packages in `forged` are its own.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MirrorPages)
        self.asked: list[str] = []
        self.forged: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/simple"

    def answer(self, path: str) -> bytes:
        """The page of a package, as PEP 503 has it, or a file that is not what it says; nothing else is here."""
        if path.endswith(".whl"):
            name, version = path.rsplit("/", 1)[1].split("-")[:2]
            return forged_wheel(name, version)
        name = path.strip("/").removeprefix("simple/")
        self.asked.append(name)
        [wheels] = [package["wheels"] for package in LOCK["package"] if package["name"] == name] or [[]]
        links = [(wheel["url"].rsplit("/", 1)[1], wheel["url"]) for wheel in wheels]
        if name in self.forged:
            links = [(file, f"/{file}") for file, _ in links]
        return "".join(f'<a href="{url}">{file}</a>\n' for file, url in links).encode()


class MirrorPages(BaseHTTPRequestHandler):
    """What a mirror answers."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Mirror)
        answer = self.server.answer(self.path)
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Standard error is the test's."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    server = Mirror()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("by", ["variable", "user"])
def test_a_mirror_is_where_everything_comes_from(
    cold: Cold, mirror: Mirror, tmp_path: Path, by: str, pinned_uv: Path
) -> None:
    job = Job(tmp_path)
    (job.bin / "uv").symlink_to(pinned_uv)
    if by == "user":
        configuration = job.directory / "home" / ".config" / "uv" / "uv.toml"
        configuration.parent.mkdir(parents=True)
        configuration.write_text(f'[[index]]\nurl = "{mirror.url}"\ndefault = true\n')
        done = job.sets_up()
    else:
        done = job.sets_up(UV_DEFAULT_INDEX=mirror.url)
    assert set(mirror.asked) == set(installed(done)) == set(installed(cold.done))


def test_a_file_that_is_not_the_locked_one_is_refused(
    mirror: Mirror, tmp_path: Path, pinned_uv: Path
) -> None:
    mirror.forged.add("click")
    job = Job(tmp_path, variables={"PIP_NO_INDEX": "1", "UV_DEFAULT_INDEX": mirror.url})
    (job.bin / "uv").symlink_to(pinned_uv)
    done = job.start().ends()
    assert done.code == 3
    assert "click" in done.log
    assert "ash mismatch" in done.log
    assert job.names() == []


@pytest.fixture(scope="session")
def pinned_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uv that the project pins, as the script itself would fetch it."""
    target = tmp_path_factory.mktemp("uv")
    pip = [BASE, "-I", "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "--target", target, "-r", ROOT / ".ci/uv.txt"], timeout=100, check=True)
    return target / "bin" / "uv"


def test_an_index_that_gives_nothing_is_named_in_one_sentence(tmp_path: Path) -> None:
    job = Job(tmp_path)
    done = job.start(**OFFLINE).ends()
    assert done.code == 3
    [sentence] = done.errors
    assert "package index" in sentence
    assert done.log.splitlines()[-2:] == ["::endgroup::", f"{ERROR}{sentence}"]
    assert "Traceback" not in done.log
    assert done.outputs == {}
    assert job.names() == []


# --- which Python ---


def test_an_old_python_is_not_enough_and_the_error_says_what_to_install(job: Job) -> None:
    program(job.bin / "python3", "exit 1")
    program(job.bin / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    program(job.bin / "uv", "echo no Python to be had >&2; exit 1")
    done = job.start().ends()
    assert done.code == 2
    [sentence] = done.errors
    assert "Python 3.12, 3.13 or 3.14" in sentence
    assert "actions/setup-python" in sentence
    assert "no Python to be had" in done.log
    assert done.outputs == {}


def test_a_shim_that_does_not_run_is_passed_over(job: Job) -> None:
    program(job.bin / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    interpreter(job.bin / "python3.13", "echo a shim may say something first")
    assert job.sets_up().environment.name.startswith("python3.")


def test_the_newest_python_of_the_tool_cache_is_taken_where_path_has_none(job: Job) -> None:
    program(job.bin / "python3", "exit 1")
    for version in ("3.12.9", "3.12.10", "3.11.20", "3.9.1"):
        note = f'echo {version} >> "$HOME/used"'
        interpreter(job.tools / "Python" / version / "x64" / "bin" / "python3", note)
    program(job.tools / "Python" / "3.13.0-rc.1" / "x64" / "bin" / "python3", "exit 1")
    job.sets_up()
    assert (job.directory / "home" / "used").read_text().splitlines() == ["3.12.10"]


def test_uv_may_fetch_a_python_which_the_next_job_finds(job: Job) -> None:
    program(job.bin / "python3", "exit 1")
    fetch = f'mkdir -p "$UV_PYTHON_INSTALL_DIR/managed/bin"; ln -s "{BASE}" "$UV_PYTHON_INSTALL_DIR/managed/bin/python3"'
    program(job.bin / "uv", f"case $1 in python) {fetch}; exit ;; esac\n{FAKE_UV}")
    first = job.sets_up()
    assert job.sets_up().outputs["python"] == first.outputs["python"]
    age(job.root / "python", 2)
    job.sets_up(INPUT_BACKEND="embedded")
    assert (job.root / "python" / "managed").is_dir()


def fits(wheel: str, python: str, platform: str) -> bool:
    """Whether a wheel of this name is for this Python there."""
    pythons, abi, where = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
    if where == "any":
        return True
    return re.search(platform, where) is not None and (abi == "abi3" or (pythons == abi == python))


@pytest.mark.parametrize("python", ["cp312", "cp313", "cp314"])
@pytest.mark.parametrize(
    "platform",
    ["manylinux.*x86_64", "manylinux.*aarch64", "musllinux.*x86_64", "macosx.*(arm64|universal2)"],
)
def test_the_lock_has_wheels_for_every_python_that_is_accepted(
    cold: Cold, python: str, platform: str
) -> None:
    needed = installed(cold.done)
    packages = [package for package in LOCK["package"] if package["name"] in needed]
    assert len(packages) == len(needed)
    for package in packages:
        names = [wheel["url"].rsplit("/", 1)[1] for wheel in package["wheels"]]
        assert any(fits(name, python, platform) for name in names), package["name"]


def test_only_one_package_is_published_as_source_only() -> None:
    """It is named in the script, because nothing else may be built."""
    published = [package for package in LOCK["package"] if "registry" in package["source"]]
    assert [package["name"] for package in published if not package.get("wheels")] == ["func-timeout"]
    assert "--only-binary :all: --no-binary func-timeout" in (ROOT / SETUP).read_text()


def test_windows_is_refused(job: Job) -> None:
    done = job.start(OSTYPE="msys").ends()
    assert done.code == 2
    assert "Windows" in done.errors[0]


# --- one environment for everything that it depends on ---


def test_the_embedded_server_is_there_only_where_it_is_asked_for(job: Job) -> None:
    plain = job.sets_up(INPUT_BACKEND="agent-server")
    assert not any("--extra" in line for line in asked_of_uv(job))
    embedded = job.sets_up(INPUT_BACKEND=" embedded\n")
    assert any("--extra embedded" in line for line in asked_of_uv(job))
    assert "embedded" in embedded.environment.name
    assert embedded.environment != plain.environment


@pytest.mark.parametrize("changed", ["uv.lock", str(SETUP)])
def test_another_lock_or_another_way_of_making_it_is_another_environment(
    job: Job, tmp_path: Path, changed: str
) -> None:
    job.action = tmp_path / "action"
    for name in ("uv.lock", "pyproject.toml", ".python-version", ".ci/uv.txt", str(SETUP)):
        (job.action / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, job.action / name)
    first = job.sets_up()
    with (job.action / changed).open("a") as file:
        file.write("\n# changed\n")
    second = job.sets_up()
    assert second.environment != first.environment
    assert job.sets_up().environment == second.environment


def test_a_container_that_sees_the_tool_cache_elsewhere_has_an_environment_of_its_own(job: Job) -> None:
    first = job.sets_up()
    elsewhere = job.directory / "elsewhere"
    elsewhere.symlink_to(job.tools)
    second = job.sets_up(RUNNER_TOOL_CACHE=str(elsewhere))
    assert first.environment.name.split(".")[:-1] != second.environment.name.split(".")[:-1]


def test_nobody_else_can_look_into_it_or_change_it(job: Job) -> None:
    job.sets_up()
    assert stat.S_IMODE(job.root.stat().st_mode) == 0o700


def test_where_the_tool_cache_cannot_be_written_it_lasts_as_long_as_the_job(job: Job) -> None:
    done = job.sets_up(RUNNER_TOOL_CACHE=os.devnull)
    assert done.environment.parent == job.directory / "temporary" / "automation-action"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple", True),
        ("UV_INDEX_MINE_PASSWORD", "a-password", True),
        ("UV_SYSTEM_CERTS", "1", True),
        ("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9", True),
        ("UV_CONFIG_FILE", "/etc/uv.toml", True),
        ("UV_CONFIG_FILE", "uv.toml", False),
        ("UV_CACHE_DIR", "cache", False),
        ("UV_EXCLUDE_NEWER", "2020-01-01", False),
        ("UV_PROJECT_ENVIRONMENT", "theirs", False),
        ("PIP_INDEX_URL", "http://127.0.0.1:9/simple", True),
        ("PIP_CERT", "/etc/ca.pem", True),
        ("PIP_PREFIX", "/usr", False),
        ("PIP_CONSTRAINT", "constraints.txt", False),
        ("PYTHONHOME", "/nowhere", False),
        ("PYTHONWARNINGS", "error", False),
        ("VIRTUAL_ENV", "/nowhere", False),
    ],
)
def test_of_the_jobs_settings_only_the_way_to_the_index_is_kept(
    job: Job, name: str, value: str, kept: bool
) -> None:
    job.sets_up(**{name: value})
    seen = (job.directory / "home" / "uv.env").read_text().splitlines()
    assert (f'declare -x {name}="{value}"' in seen) is kept


# --- accidents ---


def test_of_two_at_once_both_use_the_one_that_was_first(job: Job) -> None:
    together = (
        'mkdir -p "$HOME/in"; mktemp "$HOME/in/XXXXXX"; until [ -e "$HOME/in/go" ]; do sleep 0.01; done'
    )
    steps = [job.start(WHILE_INSTALLING=together) for _ in range(2)]
    waiting = job.directory / "home" / "in"
    until(waiting)
    deadline = time.monotonic() + 20
    while len(list(waiting.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    (waiting / "go").touch()
    first, second = (step.ends() for step in steps)
    assert (first.code, second.code) == (0, 0), first.log + second.log
    assert first.outputs["python"] == second.outputs["python"]
    assert (
        len([name for name in job.names() if (job.root / name).is_dir()]) == 2
    )  # the link, and where it leads


# Says who it is, and stays.
STAY = 'echo $$ > "$HOME/pid.new"; mv "$HOME/pid.new" "$HOME/pid"; exec sleep 60'


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_ends_at_once_and_leaves_nothing(job: Job, how: signal.Signals, code: int) -> None:
    step = job.start(
        WHILE_INSTALLING='echo $$ > "$HOME/pid.new"; mv "$HOME/pid.new" "$HOME/pid"; exec sleep 60'
    )
    until(job.directory / "home" / "pid")
    began = time.monotonic()
    step.process.send_signal(how)
    done = step.ends(within=20)
    assert done.code == code
    assert time.monotonic() - began < 5
    assert job.names() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((job.directory / "home" / "pid").read_text()), 0)
    assert job.sets_up().outputs["python"]


def test_killed_it_is_made_anew_and_what_it_left_goes_after_a_day(job: Job) -> None:
    step = job.start(WHILE_INSTALLING=STAY)
    until(job.directory / "home" / "pid")
    step.process.kill()
    uv = int((job.directory / "home" / "pid").read_text())
    os.kill(uv, signal.SIGKILL)
    step.process.wait(timeout=10)
    step.ends()
    left = job.names()
    assert len(left) == 2  # the workshop and half an environment
    done = job.sets_up()
    assert done.environment.name not in left
    assert set(left) <= set(job.names())
    for days, extra in (0.5, ""), (1.1, "embedded"):
        for name in left:
            age(job.root / name, days)
        shutil.rmtree(done.environment)
        done = job.sets_up(INPUT_BACKEND=extra)
        assert set(left) <= set(job.names()) if days < 1 else not set(left) & set(job.names())


def test_what_nobody_has_used_for_a_month_goes(job: Job) -> None:
    made = job.sets_up().environment

    def clean_up() -> set[str]:
        """Whatever makes an environment looks after the others."""
        other = job.sets_up(INPUT_BACKEND="embedded").environment
        shutil.rmtree(other)
        return {name for name in job.names() if "embedded" not in name}

    both = clean_up()
    assert len(both) == 2  # the environment, and the link to it
    for days in 29, 31:
        age(made / ".used", days)
        age(made, days)
        if days > 30:
            job.sets_up()
        assert clean_up() == both
    age(made / ".used", 31)
    age(made, 31)
    assert clean_up() == set()


@pytest.mark.parametrize("accident", ["gone", "broken"])
def test_an_environment_whose_python_does_not_run_is_made_anew(job: Job, accident: str) -> None:
    first = job.sets_up()
    python = Path(first.outputs["python"])
    python.unlink()
    if accident == "gone":
        python.symlink_to("/nowhere/python3.12")
    else:
        program(python, "exit 127")
    second = job.sets_up()
    assert second.outputs["python"] != first.outputs["python"]
    assert job.sets_up().outputs["python"] == second.outputs["python"]


def test_a_full_disk_or_the_like_is_an_error_like_the_others(job: Job) -> None:
    (job.bin / "cp").unlink()
    program(job.bin / "cp", "echo 'cp: no space left on device' >&2; exit 1")
    done = job.start().ends()
    assert done.code == 2
    assert len(done.errors) == 1
    assert "no space left" in done.log
    assert job.names() == []


# --- one pin for uv ---


def test_uv_is_pinned_in_one_place() -> None:
    pins = re.findall(r"^uv==(\S+) \\$", (ROOT / ".ci/uv.txt").read_text(), flags=re.MULTILINE)
    assert len(pins) == 1
    for name in ("Makefile", "Dockerfile", ".ci/setup", str(SETUP)):
        assert not re.search(
            rf"uv(==|-|.version\W+){re.escape(pins[0])}", (ROOT / name).read_text(), re.IGNORECASE
        ), name
    for name in ("Dockerfile", ".ci/setup", str(SETUP)):
        assert "uv.txt" in (ROOT / name).read_text(), name
