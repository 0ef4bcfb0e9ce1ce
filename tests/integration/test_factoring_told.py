"""What an assignment tells through the platform: 225, 227, 228 to the buyer, 226 to the factor and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factor_builders import FACTOR_IBAN, factor_of

from config import safe_xml
from einvoice.lifecycle.cdar import read_cdar
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices, change_payee, give_back

if TYPE_CHECKING:
    from story_builders import Story

    from einvoice.lifecycle.message import StatusMessage
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.accounting.factors import Assignment

OTHER_IBAN = "FR7630004000031234567890143"
BUYER = "552100554"


def messages(story: Story) -> dict[str, StatusMessage]:
    """What the platform holds of our statuses, by code."""
    rows = story.rows(
        "SELECT sha256 FROM platform_flows JOIN documents USING (supplier_id, document_id) "
        "WHERE supplier_id = :supplier AND kind = 'status' AND platform_flows.state = 'accepted'"
    )
    found = [read_cdar(safe_xml.parse(story.services.archive.get(row["sha256"]))) for row in rows]
    return {message.status: message for message in found}


def assigned(story: Story, *, confidential: bool) -> tuple[Invoice, Assignment]:
    """An invoice that is assigned as soon as it is issued, before any platform has it."""
    invoice = story.issue().invoice
    with story.services.works.begin(story.id) as work:
        factor = factor_of(work, confidential=confidential)
        command = AssignInvoices(factor.factor_id, [invoice.invoice_id], "test")
        (made,) = assign_invoices(work, command).made
    return invoice, made


def test_an_assignment_waits_for_the_platform_and_tells_the_buyer_whom_to_pay(story: Story) -> None:
    _, made = assigned(story, confidential=False)
    story.until(lambda: "225" in messages(story))
    message = messages(story)["225"]
    assert [(each.role, each.siren) for each in message.recipients] == [("BY", BUYER)]
    assert FACTOR_IBAN in str(message.details)
    with story.services.works.begin(story.id) as work:
        change_payee(work, made.factor_id, "Facto SA", OTHER_IBAN, None, actor="test")
    story.until(lambda: "227" in messages(story))
    assert OTHER_IBAN in str(messages(story)["227"].details)
    with story.services.works.begin(story.id) as work:
        give_back(work, made.assignment_id, reason="Recours", actor="test")
    story.until(lambda: "228" in messages(story))
    assert messages(story)["228"].recipients[0].siren == BUYER


def test_a_confidential_assignment_reaches_the_factor_and_nothing_the_buyer(story: Story) -> None:
    _, made = assigned(story, confidential=True)
    story.until(lambda: "226" in messages(story))
    assert [(each.role, each.name) for each in messages(story)["226"].recipients] == [("DL", "Facto SA")]
    with story.services.works.begin(story.id) as work:
        give_back(work, made.assignment_id, reason="Fin du contrat", actor="test")
    story.settle()
    assert messages(story).keys() == {"226"}
