"""Any history, cut anywhere, answers as the whole one does."""

from hypothesis import given
from hypothesis import strategies as st

from automation.packing.history import cut

type Graph = dict[int, tuple[int, ...]]


@st.composite
def histories(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(1, 14))
    graph: Graph = {0: ()}
    for commit in range(1, size):
        parents = draw(st.lists(st.integers(0, commit - 1), max_size=3, unique=True))
        graph[commit] = tuple(parents)
    return graph


def reach(graph: Graph, tip: int) -> set[int]:
    found: set[int] = set()
    waiting = [tip]
    while waiting:
        commit = waiting.pop()
        if commit not in found:
            found.add(commit)
            waiting.extend(graph[commit])
    return found


@given(histories(), st.data())
def test_a_cut_history_answers_like_the_whole(graph: Graph, data: st.DataObject) -> None:
    base, head = data.draw(st.sampled_from(sorted(graph))), data.draw(st.sampled_from(sorted(graph)))
    ours, theirs = reach(graph, head), reach(graph, base)
    visible = {commit: graph[commit] for commit in ours | theirs}
    between = ours ^ theirs
    edge = {parent for commit in between for parent in graph[commit]}

    part = cut(visible, between | edge | {base, head})

    grafted = {commit: () if commit in part.shallow else graph[commit] for commit in part.kept}
    assert reach(grafted, head) | reach(grafted, base) == part.kept
    assert reach(grafted, head) - reach(grafted, base) == ours - theirs
    assert reach(grafted, base) - reach(grafted, head) == theirs - ours


def test_a_line_is_cut_at_the_fork() -> None:
    part = cut({4: (3,), 3: (2,), 5: (2,), 2: (1,), 1: (0,), 0: ()}, {4, 3, 5, 2})
    assert part.shallow == {2}
    assert part.kept == {2, 3, 4, 5}
