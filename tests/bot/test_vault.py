"""The vault: what is sealed is opened by every key, about the same thing only, and survives a rotation."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from automation.errors import Misconfigured
from bot.vault import SECRET_KEY, Vault, is_key, new_key

OLD, NEW = new_key(), new_key()
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=TEXT, about=TEXT)
def test_what_is_sealed_is_opened(text: str, about: str) -> None:
    vault = Vault([NEW, OLD])
    assert vault.open(vault.seal(text, about), about) == text


def test_the_secret_cannot_be_read_from_what_is_stored() -> None:
    sealed = Vault([NEW]).seal("hunter2", "run 1")
    assert b"hunter2" not in sealed
    assert b"run 1" not in sealed


def test_one_secret_cannot_be_passed_off_as_another() -> None:
    vault = Vault([NEW])
    with pytest.raises(Misconfigured, match="something else in the place of the token of run 2"):
        vault.open(vault.seal("hunter2", "the token of run 1"), "the token of run 2")


def test_a_rotation_keeps_what_the_old_key_sealed() -> None:
    sealed = Vault([OLD]).seal("hunter2", "x")
    rotated = Vault([NEW, OLD])
    assert rotated.open(sealed, "x") == "hunter2"
    resealed = rotated.reseal(sealed)
    assert Vault([NEW]).open(resealed, "x") == "hunter2"
    with pytest.raises(Misconfigured):
        Vault([OLD]).open(resealed, "x")
    assert rotated.reseal(resealed) is resealed


@pytest.mark.parametrize(
    "token", [b"", b"nonsense", Fernet(OLD).encrypt(b"{}")], ids=["nothing", "nonsense", "of another key"]
)
def test_what_no_key_opens_names_the_setting(token: bytes) -> None:
    vault = Vault([NEW])
    for attempt in (lambda: vault.open(token, "the token"), lambda: vault.reseal(token)):
        with pytest.raises(Misconfigured, match=SECRET_KEY) as caught:
            attempt()
        assert NEW not in caught.value.sentence
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("keys", [[], [""], ["short"], [NEW, "x" * 44], [NEW[:-1] + "é"]])
def test_what_is_no_key_is_refused_without_being_shown(keys: list[str]) -> None:
    with pytest.raises(Misconfigured, match=SECRET_KEY) as caught:
        Vault(keys)
    assert not any(key and key in caught.value.sentence for key in keys)


def test_keys_are_not_shown() -> None:
    assert NEW not in repr(Vault([NEW]))
    assert is_key(NEW)
    assert not is_key("")


def test_derived_keys_differ_by_purpose_and_survive_a_rotation() -> None:
    before = Vault([OLD]).derive("links")
    assert len(before) == 32
    assert before != Vault([OLD]).derive("sessions")
    assert before == Vault([OLD]).derive("links")
    after = Vault([NEW, OLD])
    assert after.derive("links") != before
    assert after.derive_all("links") == [after.derive("links"), before]
