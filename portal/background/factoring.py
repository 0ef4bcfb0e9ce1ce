"""Tell an assignment by its status: 225 and 227 to the buyer with the account to pay, 226 to the factor alone, 228."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from einvoice.document import FRENCH_ADDRESS_SCHEME, SIREN_SCHEME, Identifier
from einvoice.kept import issued_document
from einvoice.lifecycle.factoring import AccountToPay, account_detail, own_account
from einvoice.lifecycle.message import FACTOR, StatusParty
from einvoice.lifecycle.statuses import LifecycleError
from portal.background.worker import NotYetError
from receivables.domain.events import INVOICE_ISSUED
from receivables.services.factoring.assigning import NOT_FACTORED, QUIETLY, follow_quiet, release_replaced
from receivables.store.accounting.factors import get_assignment, get_factor, moved_quietly, replaced_assignments
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from einvoice.lifecycle.message import Detail
    from portal.wiring import Services
    from receivables.store.accounting.factors import Assignment, Factor
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

NOT_YET = "lifecycle.not_deposited"
"""The platform does not have the invoice yet: the status waits for it."""
WAIT_S = 60.0


def tell_assignment(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Send the status of a fact ``assignment.told``, once; nothing where no platform has the invoice.

    Raises:
        NotYetError: the platform has not taken the invoice yet.
    """
    code = str(fact.payload["code"])
    with services.works.begin(supplier_id) as work:
        assignment = get_assignment(work, UUID(fact.payload["assignment_id"]))
        factor = get_factor(work, assignment.factor_id)
        detail = _detail(work, assignment, code)
        try:
            told = services.seller_statuses.queue(
                work,
                assignment.invoice_id,
                code,
                key=f"assignment {fact.event_key}",
                details=(detail,) if detail else (),
                factor=_party(factor) if code == QUIETLY and factor.siren else None,
            )
        except LifecycleError as error:
            if error.code == NOT_YET:
                raise NotYetError(f"{error.code}: {error}", WAIT_S) from error
            raise
        if told is None and _is_being_issued(work, assignment.invoice_id):
            raise NotYetError("The invoice is still on its way to a platform.", WAIT_S)


def tend_assignments(services: Services, supplier_id: UUID) -> None:
    """What debtors of confidential assignments paid us is owed to the factor; replaced invoices leave it."""
    with services.works.begin(supplier_id) as work:
        moved, replaced = moved_quietly(work), replaced_assignments(work)
    for invoice_id in moved:
        services.works.run(supplier_id, partial(follow_quiet, invoice_id=invoice_id))
    for invoice_id in replaced:
        services.works.run(supplier_id, partial(release_replaced, invoice_id=invoice_id))


def _is_being_issued(work: Work, invoice_id: UUID) -> bool:
    """Whether the invoice may still be planned for a platform: its issue was not heard by everybody."""
    waits: bool = work.scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE supplier_id = :supplier AND kind = :kind AND event_key = :key "
        "AND state = 'new')",
        kind=INVOICE_ISSUED,
        key=str(invoice_id),
    )
    return waits


def _detail(work: Work, assignment: Assignment, code: str) -> Detail | None:
    """The account to pay; 228 names the invoice's own again, 226 none: its reader is the factor."""
    if code == QUIETLY:
        return None
    if code == NOT_FACTORED:
        account = own_account(issued_document(get_invoice(work, assignment.invoice_id)))
        return account_detail(account) if account else None
    return account_detail(AccountToPay(assignment.holder, assignment.iban, assignment.bic), assignment.mention)


def _party(factor: Factor) -> StatusParty:
    assert factor.siren is not None  # noqa: S101 -- asked before
    address = Identifier(factor.address or factor.siren, FRENCH_ADDRESS_SCHEME)
    return StatusParty(FACTOR, (Identifier(factor.siren, SIREN_SCHEME),), factor.name, address)
