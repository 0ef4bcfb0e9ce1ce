"""What we answer as the buyer: composed by the rules, sent once, through to the seller and back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from builders import TODAY, buyer
from receiving_builders import deliver_invoice, received, received_codes, sold_to
from story_builders import Story

from config import safe_xml
from config.clock import new_id, today
from einvoice.document import Identifier
from einvoice.lifecycle.cdar import read_cdar
from einvoice.lifecycle.statuses import LifecycleError
from einvoice.receiving.answering import Answer, AnswerError, reasons_for
from einvoice.receiving.purchases import list_purchases
from receivables.domain.money import Money

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import PlatformHouse

    from einvoice.lifecycle.message import StatusMessage


def answer(story: Story, received_id: UUID, code: str, *, key: str | None = None, **told: Any) -> str:
    """Answer as the page does."""
    with story.services.works.begin(story.id) as work:
        return story.services.buyer_statuses.send(
            work, received_id, Answer(code, **told), key=key or str(new_id()), actor="person test"
        )


def bought(story: Story, platform_house: PlatformHouse, **changes: Any) -> UUID:
    """An invoice of a seller elsewhere that came in."""
    deliver_invoice(platform_house, story, sold_to(story.siren, **changes))
    story.step()
    received_id: UUID = received(story)[-1]["received_id"]
    return received_id


def messages(story: Story) -> list[StatusMessage]:
    """What we wrote, oldest first."""
    rows = story.rows(
        "SELECT sha256 FROM platform_flows JOIN documents USING (supplier_id, document_id) "
        "WHERE supplier_id = :supplier AND kind = 'buyer_status' ORDER BY platform_flows.created_at"
    )
    return [read_cdar(safe_xml.parse(story.services.archive.get(row["sha256"]))) for row in rows]


def euros(text: str) -> Money:
    return Money.of(text)


TOLD: dict[str, dict[str, Any]] = {
    "204": {},
    "205": {},
    "206": {"reason": "QTE_ERR", "amount": euros("100.00"), "comment": "Une pièce manque"},
    "207": {"reason": "PU_ERR"},
    "208": {"reason": "JUSTIF_ABS", "comment": "Le bon de livraison, s'il vous plaît"},
    "210": {"reason": "NON_CONFORME", "comment": "Mention manquante"},
    "211": {"amount": euros("60.00"), "on": TODAY},
}


@pytest.mark.parametrize("code", TOLD)
def test_every_answer_is_a_message_by_the_rules_to_the_sellers_address(
    story: Story, platform_house: PlatformHouse, code: str
) -> None:
    received_id = bought(story, platform_house)
    answer(story, received_id, code, **TOLD[code])
    (message,) = messages(story)
    assert (message.status, message.phase, message.issuer.role, message.issuer.siren) == (
        code,
        "23",
        "BY",
        story.siren,
    )
    (recipient,) = message.recipients
    assert recipient.role == "SE"
    assert recipient.siren == "732829320"
    assert recipient.address is not None
    assert (recipient.address.scheme, recipient.address.value) == ("0225", "732829320"), "BT-34 of the invoice"
    assert message.invoice.seller is not None
    assert message.invoice.seller.siren == "732829320", "MDT-129 is the seller's"
    assert (message.invoice.number, message.invoice.issued_on) == ("F2026-0042", TODAY)
    assert story.services.validator.check_cdar(_content(story)).verdict == "valid"
    assert received_codes(story, received_id, "out") == [code]


def _content(story: Story) -> bytes:
    (row,) = story.rows(
        "SELECT sha256 FROM documents JOIN platform_flows USING (supplier_id, document_id) "
        "WHERE supplier_id = :supplier AND kind = 'buyer_status'"
    )
    return story.services.archive.get(row["sha256"])


def test_amounts_stand_where_they_belong(story: Story, platform_house: PlatformHouse) -> None:
    received_id = bought(story, platform_house)
    answer(story, received_id, "206", **TOLD["206"])
    answer(story, received_id, "211", **TOLD["211"])
    partly, paid = messages(story)
    assert [(each.kind, each.amount) for each in partly.amounts] == [
        ("MAPTTC", Decimal("100.00")),
        ("MNATTC", Decimal("20.00")),
    ]
    assert [(each.kind, each.amount) for each in paid.amounts] == [("MPA", Decimal("60.00"))]
    assert paid.details[0].data[0].dated_on == TODAY


def test_the_same_button_pressed_twice_makes_one_message(story: Story, platform_house: PlatformHouse) -> None:
    received_id = bought(story, platform_house)
    key, barrier = str(new_id()), Barrier(4)

    def press(_: int) -> str:
        barrier.wait()
        return answer(story, received_id, "211", key=key, **TOLD["211"])

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(press, range(4)))
    assert len(ids) == 1
    assert received_codes(story, received_id, "out") == ["211"]
    assert [kind for kind, _, _ in story.flows()] == ["buyer_status"]


def test_two_windows_cannot_both_approve(story: Story, platform_house: PlatformHouse) -> None:
    received_id = bought(story, platform_house)
    barrier = Barrier(2)

    def press(_: int) -> str:
        barrier.wait()
        try:
            answer(story, received_id, "205")
        except LifecycleError as error:
            return error.code
        return "sent"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == ["lifecycle.said_already", "sent"]


@pytest.mark.parametrize(
    ("code", "told", "error"),
    [
        ("206", {"reason": "QTE_ERR", "amount": euros("120.00")}, "purchase.amount"),
        ("206", {"reason": "QTE_ERR"}, "purchase.amount"),
        ("207", {}, "purchase.reason"),
        ("207", {"reason": "REJ_UNI"}, "purchase.reason"),
        ("205", {"reason": "AUTRE"}, "purchase.reason"),
        ("208", {"reason": "JUSTIF_ABS", "comment": "  "}, "purchase.comment"),
        ("210", {"reason": "DOUBLON"}, "purchase.comment"),
        ("210", {"reason": "DOUBLON", "comment": "x" * 1001}, "purchase.comment"),
        ("211", {"amount": euros("120.01"), "on": TODAY}, "purchase.amount"),
        ("211", {"amount": Money(-100), "on": TODAY}, "purchase.amount"),
        ("211", {"amount": Money(100, "USD"), "on": TODAY}, "purchase.amount"),
        ("211", {"amount": euros("60.00")}, "purchase.day"),
        ("211", {"amount": euros("60.00"), "on": today() + timedelta(days=30)}, "purchase.day"),
        ("211", {"amount": euros("60.00"), "on": TODAY - timedelta(days=1)}, "purchase.day"),
        ("212", {}, "lifecycle.not_buyers"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_leaves(
    story: Story, platform_house: PlatformHouse, code: str, told: dict[str, Any], error: str
) -> None:
    received_id = bought(story, platform_house)
    with pytest.raises((AnswerError, LifecycleError)) as caught:
        answer(story, received_id, code, **told)
    assert caught.value.code == error
    assert caught.value.sentence_fr != caught.value.sentence
    assert story.flows() == []


def test_an_invoice_without_an_address_for_statuses_takes_none(story: Story, platform_house: PlatformHouse) -> None:
    document = sold_to(story.siren)
    deliver_invoice(platform_house, story, replace(document, seller=replace(document.seller, endpoint=None)))
    story.step()
    with pytest.raises(AnswerError) as caught:
        answer(story, received(story)[0]["received_id"], "205")
    assert caught.value.code == "purchase.no_address"


def test_a_self_billed_invoice_is_our_sale_and_takes_no_answer(story: Story, platform_house: PlatformHouse) -> None:
    document = sold_to("552100554")
    own = replace(document.seller, legal_id=Identifier(story.siren, "0002"))
    deliver_invoice(platform_house, story, replace(document, seller=own, type_code="389"))
    story.step()
    with pytest.raises(AnswerError) as caught:
        answer(story, received(story)[0]["received_id"], "205")
    assert caught.value.code == "purchase.our_own"


def test_every_reason_of_every_status_passes_the_rules(story: Story, platform_house: PlatformHouse) -> None:
    received_id = bought(story, platform_house)
    sent = 0
    for code in ("206", "207", "208"):
        for reason in reasons_for(code):
            amount = euros("10.00") if code == "206" else None
            answer(story, received_id, code, reason=reason, comment="Voir ensemble", amount=amount)
            sent += 1
    assert len(messages(story)) == sent == 13 + 26 + 7


def test_what_the_platform_refused_does_not_count(story: Story, platform_house: PlatformHouse) -> None:
    received_id = bought(story, platform_house)
    answer(story, received_id, "205")
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE platform_flows SET state = 'refused' WHERE supplier_id = :supplier")
        assert [line.state for line in list_purchases(work)] == ["new"]
    answer(story, received_id, "205")
    with story.services.works.begin(story.id) as work:
        assert [line.state for line in list_purchases(work)] == ["205"]


def test_a_duplicate_shares_what_was_said_of_its_number(story: Story, platform_house: PlatformHouse) -> None:
    first = bought(story, platform_house)
    second = bought(story, platform_house, buyer_reference="autre")
    assert first != second
    answer(story, second, "210", reason="DOUBLON", comment="Déjà reçue")
    with pytest.raises(LifecycleError) as caught:
        answer(story, first, "205")
    assert caught.value.code == "lifecycle.closed"


def test_the_whole_loop_between_two_companies(story: Story, platform_house: PlatformHouse) -> None:
    seller, customer = story, Story(story.services, platform_house)
    customer.step()  # the platform knows whoever has called
    issued = seller.issue(buyer=buyer(siren=customer.siren, vat_id=None))
    seller.until(lambda: "200" in seller.codes())

    customer.until(lambda: bool(received(customer)))
    (row,) = received(customer)
    assert (row["number"], row["seller_ref"]) == (issued.invoice.number, seller.siren)
    files = seller.rows(
        "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND invoice_id = :id AND form = 'facturx'",
        id=issued.invoice.invoice_id,
    )
    assert [each["sha256"] for each in files] == [row["sha256"]], "the very bytes"
    answer(customer, row["received_id"], "207", reason="QTE_ERR", comment="Deux manquent")
    customer.settle()
    seller.until(lambda: "207" in seller.codes())
    (told,) = seller.rows("SELECT reasons, note FROM statuses WHERE supplier_id = :supplier AND code = '207'")
    assert ([each["code"] for each in told["reasons"]], told["note"]) == (["QTE_ERR"], "Deux manquent")
    answer(customer, row["received_id"], "211", amount=euros("120.00"), on=issued.invoice.issued_on)
    customer.settle()
    seller.until(lambda: "211" in seller.codes())
    seller.pay(issued.invoice)
    seller.settle()
    customer.until(lambda: "212" in received_codes(customer))
    with customer.services.works.begin(customer.id) as work:
        assert [line.state for line in list_purchases(work)] == ["212"]
    assert customer.rows("SELECT 1 FROM inbox WHERE supplier_id = :supplier AND state = 'buried'") == []
    assert seller.rows("SELECT 1 FROM inbox WHERE supplier_id = :supplier AND state = 'buried'") == []


def test_a_dispute_may_end_in_approval_two_payments_and_even_a_refusal(
    story: Story, platform_house: PlatformHouse
) -> None:
    """Statuses of the processing phase come in any order (XP Z12-014 annex B, 1.2); only 210 ends them."""
    seller, customer = story, Story(story.services, platform_house)
    customer.step()
    seller.issue(buyer=buyer(siren=customer.siren, vat_id=None))
    seller.until(lambda: "203" in seller.codes())
    customer.until(lambda: bool(received(customer)))
    (row,) = received(customer)
    half = {"amount": euros("60.00"), "on": today()}
    said = (("207", TOLD["207"]), ("205", {}), ("211", half), ("211", half), ("210", TOLD["210"]))
    for code, told in said:
        answer(customer, row["received_id"], code, **told)
        customer.settle()
    assert customer.flows() == [("buyer_status", "accepted", 1)] * len(said)
    seller.until(lambda: "210" in seller.codes())
    assert seller.codes()[3:] == [code for code, _ in said]
    with pytest.raises(LifecycleError) as refused:
        answer(customer, row["received_id"], "211", **half)
    assert refused.value.code == "lifecycle.closed"
