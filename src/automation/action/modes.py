"""The Action's two commands: `run`, which is one step in one of its modes, and `settle`, the step after it."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from automation.action.context import Context
from automation.action.ending import Ending, write_ending
from automation.action.inputs import FailOn, Mode
from automation.action.job_log import JobLog
from automation.action.settle import Settlement
from automation.action.state import State, StateFile
from automation.action.step import Step
from automation.action.surroundings import Surroundings
from automation.action.watchdog import Watchdog
from automation.action.workflow_commands import annotation, masks
from automation.errors import AutomationError
from automation.exit_codes import Exit
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.report import write_report
from automation.result import AnnotationLevel
from automation.sentences import one_line
from automation.verdict import not_started

STATE = "AUTOMATION_ACTION_STATE"
SECRET_INPUTS = (
    "INPUT_AGENT_SERVER_API_KEY",
    "INPUT_OPENHANDS_API_KEY",
    "INPUT_GITHUB_TOKEN",
    "INPUT_PRIVATE_KEY",
)


def run(environment: Mapping[str, str]) -> int:
    """Do what the step's inputs say; the step's exit code."""
    log = JobLog(sys.stdout.buffer)
    try:
        at = Surroundings.read(environment)
    except AutomationError as error:
        return _refuse(error, environment, log)
    _mask(at, log)
    match at.inputs.mode:
        case Mode.RUN:
            return asyncio.run(_step(at, log, StateFile.of(environment.get(STATE, ""))))
        case Mode.WATCHDOG:
            return asyncio.run(_watch(at, log, environment))


def settle(environment: Mapping[str, str]) -> int:
    """Settle what the step before has left; 0 unless the inputs are wrong. The job fails by that step, not by this."""
    log = JobLog(sys.stdout.buffer)
    file = StateFile.of(environment.get(STATE, ""))
    state = file.read()
    if state is None:
        return Exit.SUCCESS
    try:
        at = Surroundings.read(environment)
    except AutomationError as error:
        return _refuse(error, environment, log)
    _mask(at, log)

    return asyncio.run(_settle(at, log, file, state))


async def _settle(at: Surroundings, log: JobLog, file: StateFile, state: State) -> int:
    try:
        ending = await Settlement(at, log, file).settle(state)
    except Exception as error:  # noqa: BLE001  # the outermost: what a run has left may be hostile
        return _defect(error, at, log)
    finally:
        at.close()
    if not state.is_told:
        write_ending(ending, at.context, log, at.inputs.fail_on, at.redactor)
    log.close()
    return Exit.SUCCESS


async def _step(at: Surroundings, log: JobLog, file: StateFile) -> int:
    step = Step(at, log, file)
    try:
        ending = await step.run()
    finally:
        at.close()
    code = write_ending(ending, at.context, log, at.inputs.fail_on, at.redactor)
    file.note_told()
    log.close()
    if step.is_cancelled:
        # The runner kills what has not ended 10 s after it asked; no thread of ours is worth waiting for.
        os._exit(code)
    return code


async def _watch(at: Surroundings, log: JobLog, environment: Mapping[str, str]) -> int:
    try:
        await Watchdog(at, log).watch()
    except AutomationError as error:
        return _refuse(error, environment, log)
    except Exception as error:  # noqa: BLE001  # the outermost
        return _defect(error, at, log)
    finally:
        at.close()
    log.close()
    return Exit.SUCCESS


def _defect(error: Exception, at: Surroundings, log: JobLog) -> int:
    """What nobody foresaw, said in one sentence."""
    what = at.redactor.text(one_line(f"{type(error).__name__}: {error}"))
    log.commands(annotation(AnnotationLevel.FAILURE, f"automation-action itself failed: {what}"))
    log.close()
    return Exit.SERVER


def _mask(at: Surroundings, log: JobLog) -> None:
    commands = [command for value in at.secrets for command in masks(value)]
    if commands:
        log.commands(*commands)


def _refuse(error: AutomationError, environment: Mapping[str, str], log: JobLog) -> int:
    """Nothing can be begun: the reason goes wherever a step can write."""
    redactor = Redactor(environment.get(name, "") for name in SECRET_INPUTS)
    outcome = Outcome(run_id="", verdict=not_started(error), output=Excerpt())
    name = environment.get("INPUT_AUTOMATION") or "automation-action"
    ending = Ending(outcome, name, write_report(name, outcome), is_ordered=False)
    code = write_ending(ending, _bare_context(environment), log, FailOn.FAILURE, redactor)
    log.close()
    return code


def _bare_context(environment: Mapping[str, str]) -> Context:
    def path(name: str) -> Path | None:
        return Path(environment[name]) if environment.get(name) else None

    return Context(repository="", output_file=path("GITHUB_OUTPUT"), summary_file=path("GITHUB_STEP_SUMMARY"))
