"""The `git` executable, so used that nothing which a repository contains or configures is executed.

No hooks, no file system monitor, no external diff or text conversion, no network (a partial clone is not
completed behind the user's back), no replaced objects, no prompt, no lock for the sake of a cache. The
environment is an allow-list, so no secret of ours reaches git. Arguments are lists; there is no shell.

Every failure of git is `Misconfigured` with a sentence that says what to do: git is absent, the directory is
no repository or belongs to someone else, objects are missing (`archive-incomplete`), it took too long. Where git
writes to files of ours and has no room, that is the `OSError` that it met, for `automation.room` to tell.
"""

import errno
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NewType

from automation.errors import Misconfigured
from automation.reasons import Reason
from automation.room import room_in

Sha = NewType("Sha", str)
"""The full name of a commit: 40 hex digits, or 64 in a SHA-256 repository."""

QUICK = 60.0
LONG = 600.0
"""Time-outs in seconds: for questions, and for what reads or writes whole trees and histories."""

_FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PASSED_ON = re.compile(
    r"PATH|HOME|XDG_CONFIG_HOME|TMPDIR|USER|LOGNAME|DEVELOPER_DIR|GIT_CEILING_DIRECTORIES"
    r"|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)"
)
_DISTRUSTED = re.compile(r"dubious ownership in repository at '(.*)'")
_NO_ROOM = {
    "No space left on device": errno.ENOSPC,
    "Out of diskspace": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    # SIGXFSZ, on Linux and on macOS.
    "died of signal 25": errno.EFBIG,
    "Read-only file system": errno.EROFS,
}
"""How a line of git's ends that could write no more."""
# Sources: https://git-scm.com/docs/git#_environment_variables and https://git-scm.com/docs/git-config
_FIXED_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
_FIXED_CONFIGURATION = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    # A directory inside the tree can be shaped like a bare repository with a configuration of its own.
    "safe.bareRepository=explicit",
)


@dataclass(frozen=True)
class Answer:
    """How a git command ended, and what it said."""

    code: int
    out: bytes
    complaint: str

    @property
    def line(self) -> str:
        """The output as one line of text, bytes that are not UTF-8 as surrogates."""
        return os.fsdecode(self.out).removesuffix("\n")


