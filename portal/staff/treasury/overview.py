"""``/s/treasury``: where every cent is, the proofs that books, provider and bank agree, payouts and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from payments.refunds.orders import list_refunds
from payments.treasury import payouts as paid_out
from payments.treasury import positions
from payments.treasury.contests import list_contests
from portal.access.context import actor, work_here
from portal.access.roles import STAFF, allow
from portal.fields import day_in
from portal.staff.treasury.tables import COMPARISONS, MOVEMENTS
from portal.staff.treasury.words import PLACES, PROOFS
from portal.tables import Form, send_table
from portal.words import note_text

if TYPE_CHECKING:
    from flask import Response

    from payments.treasury.payouts import PayoutLine
    from receivables.store.work import Work

blueprint = Blueprint("treasury", __name__, url_prefix="/s/treasury")

DAYS = 60
"""Lines of comparisons on one page."""
MOST_EXPORTED = 20_000
PAYOUT_FILTERS = {
    "all": note_text("Tous les versements"),
    "on_its_way": note_text("En chemin"),
    "paid": note_text("Versés, pas vus en banque"),
    "banked": note_text("Reçus en banque"),
    "failed": note_text("Échoués"),
}
KINDS = {
    "payment": note_text("Encaissements"),
    "refund": note_text("Remboursements"),
    "refund_failed": note_text("Remboursements revenus"),
    "dispute": note_text("Reprises et contestations"),
    "dispute_won": note_text("Contestations gagnées"),
    "payout": note_text("Versements"),
    "payout_failed": note_text("Versements revenus"),
    "fee": note_text("Frais"),
    "balance": note_text("Solde du compte (511)"),
    "other": note_text("Ajustements"),
}


@blueprint.app_context_processor
def _names() -> dict[str, object]:
    return {"places": PLACES, "proof_names": PROOFS, "compared_kinds": KINDS}


@blueprint.get("")
@allow(*STAFF)
def overview() -> str:
    """Where the money is."""
    with work_here() as work:
        compared, held = positions.last_comparisons(work), positions.positions(work)
        return render_template(
            "treasury/overview.html",
            positions=held,
            at_providers=positions.at_providers(work),
            proofs=positions.proofs(work, held),
            fees=positions.fees_by_month(work),
            compared=compared,
            compared_at=max((each.compared_at for each in compared), default=None),
            differing=[each for each in compared if not each.agrees],
            payouts=paid_out.list_payouts(work, limit=5)[:5],
            to_agree=len(list_refunds(work, ["to_agree"])),
            contests=len([each for each in list_contests(work, "open") if each.state == "open"]),
        )


@blueprint.get("/payouts")
@allow(*STAFF)
def payouts() -> str:
    """Payouts to the bank, the last to arrive first."""
    asked, after = request.args.get("show", "all"), request.args.get("after", "")[:255] or None
    chosen = asked if asked in paid_out.STATES else "all"
    with work_here() as work:
        rows = paid_out.list_payouts(work, state=None if chosen == "all" else chosen, after=after)
    return render_template(
        "treasury/payouts.html",
        rows=rows[: paid_out.PAGE],
        more=len(rows) > paid_out.PAGE,
        chosen=chosen,
        filters=PAYOUT_FILTERS,
    )


@blueprint.get("/payouts/<payout_ref>")
@allow(*STAFF)
def payout(payout_ref: str) -> str:
    """One payout with what it is made of."""
    after = request.args.get("after", "")[:255] or None
    with work_here() as work:
        found = _payout(work, payout_ref)
        rows = paid_out.movements_in(work, payout_ref, after=after)
        return render_template(
            "treasury/payout.html",
            payout=found,
            rows=rows[: paid_out.PAGE],
            more=len(rows) > paid_out.PAGE,
            line=paid_out.bank_line(work, found.line_id),
        )


@blueprint.get("/payouts/<payout_ref>/table.csv")
@allow(*STAFF)
def payout_table(payout_ref: str) -> Response:
    """What a payout is made of, as a file for spreadsheets."""
    with work_here() as work:
        _payout(work, payout_ref)
        rows = paid_out.movements_in(work, payout_ref, limit=None)
        work.audit(actor(), "treasury.exported", payout_ref, rows=len(rows))
    return send_table(MOVEMENTS, rows, Form.CSV, payout_ref)


@blueprint.get("/comparisons")
@allow(*STAFF)
def comparisons() -> str:
    """Day by day, what the provider says against what the books say."""
    with work_here() as work:
        rows = positions.comparisons(work, before=day_in(request.args.get("before", "")), limit=DAYS)
    more = rows[DAYS - 1].compared_on if len(rows) > DAYS else None
    shown = [each for each in rows[:DAYS] if more is None or each.compared_on > more] or rows[:DAYS]
    return render_template(
        "treasury/comparisons.html", rows=shown, before=shown[-1].compared_on if more and shown else None
    )


@blueprint.get("/comparisons/table.csv")
@allow(*STAFF)
def comparison_table() -> Response:
    """Every comparison as a file for spreadsheets."""
    with work_here() as work:
        rows = positions.comparisons(work, limit=MOST_EXPORTED)
        work.audit(actor(), "treasury.exported", "comparisons", rows=len(rows))
    return send_table(COMPARISONS, rows[:MOST_EXPORTED], Form.CSV, "provider-comparisons")


def _payout(work: Work, payout_ref: str) -> PayoutLine:
    return paid_out.find_payout(work, payout_ref) or abort(404)
