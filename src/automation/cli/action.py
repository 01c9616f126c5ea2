"""`automation action run|settle`: what `action.yml` calls. Everything comes from the step's environment."""

import os

import click


@click.group()
def action() -> None:
    """The steps of the GitHub Action; action.yml calls them. Inputs come from INPUT_* variables."""


@action.command()
def run() -> int:
    """Run an automation, or with INPUT_MODE=watchdog settle pending check runs."""
    from automation.action.modes import run as run_action

    return run_action(os.environ)


@action.command()
def settle() -> int:
    """Settle what a killed step has left in $AUTOMATION_ACTION_STATE."""
    from automation.action.modes import settle as settle_action

    return settle_action(os.environ)
