"""States are good once, for an hour, in the browser that they were made for."""

from bot.set_up.states import LIFETIME, MOST, Redeemed, States


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_good_once() -> None:
    states = States(Clock())
    state = states.issue("browser")
    assert states.redeem(state, "browser") is Redeemed.GOOD
    assert states.redeem(state, "browser") is Redeemed.UNKNOWN


def test_for_an_hour() -> None:
    clock = Clock()
    states = States(clock)
    last, late = states.issue("browser"), states.issue("browser")
    clock.now += LIFETIME
    assert states.redeem(last, "browser") is Redeemed.GOOD
    clock.now += 1
    assert states.redeem(late, "browser") is Redeemed.EXPIRED
    assert states.redeem(late, "browser") is Redeemed.UNKNOWN


def test_in_its_own_browser() -> None:
    states = States(Clock())
    state = states.issue("browser")
    for other in ("another", "", "browser "):
        assert states.redeem(state, other) is Redeemed.FOREIGN
    assert states.redeem(state, "browser") is Redeemed.GOOD


def test_unknown() -> None:
    states = States(Clock())
    states.issue("browser")
    for state in ("", "x", "\N{SNOWMAN}"):
        assert states.redeem(state, "browser") is Redeemed.UNKNOWN


def test_all_differ_and_the_oldest_is_forgotten() -> None:
    states = States(Clock())
    issued = [states.issue("browser") for _ in range(MOST + 1)]
    assert len(set(issued)) == len(issued)
    assert min(map(len, issued)) >= 43
    assert states.redeem(issued[0], "browser") is Redeemed.UNKNOWN
    assert states.redeem(issued[1], "browser") is Redeemed.GOOD
