"""A fork's commit runs once it is approved, and where its automation lets it; a cap that is reached stops the next."""

import pytest

from automation.definition.github_key import Forks, GitHubKey
from automation.errors import Refused
from automation.reasons import Reason
from bot.authority import Recent, check_caps, check_fork, check_head
from bot.caps import Caps

SHA = "0123456789abcdef" * 2 + "01234567"
CAPS = Caps(per_user=2, per_pull=3, per_repository=4)


@pytest.mark.parametrize(
    ("is_fork", "forks", "is_approved", "reason"),
    [
        (False, Forks.APPROVE, False, None),
        (False, Forks.DENY, False, None),
        (True, Forks.APPROVE, True, None),
        (True, Forks.APPROVE, False, Reason.FORK_NEEDS_APPROVAL),
        (True, Forks.DENY, False, Reason.NOT_ALLOWED),
        (True, Forks.DENY, True, Reason.NOT_ALLOWED),
    ],
)
def test_forks(is_fork: bool, forks: Forks, is_approved: bool, reason: Reason | None) -> None:
    found = None
    try:
        check_fork(SHA, GitHubKey(forks=forks), is_fork=is_fork, is_approved=is_approved)
    except Refused as refusal:
        found = refusal.reason
    assert found is reason


def test_the_way_out_names_the_whole_commit() -> None:
    with pytest.raises(Refused, match=f"/run-automation approve {SHA}`"):
        check_fork(SHA, GitHubKey(), is_fork=True, is_approved=False)


def test_only_the_commit_that_the_pull_request_is_at_goes_on() -> None:
    check_head(SHA, SHA, "which is not the commit that you approve")
    newer = "f" * 40
    with pytest.raises(Refused) as refusal:
        check_head(SHA, newer, f"not at {SHA}, which was asked for", then="ask again")
    assert refusal.value.reason is Reason.SHA_MOVED
    assert refusal.value.sentence == (
        f"the pull request is at {newer}, not at {SHA}, which was asked for; look at what is new and ask again"
    )


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        (Recent(0, 0, 0), None),
        (Recent(1, 2, 3), None),
        (Recent(2, 0, 0), "2 runs were started by one person within the last hour, and 2 is the most"),
        (Recent(0, 3, 0), "3 runs were started on one pull request"),
        (Recent(0, 0, 4), "4 runs were started in one repository"),
        (Recent(9, 9, 9), "9 runs were started by one person"),
    ],
)
def test_caps(recent: Recent, said: str | None) -> None:
    if said is None:
        check_caps(recent, CAPS)
        return
    with pytest.raises(Refused, match=said) as refusal:
        check_caps(recent, CAPS)
    assert refusal.value.reason is Reason.NOT_ALLOWED