@dataclass
class Running:
    """A git command at work. `code` and `complaint` are there once it has ended."""

    process: "subprocess.Popen[bytes]"
    stopped: bool = False
    expired: bool = False
    code: int = 0
    complaint: str = ""

    @property
    def output(self) -> IO[bytes]:
        """Standard output: to be read to its end, unless the command is stopped."""
        return _pipe(self.process.stdout)

    @property
    def requests(self) -> IO[bytes]:
        """Standard input, where it was asked for."""
        return _pipe(self.process.stdin)

    def no_more_requests(self) -> None:
        """Close standard input; that nobody reads what is still under way is no failure."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def stop(self) -> None:
        """End the command early; that it was killed is then no failure."""
        self.stopped = True
        self.process.kill()

    def expire(self) -> None:
        """End the command because its time is over."""
        self.expired = True
        self.process.kill()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("this end of the command is not a pipe")
    return stream


@dataclass(frozen=True)
class Git:
    """git, working in one directory.

    Attributes:
        directory: where git looks for the repository.
        git_dir: the repository itself, where it need not be looked for.
        settings: more configuration, as `name=value`.
        is_ours: it is of our own making, so whatever it cannot write is for want of room on this machine.
    """

    directory: Path
    git_dir: Path | None = None
    settings: tuple[str, ...] = ()
    is_ours: bool = False

    def run(self, *arguments: str, accept: tuple[int, ...] = (0,), timeout: float = QUICK) -> Answer:
        """Run a command and read all that it prints.

        Args:
            arguments: the command and its arguments; `--end-of-options` or `--` stands before a user's words.
            accept: exit codes that are answers; any other is a failure.
            timeout: seconds.

        Raises: as `running`.
        """
        with self.running(*arguments, accept=accept, timeout=timeout) as running:
            out = running.output.read()
        return Answer(running.code, out, running.complaint)

    @contextmanager
    def running(
        self,
        *arguments: str,
        accept: tuple[int, ...] = (0,),
        timeout: float = LONG,
        requests: bool = False,
    ) -> Iterator[Running]:
        """Run a command beside the body of the `with`; its failure is raised at the end of the body.

        Args:
            arguments: as for `run`.
            accept: as for `run`.
            timeout: seconds.
            requests: the body writes to the command's standard input.

        Raises:
            Misconfigured: see the module.
            NoRoom: there is none for its complaints.
            OSError: there is none for what it writes, in a repository that `is_ours`.
        """
        with _scratch() as complaints, self._start(arguments, complaints, requests=requests) as process:
            running = Running(process)
            clock = threading.Timer(timeout, running.expire)
            clock.daemon = True
            clock.start()
            try:
                yield running
                running.no_more_requests()
                running.code = process.wait()
            except Exception:
                if running.expired:
                    raise _late(arguments[0], timeout) from None
                raise
            finally:
                clock.cancel()
                process.kill()
                running.no_more_requests()
            complaints.seek(0)
            running.complaint = complaints.read().decode(errors="replace")
            has_failed = running.code not in accept and not running.stopped
            if has_failed and not running.complaint:
                _expect_room(complaints)
        if running.expired and running.code:
            raise _late(arguments[0], timeout)
        if has_failed:
            raise self.failure(arguments[0], running.code, running.complaint)

    def _start(
        self, arguments: tuple[str, ...], complaints: IO[bytes], *, requests: bool
    ) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        options = [word for setting in (*_FIXED_CONFIGURATION, *self.settings) for word in ("-c", setting)]
        if self.git_dir is not None:
            options.append(f"--git-dir={self.git_dir}")
        try:
            return subprocess.Popen(  # noqa: S603 - a fixed program, arguments as a list, no shell
                ["git", "-C", str(self.directory), *options, *arguments],  # noqa: S607 - PATH is the user's
                stdin=subprocess.PIPE if requests else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment | _FIXED_ENVIRONMENT,
            )
        except OSError as error:
            raise Misconfigured(
                f"git cannot be started ({error.strerror}): install git and put it on PATH"
            ) from None

    def failure(self, command: str, code: int, said: str) -> Misconfigured | OSError:
        """What a failure of git means for the user, from its exit code and its complaint."""
        if self.is_ours and (number := _no_room(said)):
            return OSError(number, os.strerror(number))
        if distrusted := _DISTRUSTED.search(said):
            where = distrusted[1]
            return Misconfigured(
                f"git refuses to read the repository at '{where}' because it belongs to another user: run "
                f"`git config --global --add safe.directory '{where}'` before, as the user that runs this, or make "
                "the directory that user's own"
            )
        if "not a git repository" in said:
            return Misconfigured(
                f"'{self.directory}' is not inside a git repository: check the repository out there first"
            )
        if "promisor remote" in said or "lazy fetching" in said:
            return Misconfigured(
                f"the repository at '{self.directory}' is a partial clone and lacks objects that `git {command}` "
                "needs: check it out without `filter`",
                reason=Reason.ARCHIVE_INCOMPLETE,
            )
        return Misconfigured(f"`git {command}` failed with exit code {code}: {_gist(said)}")


def _scratch() -> IO[bytes]:
    with room_in():
        return TemporaryFile()


def _expect_room(complaints: IO[bytes]) -> None:
    """Git may have been silent because nothing could be written there: raises `NoRoom` if that is so."""
    with room_in():
        os.write(complaints.fileno(), b"\n")


def _no_room(said: str) -> int:
    """The number of the error with which a write of git's failed for want of room; 0 for none."""
    lines = tuple(said.splitlines())
    return next(
        (number for words, number in _NO_ROOM.items() if any(each.endswith(words) for each in lines)), 0
    )


def is_sha(word: str) -> bool:
    """Whether a word is the full name of an object, in git's own lower case."""
    return _FULL_SHA.fullmatch(word) is not None


def _late(command: str, timeout: float) -> Misconfigured:
    return Misconfigured(
        f"`git {command}` did not end within {timeout:g} s: the repository is too large or its disk too slow"
    )


def _gist(complaint: str) -> str:
    lines = [line for line in complaint.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (telling or lines or ["git gave no reason"])[0][:500]
