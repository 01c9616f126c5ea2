"""Output is read often while somebody watches, and at once when the first one comes."""

import pytest

from automation.run.attention import Attention


def test_whoever_watches_makes_it_often() -> None:
    attention = Attention(watched=1, unwatched=lambda _: 15)
    assert attention.pause == 15
    with attention.watching():
        assert attention.pause == 1
        with attention.watching():
            assert attention.pause == 1
        assert attention.pause == 1
    assert attention.pause == 15


def test_the_first_look_is_not_waited_for() -> None:
    attention = Attention()
    assert not attention.drawn.is_set()
    with attention.watching():
        assert attention.drawn.is_set()
        attention.drawn.clear()
        with attention.watching():
            assert attention.drawn.is_set()


def test_whoever_leaves_in_a_hurry_has_left() -> None:
    attention = Attention(watched=1, unwatched=lambda _: 15)
    with pytest.raises(KeyError), attention.watching():
        raise KeyError
    assert attention.pause == 15


def test_usually_it_makes_no_difference() -> None:
    attention = Attention()
    with attention.watching():
        watched = attention.pause
    assert watched == attention.pause
