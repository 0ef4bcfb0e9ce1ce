"""A time line reads as things happen, whatever the clocks of several houses say within one second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from portal.telling.timeline import contested, tell
from receivables.store.customer_file.happenings import Happening

SECOND = datetime(2026, 11, 22, 9, 0, 7, tzinfo=UTC)
MEN = {"kind": "MEN", "currency": "EUR"}


def at(micros: int, kind: str, **facts: Any) -> Happening:
    return Happening(SECOND + timedelta(microseconds=micros), kind, facts)


def status(code: str, direction: str = "in", **more: Any) -> Happening:
    facts = {"code": code, "direction": direction, "reasons": [], "amounts": [], "note": None, **more}
    return at(0, "status", **facts)


def flow(micros: int, kind: str, state: str = "accepted") -> Happening:
    return at(micros, "flow", flow=kind, state=state, refusal=None, tracking_id="0123")


COLLECTED = status("212", "out", amounts=[{**MEN, "rate": "20", "amount": "-12.00"}])
WHOLE_LIFE = [
    at(
        900,
        "issued",
        number="F1",
        currency="EUR",
        amount_minor=100,
        due_on=SECOND.date(),
        is_credit=False,
        is_claim=False,
        is_taken_over=False,
    ),
    at(800, "link", purpose="document"),
    at(700, "document", form="facturx", filename="F1.pdf"),
    flow(600_000, "invoice"),
    status("200"),
    status("202"),
    status("203"),
    at(500, "mail", state="to_send", subject="F1", recipient="a@b.example"),
    at(400, "cash", movement="receipt", amount_minor=100, currency="EUR", reason=None, reference="pi_1"),
    at(300, "unlettered", code="a", reason="reallocated"),
    at(200, "lettered", code="AA", balanced=True, lettered_on=SECOND.date()),
    COLLECTED,
    at(100, "document", form="cdar", filename="F1-212.xml"),
    flow(50, "status"),
]


PLACES = ("Encaissée", "Mise à disposition", "Reçue par la plateforme", "Déposée")


def test_events_of_one_second_are_told_as_they_happen_the_newest_first() -> None:
    expected = [line.title for line in tell(WHOLE_LIFE)]
    assert expected[-1] == "Facture F1 émise"
    assert expected[0] == "Statut accepté par la plateforme"
    assert [title for title in expected if title in PLACES] == list(PLACES)
    for seed in range(20):
        shuffled = list(WHOLE_LIFE)
        Random(seed).shuffle(shuffled)
        assert [line.title for line in tell(shuffled)] == expected


def test_an_acceptance_learned_of_late_stands_before_the_statuses_that_followed_it() -> None:
    told = [line.title for line in tell([flow(90_000_000, "invoice"), status("200")])]
    assert told == ["Déposée", "Acceptée par la plateforme agréée"]


def test_a_status_tells_its_amounts_by_rate_and_its_reasons_in_words() -> None:
    refused = status("210", reasons=[{"code": "MONTANTTOTAL_ERR", "label": "x"}], note="500 convenus")
    (collected, said) = tell([COLLECTED, refused])
    assert collected.detail.replace("\u00a0", " ") == "Statut 212 envoyé · \u221212,00 € à 20 %"
    assert said.detail == "Statut 210 reçu · Montant total faux · 500 convenus"


def test_the_last_answer_alone_says_whether_an_invoice_is_contested() -> None:
    refusal = contested([status("203"), status("210")])
    assert refusal is not None
    assert refusal.title == "Refusée"
    later = Happening(SECOND + timedelta(hours=1), "status", {**status("205").facts})
    assert contested([status("207"), later]) is None
    assert contested([]) is None
