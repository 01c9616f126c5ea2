"""YAML read into plain data that still knows on which line each value stands.

Promise: any text either becomes a `Document` of dicts, lists, strings, numbers, booleans and None, or raises
`YamlInvalid` with one-line flaws that carry line and column; nothing else is raised. Size, depth and the
number of values are bounded *after* aliases are expanded, so a few lines cannot unfold into gigabytes.

What differs from `yaml.safe_load`: a key that stands twice is refused, where PyYAML silently keeps the last
one; the unquoted key `on`, a boolean in YAML 1.1, is read as the word that its author meant; dates, merge keys
and tags are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Never

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from automation.definition.problems import quote

MAX_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 10_000
MAX_DEPTH: Final = 50
_MAX_NUMBER: Final = 2**63
_MAX_NUMBER_LENGTH: Final = 100
_TOO_LARGE: Final = "this number is too large; put it in quotes if it is text"

_TAG: Final = "tag:yaml.org,2002:"
_CONSTRUCTOR: Final = yaml.constructor.SafeConstructor()
_WORDS: Final = {"bool": "boolean", "int": "whole number", "float": "number"}

type Key = str | float | bool | None
type KeyPath = tuple[Key, ...]
type Position = tuple[int, int]


@dataclass(frozen=True)
class Flaw:
    """What makes a text unusable, and where (both counted from 1)."""

    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Document:
    """Plain data with the place of each key and list item."""

    value: Any
    positions: Mapping[KeyPath, Position]

    def locate(self, path: KeyPath) -> Position:
        """Line and column of what `path` names; of its nearest ancestor where there is no such thing."""
        while path not in self.positions:
            path = path[:-1]
        return self.positions[path]


class YamlInvalid(ValueError):
    """The text cannot be used as it stands.

    `document` holds the data where that is still known (keys that stand twice: the first one counts), so that
    a caller can report all that is wrong in one go.
    """

    def __init__(self, flaws: tuple[Flaw, ...], document: Document | None = None) -> None:
        super().__init__("\n".join(f"{flaw.line}:{flaw.column}: {flaw.message}" for flaw in flaws))
        self.flaws = flaws
        self.document = document


def parse_yaml(text: str) -> Document:
    """Read one YAML document; an empty text is the value None.

    Raises:
        YamlInvalid: not YAML, more than one document, a key that stands twice, a value that is not plain data,
            or more than the bounds of this module allow.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        _refuse(1, 1, f"the file is larger than {MAX_BYTES // 1024} KiB")
    root = _compose(text)
    if root is None:
        return Document(None, {(): (1, 1)})
    reading = _Reading()
    reading.positions[()] = _position(root)
    document = Document(reading.value(root, ()), reading.positions)
    if reading.duplicates:
        raise YamlInvalid(tuple(reading.duplicates), document)
    return document


class _Composer(yaml.SafeLoader):
    """PyYAML's own composer recurses without a bound; this one counts."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth += 1
        self._values += 1
        _check_bounds(self._depth, self._values, (mark.line + 1, mark.column + 1))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str) -> Node | None:
    try:
        loader = _Composer(text)
        if not loader.check_node():
            return None
        root: Node | None = loader.get_node()
        if loader.check_node():
            mark = loader.peek_event().start_mark  # type: ignore[no-untyped-call]
            _refuse(mark.line + 1, mark.column + 1, "a second document begins here; only one is read")
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        _refuse(
            before.count("\n") + 1, column, f"the character U+{ord(text[error.position]):04X} is not allowed"
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse(mark.line + 1, mark.column + 1, _one_line(error))  # type: ignore[union-attr]  # one is always set
    except YamlInvalid:
        raise
    except (ValueError, OverflowError):
        # PyYAML hands an escape such as "\UFFFFFFFF" to chr() as it is.
        _refuse(1, 1, "not YAML: an escape in double quotes names no character")
    return root


def _one_line(error: yaml.MarkedYAMLError) -> str:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return f"not YAML: {' '.join(said.split())}"


@dataclass
class _Reading:
    """One pass over composed nodes; aliased nodes are visited, and counted, once for each use."""

    positions: dict[KeyPath, Position] = field(default_factory=dict)
    duplicates: list[Flaw] = field(default_factory=list)
    values: int = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self.values += 1
        _check_bounds(len(path), self.values, _position(node))
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if node.tag == f"{_TAG}map" and isinstance(node, MappingNode):
            return self._mapping(node, path)
        if node.tag != f"{_TAG}seq" or not isinstance(node, SequenceNode):
            _refuse_tag(node)
        return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]

    def _item(self, node: Node, path: KeyPath) -> Any:
        self.positions[path] = _position(node)
        return self.value(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[Any, Any]:
        content: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            here = _position(key_node)
            if key in content:
                first, _ = self.positions[*path, key]
                said = f"the key {quote(key)} stands twice, first on line {first}; keep one"
                self.duplicates.append(Flaw(*here, said))
                continue
            self.positions[*path, key] = here
            content[key] = self.value(value_node, (*path, key))
        return content


def _key(node: Node) -> Key:
    if not isinstance(node, ScalarNode):
        _refuse(*_position(node), "a key must be one word or a quoted text, not a list or a mapping")
    if node.tag == f"{_TAG}merge":
        _refuse(*_position(node), "merge keys ('<<') are not read here; write the keys out")
    key = _scalar(node)
    return "on" if key is True and node.value == "on" else key


def _scalar(node: ScalarNode) -> Key:
    """A scalar's value by YAML 1.1's rules, as `yaml.safe_load` has it."""
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "str":
        return _text(node)
    if kind == "timestamp":
        _refuse(*_position(node), "this is a date to YAML; put it in quotes")
    if kind not in {"bool", "int", "float"}:
        _refuse_tag(node)
    if len(node.value) > _MAX_NUMBER_LENGTH:
        # PyYAML takes quadratic time over base 60 (1:1:1:...).
        _refuse(*_position(node), _TOO_LARGE)
    try:
        value: float | bool = yaml.constructor.SafeConstructor.yaml_constructors[node.tag](_CONSTRUCTOR, node)
    except (ValueError, LookupError):
        _refuse(
            *_position(node), f"this is no {_WORDS[kind]} that can be read; put it in quotes if it is text"
        )
    if isinstance(value, int) and abs(value) >= _MAX_NUMBER:
        _refuse(*_position(node), _TOO_LARGE)
    return value


def _text(node: ScalarNode) -> str:
    text: str = node.value
    if any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(*_position(node), "this text holds half a character (a lone surrogate); write the whole one")
    return text


def _position(node: Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _check_bounds(depth: int, values: int, at: Position) -> None:
    if depth > MAX_DEPTH:
        _refuse(*at, f"nested more than {MAX_DEPTH} levels deep, or an alias that contains itself")
    if values > MAX_VALUES:
        _refuse(*at, f"more than {MAX_VALUES} values, aliases counted at each use")


def _refuse_tag(node: Node) -> Never:
    _refuse(
        *_position(node), f"the tag {quote(node.tag.replace(_TAG, '!!'))} is not plain data; leave it out"
    )


def _refuse(line: int, column: int, message: str) -> Never:
    raise YamlInvalid((Flaw(line, column, message),))
