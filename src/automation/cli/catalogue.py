"""`automation list` and `automation check`: what there is in a repository, and what is wrong with it."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from automation.catalogue import DEFAULT_PLACES, Found, list_automations, read_at
from automation.cli.options import automations_path_option, json_option, repository_option
from automation.exit_codes import Exit
from automation.packing.repository import Repository
from automation.sentences import one_line


@click.command("list")
@repository_option
@automations_path_option
@json_option
def list_(directory: Path, automations_path: str | None, *, as_json: bool) -> int:
    """Say which automations this repository has."""
    found = list_automations(_root(directory), automations_path)
    if as_json:
        click.echo(json.dumps([_document(each) for each in found], indent=2))
        return Exit.SUCCESS
    if not found:
        click.echo(f"no automations in {automations_path or ' or '.join(DEFAULT_PLACES)}", err=True)
        return Exit.SUCCESS
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("automation", "name", "trigger", "entrypoint", "state"):
        table.add_column(title)
    for each in found:
        table.add_row(*(Text(cell) for cell in _row(each)))
    Console(highlight=False).print(table)
    return Exit.SUCCESS


@click.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@repository_option
@automations_path_option
@json_option
def check(path: Path | None, directory: Path, automations_path: str | None, *, as_json: bool) -> int:
    """Check automation.yaml files and name everything that is wrong with them, by file, line and column.

    PATH is one automation.yaml or the directory that holds it; without it, all of the repository's are checked.
    """
    readings = (
        [read_at(path)]
        if path
        else [found.reading for found in list_automations(_root(directory), automations_path)]
    )
    problems = [problem for reading in readings for problem in reading.problems]
    errors = sum(len(reading.errors) for reading in readings)
    if as_json:
        fields = ("file", "line", "column", "severity", "message")
        click.echo(
            json.dumps([{name: getattr(each, name) for name in fields} for each in problems], indent=2)
        )
    else:
        for problem in problems:
            click.echo(f"{problem} [{problem.severity}]")
        click.echo(f"{len(readings)} checked, {errors} errors, {len(problems) - errors} warnings", err=True)
    return Exit.USAGE if errors else Exit.SUCCESS


def _root(directory: Path) -> Path:
    repository = Repository.discover(directory)
    return repository.root if repository else directory.resolve()


def _row(found: Found) -> tuple[str, str, str, str, str]:
    definition = found.reading.definition
    if definition is None:
        return found.slug, "", "", "", f"{len(found.reading.errors)} errors, see automation check"
    trigger = definition.trigger.type if definition.trigger else "-"
    state = "enabled" if definition.enabled else "disabled"
    return found.slug, one_line(definition.name), trigger, one_line(definition.entrypoint), state


def _document(found: Found) -> dict[str, object]:
    definition = found.reading.definition
    return {
        "automation": found.slug,
        "file": str(found.definition_file),
        "name": definition.name if definition else None,
        "enabled": definition.enabled if definition else None,
        "entrypoint": definition.entrypoint if definition else None,
        "problems": [str(problem) for problem in found.reading.problems],
    }
