"""Secrets: one key per purpose, rotation without a gap, nothing shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.secrets import Keyring, SealBrokenError, fingerprint, new_token, same, token_bytes, token_text

if TYPE_CHECKING:
    from config.settings import Settings

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_sealed_before_a_rotation_opens_after_it() -> None:
    sealed = Keyring(OLD).seal("sk_test_1", "gateway")
    assert Keyring(NEW, OLD).unseal(sealed, "gateway") == "sk_test_1"
    assert b"sk_test_1" not in sealed


def test_what_was_sealed_after_a_rotation_does_not_open_with_the_old_secret() -> None:
    sealed = Keyring(NEW, OLD).seal("value", "gateway")
    with pytest.raises(SealBrokenError, match="gateway") as broken:
        Keyring(OLD).unseal(sealed, "gateway")
    assert broken.value.code == "secret.seal_broken"


def test_a_seal_opens_for_its_purpose_only_and_not_when_touched() -> None:
    ring = Keyring(NEW)
    sealed = ring.seal("value", "gateway")
    for purpose, given_back in (("platform", sealed), ("gateway", sealed[:-2] + b"xx"), ("gateway", b"")):
        with pytest.raises(SealBrokenError):
            ring.unseal(given_back, purpose)


def test_every_purpose_and_every_root_derives_a_key_of_its_own() -> None:
    keys = {
        Keyring(root).derive(purpose, message)
        for root in (OLD, NEW)
        for purpose in ("pay-link", "session")
        for message in (b"", b"1")
    }
    assert len(keys) == 8
    assert {len(key) for key in keys} == {32}
    assert Keyring(NEW).derive("pay-link", b"1") == Keyring(NEW, OLD).derive("pay-link", b"1")


def test_a_keyring_does_not_show_its_roots() -> None:
    assert "ooo" not in repr(Keyring(NEW, OLD))


def test_the_keyring_comes_from_the_settings(settings: Settings) -> None:
    assert settings.secret_key is not None
    assert Keyring.of(settings).current == settings.secret_key.get_secret_value().encode()
    assert Keyring.of(settings).previous is None


@given(st.binary(max_size=80))
def test_a_token_is_read_back_from_its_text(raw: bytes) -> None:
    assert token_bytes(token_text(raw)) == raw


@given(st.text(max_size=40))
def test_any_other_text_is_no_token_or_the_only_text_of_its_bytes(text: str) -> None:
    raw = token_bytes(text)
    assert raw is None or token_text(raw) == text


@pytest.mark.parametrize("text", ["a b", "é", "AB==", "A", "AB+/", "AAAB\n"])
def test_second_spellings_of_a_token_are_refused(text: str) -> None:
    assert token_bytes(text) is None


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert {len(token) for token in tokens} == {32}
    assert len({fingerprint(token) for token in tokens}) == 200
    assert same(b"a", b"a")
    assert not same(b"a", b"b")
