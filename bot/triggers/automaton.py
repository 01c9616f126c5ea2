r"""Regular expressions that cannot hang: `re.search` as yes or no, without backtracking. Pure.

Python's `re` can take years over a hundred characters, and nothing can interrupt it. Here `re`'s own parser reads
the expression, and then all its states are walked at once (Thompson's construction): the work is at most the
subject's length times the number of states. Looks ahead and back are walked alike; every step counts. Whether a
single character fits, and whether a place is a `^` or a `\b`, is still asked of `re`, so that classes, flags and
cases mean the same.

What needs a memory of what was matched (back-references, conditions, atomic groups, possessive quantifiers) is
given up, and so is what is too large.
"""

import re
import warnings
from dataclasses import dataclass, field
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]  # there is no public parser
from typing import Any, Final

MAX_PATTERN: Final = 1000
MAX_STATES: Final = 2000
MAX_STEPS: Final = 500_000
_MATCH: Final = 0
_WORDS: Final = {
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a condition",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive quantifier",
}


class GivenUp(Exception):
    """The expression needs what is not supported, or more work than is allowed; the message says which."""


class Effort:
    """What may be spent in all, in steps; a step takes about a microsecond."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Count them.

        Raises:
            GivenUp: there are not as many left.
        """
        self._left -= steps
        if self._left < 0:
            raise GivenUp("the regular expression takes too long on this event")


@dataclass(frozen=True)
class _Look:
    """A look ahead of a place, or back from it.

    Attributes:
        back: characters to go back first.
    """

    inner: "Automaton"
    back: int
    is_wanted: bool

    def holds(self, subject: str, at: int, effort: Effort) -> bool:
        is_there = at >= self.back and self.inner.begins(subject, at - self.back, effort)
        return is_there is self.is_wanted


@dataclass(frozen=True)
class _State:
    """A place in the expression.

    Attributes:
        then: the states after it; a loop's are filled in when its end is known.
        test: what has to hold here; None for nothing.
        width: characters that it takes, 0 or 1.
    """

    then: list[int]
    test: re.Pattern[str] | _Look | None = None
    width: int = 0

    def holds(self, subject: str, at: int, effort: Effort) -> bool:
        match self.test:
            case None:
                return True
            case _Look():
                return self.test.holds(subject, at, effort)
            case _:
                return self.test.match(subject, at) is not None


@dataclass(frozen=True)
class Automaton:
    """The states of an expression; state 0 is its end, a match."""

    states: list[_State]
    start: int

    def finds(self, subject: str, effort: Effort) -> bool:
        """Whether it matches anywhere in the subject.

        Raises:
            GivenUp: that would take more than the effort that is left.
        """
        return self._walk(subject, 0, {self.start}, effort)

    def begins(self, subject: str, at: int, effort: Effort) -> bool:
        """Whether it matches at this place; raises as `finds` does."""
        return self._walk(subject, at, set(), effort)

    def _walk(self, subject: str, begin: int, everywhere: set[int], effort: Effort) -> bool:
        """`everywhere`: the states that are entered anew at each place."""
        active = {self.start}
        for at in range(begin, len(subject) + 1):
            reached = self._reached(active, subject, at, effort)
            if _MATCH in reached:
                return True
            takers = (self.states[each] for each in reached if self.states[each].width)
            taken = {then for state in takers if state.holds(subject, at, effort) for then in state.then}
            active = taken | everywhere
            if not active:
                return False
        return False

    def _reached(self, active: set[int], subject: str, at: int, effort: Effort) -> set[int]:
        """All states that can be entered here without taking a character."""
        reached = set(active)
        pending = list(active)
        while pending:
            state = self.states[pending.pop()]
            if not state.width and state.holds(subject, at, effort):
                fresh = set(state.then) - reached
                reached |= fresh
                pending += fresh
        effort.spend(len(reached))
        return reached


def read_expression(pattern: str) -> Automaton:
    """The automaton of a regular expression.

    Raises:
        re.error: it is none.
        GivenUp: it is not supported, or too large.
    """
    if len(pattern) > MAX_PATTERN:
        raise GivenUp(f"the regular expression is longer than {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            # `re` warns of what may once mean something else; nobody here could act on it.
            warnings.simplefilter("ignore")
            return _Reading().automaton(_parser.parse(pattern))
    except (RecursionError, OverflowError):
        raise GivenUp("the regular expression is nested too deeply, or counts too far") from None


type _Groups = tuple[tuple[int, int], ...]
"""What the groups around an item set and take away of `re`'s flags, from the outermost on."""


@dataclass
class _Reading:
    """States in the making, the last ones first: each item is told which state comes after it."""

    states: list[_State] = field(default_factory=lambda: [_State([])])
    effort: Effort = field(default_factory=lambda: Effort(MAX_STATES))

    def automaton(self, tree: Any, groups: _Groups = ()) -> Automaton:
        return Automaton(self.states, self._sequence(tree, groups, _MATCH))

    def _add(self, state: _State) -> int:
        self.states.append(state)
        return len(self.states) - 1

    def _sequence(self, tree: Any, groups: _Groups, then: int) -> int:
        self._count()
        for item in reversed(tree):
            then = self._item(tree, item, groups, then)
        return then

    def _count(self) -> None:
        try:
            self.effort.spend(1)
        except GivenUp:
            raise GivenUp("the regular expression is too large; its counts multiply") from None

    def _item(self, tree: Any, item: tuple[Any, Any], groups: _Groups, then: int) -> int:
        self._count()
        operation, value = item
        match str(operation):
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._add(_State([then], _asked_of_re(tree, item, groups), width=1))
            case "AT":
                return self._add(_State([then], _asked_of_re(tree, item, groups)))
            case "FAILURE":
                return self._add(_State([]))
            case "SUBPATTERN":
                _, on, off, inner = value
                return self._sequence(inner, (*groups, (on, off)) if on or off else groups, then)
            case "BRANCH":
                return self._add(_State([self._sequence(each, groups, then) for each in value[1]]))
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                return self._repeat(least, most, inner, groups, then)
            case "ASSERT" | "ASSERT_NOT" as name:
                direction, inner = value
                back = _width(inner) if direction < 0 else 0
                around = _Reading(effort=self.effort).automaton(inner, groups)
                return self._add(_State([then], _Look(around, back, is_wanted=name == "ASSERT")))
            case name:
                raise GivenUp(f"the regular expression has {_WORDS.get(name, name)}, which is not supported")

    def _repeat(self, least: int, most: int, inner: Any, groups: _Groups, then: int) -> int:
        if most == _constants.MAXREPEAT:
            loop = _State([])
            entry = self._add(loop)
            loop.then.extend((self._sequence(inner, groups, entry), then))
        else:
            entry = then
            for _ in range(most - least):
                entry = self._add(_State([self._sequence(inner, groups, entry), then]))
        for _ in range(least):
            entry = self._sequence(inner, groups, entry)
        return entry


def _width(tree: Any) -> int:
    least, most = tree.getwidth()
    if least != most:
        raise re.error("look-behind requires fixed-width pattern")
    return int(least)


def _asked_of_re(tree: Any, item: tuple[Any, Any], groups: _Groups) -> re.Pattern[str]:
    alone = _parser.SubPattern(tree.state, [item])
    for on, off in reversed(groups):
        alone = _parser.SubPattern(tree.state, [(_constants.SUBPATTERN, (None, on, off, alone))])
    asked: re.Pattern[str] = _compiler.compile(alone)
    return asked
