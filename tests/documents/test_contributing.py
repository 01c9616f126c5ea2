"""CONTRIBUTING and SECURITY name what is there, all of it, and every link of the documents leads somewhere."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from automation.action.modes import SECRET_INPUTS
from automation.github.tokens import WANTED
from automation.redaction.secret_forms import MIN_LENGTH
from automation.verdict import judge

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "automation"
DOCUMENTS = ("README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md")
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


def test_the_tree_names_every_package_and_module_of_the_core_once() -> None:
    tree = section(CONTRIBUTING, "The code, in reading order")
    named = re.findall(r"^  ([\w.]+/?) +\S", tree, flags=re.MULTILINE)
    assert sorted(named) == sorted(parts(CORE))


def test_the_tree_names_directories_that_are_there() -> None:
    tree = section(CONTRIBUTING, "The code, in reading order")
    for name in re.findall(r"^([\w./]+/) +\S", tree, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def contracts() -> list[dict[str, Any]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = configuration["tool"]["importlinter"]["contracts"]
    return found


def test_the_layers_are_those_of_the_contract() -> None:
    [layers] = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]
    [line] = [line for line in section(CONTRIBUTING, "Who may import whom").splitlines() if "Layers" in line]
    said = [re.findall(r"`(\w+)`", layer) for layer in line.split(";")]
    assert said == [
        [name.strip().removeprefix("automation.") for name in layer.split("|")] for layer in layers
    ]


def test_the_modules_without_io_are_those_of_the_contract() -> None:
    [pure] = [contract for contract in contracts() if "httpx" in contract.get("forbidden_modules", [])]
    [line] = [line for line in section(CONTRIBUTING, "Who may import whom").splitlines() if "no I/O" in line]
    said = re.findall(r"`([\w.]+)`", line)
    assert sorted(said) == sorted(name.removeprefix("automation.") for name in pure["source_modules"])


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


def test_what_a_token_of_an_app_may_do_at_most_is_said() -> None:
    [row] = [row for row in SECURITY.splitlines() if row.startswith("| Tokens of an App")]
    named = dict(re.findall(r"`([\w-]+): (\w+)`", row))
    assert named == {name.replace("_", "-"): level for name, level in WANTED.items()}


def test_the_shortest_secret_that_is_masked() -> None:
    assert f"fewer than {MIN_LENGTH} characters (`MIN_LENGTH`" in SECURITY
