"""Webhook signatures: proven or refused, and nothing else can happen."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.gateways.signatures import SignatureRefusedError, sign, verify

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SECRET, OLD = "whsec_current_secret", "whsec_previous_secret"
BODY = b'{"id": "evt_1", "note": "\xc3\xa9t\xc3\xa9"}'


def code_of(body: bytes, header: str | bytes | None, at: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)) -> str:
    with pytest.raises(SignatureRefusedError) as refused:
        verify(secrets, body, header, at)
    return refused.value.code


def test_what_we_sign_is_proven() -> None:
    header = sign(SECRET, BODY, NOW)
    verify((SECRET,), BODY, header, NOW)
    verify((SECRET,), BODY, header.encode(), NOW)


def test_our_signature_is_the_providers_own() -> None:
    at = datetime.now(UTC)
    ours = sign(SECRET, BODY, at)
    stripe.WebhookSignature.verify_header(BODY, ours, SECRET, tolerance=300)
    theirs = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, int(at.timestamp()))
    assert theirs == ours
    verify((SECRET,), BODY, theirs, at)


def test_both_live_secrets_are_good_and_a_retired_one_is_not() -> None:
    old = sign(OLD, BODY, NOW)
    verify((SECRET, OLD), BODY, old, NOW)
    verify((SECRET, OLD), BODY, sign(SECRET, BODY, NOW), NOW)
    assert code_of(BODY, old) == "signature.wrong"


def test_one_of_several_signatures_is_enough() -> None:
    right = sign(SECRET, BODY, NOW).split("v1=")[1]
    seconds = int(NOW.timestamp())
    verify((SECRET,), BODY, f"t={seconds},v1={'0' * 64},v0=other,v1={right}", NOW)


@pytest.mark.parametrize("away", [-301, 301, 10 * 365 * 86_400])
def test_a_time_over_five_minutes_away_is_refused_both_ways(away: int) -> None:
    assert code_of(BODY, sign(SECRET, BODY, NOW + timedelta(seconds=away))) == "signature.stale"


@pytest.mark.parametrize("away", [-300, 300])
def test_five_minutes_away_is_accepted_both_ways(away: int) -> None:
    verify((SECRET,), BODY, sign(SECRET, BODY, NOW + timedelta(seconds=away)), NOW)


@given(position=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_any_flipped_byte_of_the_body_is_refused(position: int, flip: int) -> None:
    changed = bytearray(BODY)
    changed[position] ^= flip
    assert code_of(bytes(changed), sign(SECRET, BODY, NOW)) == "signature.wrong"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "signature.missing"),
        ("", "signature.missing"),
        ("t=1", "signature.malformed"),
        ("v1=abc", "signature.malformed"),
        ("t=,v1=abc", "signature.malformed"),
        ("t=-1,v1=abc", "signature.malformed"),
        ("t=1_0,v1=abc", "signature.malformed"),
        ("t=\u0661,v1=abc", "signature.malformed"),
        ("t=\xb2,v1=abc", "signature.malformed"),
        (f"t={'9' * 5000},v1=abc", "signature.malformed"),
        ("t=1,t=2,v1=abc", "signature.malformed"),
        (f"t={int(NOW.timestamp())},v1=", "signature.wrong"),
        (f"t={int(NOW.timestamp())},v1=\xe9\xe9", "signature.wrong"),
        (f"t={int(NOW.timestamp())},v1=".encode() + b"\xff\xfe", "signature.wrong"),
        (f"t={int(NOW.timestamp())},v0={'0' * 64}", "signature.malformed"),
    ],
)
def test_a_malformed_header_is_refused_with_its_code(header: str | bytes | None, code: str) -> None:
    assert code_of(BODY, header) == code


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "  "), (SECRET, OLD, "whsec_third")])
def test_missing_or_too_many_secrets_prove_nothing(secrets: tuple[str, ...]) -> None:
    signed_with_nothing = sign("", BODY, NOW)
    assert code_of(BODY, signed_with_nothing, secrets=secrets) == "signature.no_secret"


pieces = st.sampled_from(["t=", "v1=", "v0=", ",", "=", str(int(NOW.timestamp())), "0" * 64, "\x00", "é", "\ud800"])
headers = st.one_of(st.none(), st.text(), st.binary(), st.lists(st.one_of(pieces, st.text(max_size=4))).map("".join))


@settings(max_examples=500)
@given(body=st.binary(), header=headers)
def test_nothing_but_a_refusal_ever_comes_out_of_a_strange_request(body: bytes, header: str | bytes | None) -> None:
    with pytest.raises(SignatureRefusedError) as refused:
        verify((SECRET, OLD), body, header, NOW)
    assert refused.value.code.startswith("signature.")


@given(body=st.binary())
def test_any_body_that_was_signed_is_proven(body: bytes) -> None:
    verify((OLD, SECRET), body, sign(SECRET, body, NOW), NOW)


def test_a_proof_takes_microseconds() -> None:
    body, rounds = BODY * 100, 2_000
    header = sign(SECRET, body, NOW)
    best = min(_seconds(body, header, rounds // 5) for _ in range(5)) / (rounds // 5)
    assert best < 100e-6, f"{best * 1e6:.1f} us; the provider's own library takes 768"


def _seconds(body: bytes, header: str, rounds: int) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        verify((SECRET,), body, header, NOW)
    return time.perf_counter() - started
