"""Credit notes and corrections as the platform hears of them: pairs of 212 that end in the cash kept, rate by rate."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from builders import line

from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from story_builders import PlatformHouse, Story

    from receivables.domain.invoicing.invoices import Invoice

TWO_RATES = (
    line(name="Réparation", quantity=1, net_price="50.01", vat_rate="20"),
    line(name="Travaux", quantity=1, net_price="37.91", vat_rate="5.5"),
)
"""60.01 at 20 % and 40.00 at 5.5 %, VAT included."""
WHOLE = {"20": "60.01", "5.5": "40.00"}


def deposited(story: Story, *lines: dict[str, Any], **changes: Any) -> Invoice:
    """A document that the platform has accepted."""
    invoice = story.issue(*(lines or TWO_RATES), **changes).invoice
    story.settle()
    return invoice


def naming(invoice: Invoice) -> list[dict[str, str]]:
    return [{"number": invoice.number, "issue_date": invoice.issued_on.isoformat()}]


def credited(story: Story, invoice: Invoice, *lines: dict[str, Any]) -> Invoice:
    return deposited(story, *lines, type_code="381", preceding_invoices=naming(invoice))


def told(story: Story) -> dict[str, list[dict[str, str]]]:
    """Amounts by rate of every 212 that the platform accepted, by invoice; every flow of ours was accepted."""
    story.settle()
    assert {state for _, state, _ in story.flows()} == {"accepted"}
    found: dict[str, list[dict[str, str]]] = {}
    for flow in story.at_platform():
        if flow.get("status", {}).get("code") == "212":
            amounts = {
                f"{Decimal(each['rate']).normalize():f}": each["amount"]
                for each in flow["status"]["amounts"]
                if each["kind"] == "MEN"
            }
            found.setdefault(flow["status"]["invoice"], []).append(amounts)
    with story.services.works.begin(story.id) as work:
        assert [each for each in run_checks(work) if each.gap] == []
    return found


def net(story: Story) -> dict[str, Decimal]:
    """What all 212 come to, by rate."""
    sums: dict[str, Decimal] = {}
    for messages in told(story).values():
        for amounts in messages:
            for rate, amount in amounts.items():
                sums[rate] = sums.get(rate, Decimal(0)) + Decimal(amount)
    return {rate: amount for rate, amount in sums.items() if amount}


def opposite(amounts: dict[str, str]) -> dict[str, str]:
    return {rate: f"{-Decimal(amount)}" for rate, amount in amounts.items()}


def test_a_credit_note_on_an_unpaid_invoice_is_a_pair_that_comes_to_nothing(story: Story) -> None:
    invoice = deposited(story)
    note = credited(story, invoice)
    assert told(story) == {invoice.number: [WHOLE], note.number: [opposite(WHOLE)]}
    assert net(story) == {}


def test_what_was_paid_before_the_credit_note_stays_told(story: Story) -> None:
    invoice = deposited(story)
    story.pay(invoice, 3000)
    note = credited(story, invoice)
    messages = told(story)
    assert [sum(map(Decimal, each.values())) for each in messages[invoice.number]] == [Decimal(30), Decimal("70.01")]
    assert [sum(map(Decimal, each.values())) for each in messages[note.number]] == [Decimal("-70.01")]
    assert sum(net(story).values()) == Decimal(30)


def test_money_after_a_credit_note_is_told_for_the_rest(story: Story) -> None:
    invoice = deposited(story)
    note = credited(story, invoice, TWO_RATES[1])
    story.pay(invoice, 6001)
    messages = told(story)
    assert [sum(map(Decimal, each.values())) for each in messages[invoice.number]] == [Decimal(40), Decimal("60.01")]
    assert messages[note.number] == [{"5.5": "-40.00"}]
    assert sum(net(story).values()) == Decimal("60.01")


def test_of_a_paid_and_credited_invoice_the_refund_ends_everything_at_nothing(story: Story) -> None:
    invoice = deposited(story)
    payment = story.pay(invoice)
    note = credited(story, invoice)
    assert told(story) == {invoice.number: [WHOLE]}, "the money is still there"
    story.give_back(payment, invoice.payable_minor)
    assert told(story) == {invoice.number: [WHOLE, opposite(WHOLE), WHOLE], note.number: [opposite(WHOLE)]}
    assert net(story) == {}


def test_a_correction_of_a_half_paid_invoice_moves_its_cash_and_then_cancels_it(story: Story) -> None:
    invoice = deposited(story)
    story.pay(invoice, 5000)
    by = deposited(story, type_code="384", preceding_invoices=naming(invoice))
    messages = told(story)
    assert messages[invoice.number] == [messages[by.number][0], opposite(messages[by.number][0])]
    assert sum(net(story).values()) == Decimal(50)
    story.until(lambda: "220" in story.codes("out"))
    story.settle()
    ours = [
        flow["status"]["code"]
        for flow in story.at_platform()
        if flow.get("status", {}).get("invoice") == invoice.number
    ]
    assert ours == ["212", "212", "220"]


def test_the_credit_note_that_ends_a_refused_invoice_is_sent_to_nobody(
    story: Story, platform_house: PlatformHouse
) -> None:
    """DG 3.6.4: the cancellation is internal, no Flux 1 or 2 and no 212 come of it."""
    refused, other = deposited(story), deposited(story)
    platform_house.play(refused.number, story.siren, status="210", reason="NON_CONFORME", comment="Mention manquante")
    story.until(lambda: "210" in story.codes())
    before = len(story.at_platform())
    note = credited(story, refused)
    assert len(story.at_platform()) == before
    assert told(story) == {}
    with story.services.works.begin(story.id) as work:
        assert due_on_invoice(work, refused.invoice_id).state == "credited"
    sent = credited(story, other)
    assert {flow["invoice"]["number"] for flow in story.at_platform() if "invoice" in flow} == {
        refused.number,
        other.number,
        sent.number,
    }, f"and {note.number} is not among them"
