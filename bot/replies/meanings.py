"""What each reason means for the people who read it, and what they can do. Pure."""

from typing import Final

from automation.reasons import Reason

MEANINGS: Final = {
    Reason.OK: "The automation ended with exit code 0 and kept what its definition promises.",
    Reason.REPORTED: "The automation ended in order, and its own report says this; read its summary.",
    Reason.NO_RESULT: (
        "It ended with exit code 0, but without a valid result or an output that its definition declares. "
        "It has to write these to the file at `$AUTOMATION_RESULT`."
    ),
    Reason.EXIT_CODE: "Its `setup.sh` or its entrypoint ended with another exit code than 0; the log shows why.",
    Reason.OUTPUT_LIMIT: "It wrote more output than is allowed. Let it write less, or ask the operator for more.",
    Reason.TIMED_OUT: "It took longer than the `timeout` in its `automation.yaml`. Raise that, or give it less to do.",
    Reason.CANCELLED: "Somebody stopped it. `/run-automation retry` starts it again.",
    Reason.SUPERSEDED: "A newer run took its place, as `github.concurrency` in its definition says.",
    Reason.RUN_LOST: "It disappeared from its server. The work may be half done: look at it, then run it again.",
    Reason.SERVER_LOST: "The agent-server could not be reached. Once it answers, run it again.",
    Reason.TAMPERED: "Something wrote into the run's directory. Do not trust what this run did.",
    Reason.GITHUB_LOST: "GitHub could not be reached. Once it answers, run it again.",
    Reason.NOT_ALLOWED: (
        "A rule of the repository or of the bot says so; the sentence above names it. `/run-automation help` shows "
        "who may start what."
    ),
    Reason.SHA_MOVED: "The pull request has other commits by now. Look at what is new, then ask again.",
    Reason.FORK_NEEDS_APPROVAL: (
        "The code comes from a fork. Somebody with write access looks at it, then comments "
        "`/run-automation approve` and the commit's full SHA, or presses *Approve this commit* on the check."
    ),
    Reason.FORK_NEEDS_ISOLATION: (
        "A fork's code runs only where it is alone and finds nobody's secrets. The operator of the bot can set aside a "
        "server for forks, or a Cloud account without secrets."
    ),
    Reason.BAD_CONFIG: "Mend the definition on the base branch; `automation check` shows all that is wrong with it.",
    Reason.SANDBOX_FAILED: "No Cloud sandbox could be had for it. Do what its sentence says, or run it again.",
    Reason.SANDBOX_LIMIT: "The account may not have another Cloud sandbox now. Wait until one has ended, and run it again.",
    Reason.ARCHIVE_INCOMPLETE: "GitHub's archive of the commit lacks files. Run it again; if it stays so, look at the commit.",
    Reason.INTERNAL_ERROR: (
        "The bot has a defect, or its machine had no room; the sentence above says which. Please tell its operator, "
        "with the run's id."
    ),
}
"""By reason; every reason has one."""
