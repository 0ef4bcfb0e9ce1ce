"""What was planned for a platform that never took it goes to another one: nothing is issued anew or doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from einvoice.declarants import serving_account
from einvoice.flows import announce_flow
from einvoice.resending import CannotResendError, send_again
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work


def replan(work: Work, tracking_id: str, account_id: UUID) -> str:
    """Send a flow through another account; its tracking id there.

    One that certainly never left keeps its tracking id; a refused one gets a next attempt. What was sent, or may have
    been, stays where it is.

    Raises:
        CannotResendError: ``flow.may_be_there``, or those of :func:`einvoice.resending.send_again`.
    """
    row = work.row(
        "SELECT state, sends FROM platform_flows WHERE supplier_id = :supplier AND tracking_id = :tracking FOR UPDATE",
        tracking=tracking_id,
    )
    if row is None or row["state"] == "refused":
        return send_again(work, tracking_id, account_id)
    if row["state"] != "to_send" or row["sends"]:
        raise CannotResendError(
            "flow.may_be_there",
            "The earlier platform has this flow, or may have it: it is followed there until that is settled.",
            "L'ancienne plateforme a cet envoi, ou l'a peut-être : il y est suivi jusqu'à son terme.",
        )
    work.execute(
        "UPDATE platform_flows SET account_id = :account, changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking",
        account=account_id,
        tracking=tracking_id,
        at=now(),
    )
    announce_flow(work, tracking_id)
    return tracking_id


def replan_waiting(work: Work) -> int:
    """Move every invoice that waits for an earlier platform and never left to the one that serves now; how many."""
    rows = work.rows(
        "SELECT tracking_id, account_id, invoice_id FROM platform_flows WHERE supplier_id = :supplier "
        "AND kind = 'invoice' AND state = 'to_send' AND sends = 0 ORDER BY created_at"
    )
    moved = 0
    for row in rows:
        account_id = serving_account(work, get_invoice(work, row["invoice_id"]).routing)
        if account_id is not None and account_id != row["account_id"]:
            replan(work, row["tracking_id"], account_id)
            moved += 1
    return moved
