"""CONTRIBUTING and SECURITY name what is there, all of it, and every link of the documents leads somewhere."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from automation.action.modes import SECRET_INPUTS
from automation.github.tokens import WANTED
from automation.redaction.secret_forms import MIN_LENGTH
from automation.verdict import judge
from bot.caps import Caps
from bot.github.installations import WANTED as OF_THE_BOT
from bot.inbox import webhook
from bot.pages import event_stream
from bot.retention import DAY, DELIVERIES_KEPT, RUNS_KEPT
from bot.runs.authorised import FRESH
from bot.set_up.manifest import PERMISSIONS
from bot.settings import _SHORTEST_PASSWORD as SHORTEST_PASSWORD
from bot.telemetry import SHORTEST_SECRET

MIB = 1024 * 1024
ROOT = Path(__file__).parents[2]
PACKAGES = ("src/automation/", "bot/")
DOCUMENTS = (
    "README.md",
    ".github/CHANGELOG.md",
    "bot/README.md",
    "bot/OPERATING.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
)
CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
SECURITY = (ROOT / ".github/SECURITY.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(`{3,})[^`]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


def prose(document: str) -> str:
    """A document without its code blocks."""
    return BLOCK.sub("", (ROOT / document).read_text(encoding="utf-8"))


def anchors(document: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#{1,6} (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def parts(directory: Path) -> set[str]:
    """Packages (with a slash) and modules directly below a directory."""
    packages = {f"{file.parent.name}/" for file in directory.glob("*/__init__.py")}
    modules = {file.name for file in directory.glob("*.py") if not file.name.startswith("__")}
    return packages | modules


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), link


@pytest.mark.parametrize("text", [CONTRIBUTING, SECURITY], ids=["CONTRIBUTING", "SECURITY"])
def test_every_path_that_is_named_is_there(text: str) -> None:
    named = re.findall(r"`((?:src|tests|bot|\.ci|\.github|\.openhands)/[^`\s]*|pyproject\.toml)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tree_names_every_package_and_module_of_the_core_and_the_bot_once(package: str) -> None:
    tree = section(CONTRIBUTING, "The code, in reading order")
    [below] = re.findall(rf"^{re.escape(package)}.*\n((?:  .*\n)+)", tree, flags=re.MULTILINE)
    named = re.findall(r"^  ([\w.]+/?) +\S", below, flags=re.MULTILINE)
    assert sorted(named) == sorted(parts(ROOT / package))


def test_the_tree_names_directories_that_are_there() -> None:
    tree = section(CONTRIBUTING, "The code, in reading order")
    for name in re.findall(r"^([\w./]+/) +\S", tree, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def contracts() -> list[dict[str, Any]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = configuration["tool"]["importlinter"]["contracts"]
    return found


def rule(begins: str) -> list[list[str]]:
    """The modules that a line of "Who may import whom" names, in groups that semicolons divide."""
    lines = section(CONTRIBUTING, "Who may import whom").splitlines()
    [line] = [line for line in lines if line.startswith(f"- {begins}")]
    return [re.findall(r"`([\w.]+)`", group) for group in line.split(";")]


def without(package: str, names: list[str]) -> list[str]:
    return [name.strip().removeprefix(f"{package}.") for name in names]


@pytest.mark.parametrize(
    ("package", "begins"), [("automation", "Layers, from"), ("bot", "Layers of the bot")]
)
def test_the_layers_are_those_of_the_contract(package: str, begins: str) -> None:
    layered = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]
    [layers] = [layers for layers in layered if layers[0].startswith(f"{package}.")]
    assert rule(begins) == [without(package, layer.split("|")) for layer in layers]


@pytest.mark.parametrize(
    ("package", "begins"), [("automation", "Decisions do no I/O"), ("bot", "Nor do the bot's")]
)
def test_the_modules_without_io_are_those_of_the_contract(package: str, begins: str) -> None:
    forbidding = [contract for contract in contracts() if "httpx" in contract.get("forbidden_modules", [])]
    sources: list[list[str]] = [contract["source_modules"] for contract in forbidding]
    [pure] = [names for names in sources if names[0].startswith(f"{package}.")]
    [said] = rule(begins)
    assert sorted(said) == sorted(without(package, pure))


def test_every_make_target_is_named_and_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    table = re.findall(r"^\| `make (\w+)` \|", CONTRIBUTING, flags=re.MULTILINE)
    assert sorted(table) == sorted(phony.split())
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:`|\$ )make (\w+)", text)) <= set(phony.split())


def test_the_line_that_decides_a_verdict_is_where_it_is_said_to_be() -> None:
    pointer = CONTRIBUTING.split("\n## ")[0]
    assert f"`{judge.__name__}`" in pointer
    assert f"src/{judge.__module__.replace('.', '/')}.py" in pointer


def test_what_is_not_isolated_comes_first() -> None:
    first = re.search(r"^## (.+)$", SECURITY, flags=re.MULTILINE)
    assert first is not None
    assert first[1] == "What is not isolated"


def test_the_inputs_of_the_action_that_are_masked_are_named() -> None:
    [line] = [line for line in SECURITY.splitlines() if line.startswith("In the Action:")]
    masked = [name.removeprefix("INPUT_").lower().replace("_", "-") for name in SECRET_INPUTS]
    assert sorted(re.findall(r"`([\w-]+)`", line)) == sorted([*masked, "secrets"])


@pytest.mark.parametrize(
    ("begins", "wanted"),
    [("| Tokens of an App", WANTED), ("| The App asks", PERMISSIONS), ("| A token of the bot's", OF_THE_BOT)],
)
def test_what_an_app_and_its_tokens_may_do_at_most_is_said(begins: str, wanted: Mapping[str, str]) -> None:
    [row] = [row for row in SECURITY.splitlines() if row.startswith(begins)]
    named = dict(re.findall(r"`([\w-]+): (\w+)`", row))
    assert named == {name.replace("_", "-"): level for name, level in wanted.items()}


@pytest.mark.parametrize(
    "phrase",
    [
        f"{webhook.LIMIT // MIB} MiB",
        f"{FRESH:g} s",
        f"{Caps.per_user} runs by one person, {Caps.per_pull} on one pull request and {Caps.per_repository} in",
        f"{Caps.runs} go on in each process, {Caps.at_once_per_repository} of one repository and {Caps.at_once_per_server} on one server",
        f"password (of {SHORTEST_PASSWORD} characters or more)",
        f"headers carry (of {SHORTEST_SECRET} characters or more)",
        f"at most {event_stream.LIMIT} streams",
        f"{RUNS_KEPT / DAY:g} days after their end, deliveries after {DELIVERIES_KEPT / DAY:g} days",
    ],
)
def test_the_figures_of_the_bot_are_said(phrase: str) -> None:
    assert phrase in SECURITY


def test_the_shortest_secret_that_is_masked() -> None:
    assert f"fewer than {MIN_LENGTH} characters (`MIN_LENGTH`" in SECURITY
