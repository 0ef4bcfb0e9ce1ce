"""``/s/search``: customers, documents, money, contacts and messages by a few words or an amount."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from portal.access.context import place, work_here
from portal.access.headers import let_script_run
from portal.access.roles import READERS, STAFF, allow
from portal.customer.disputing import read_amount
from portal.lists import MAX_WANTED, read_list_request
from portal.words import gettext, note_text
from receivables.store.customer_file.finding import MOST_OF_A_KIND, SHORTEST, find

if TYPE_CHECKING:
    from receivables.store.customer_file.finding import Finding

blueprint = Blueprint("finding", __name__, url_prefix="/s/search")

KINDS = {
    "customer": (note_text("Clients"), "people"),
    "invoice": (note_text("Factures"), "invoice"),
    "former": (note_text("Pièces des anciens livres"), "archive"),
    "payment": (note_text("Paiements"), "receipt"),
    "bank": (note_text("Lignes de banque"), "bank"),
    "contact": (note_text("Contacts"), "people"),
    "message": (note_text("Messages"), "mail"),
}
MONEY = frozenset({"payment", "bank"})
"""Kinds whose pages sales do not read."""


@blueprint.get("")
@allow(*READERS)
def show() -> str:
    """What was found, by kind."""
    wanted = read_list_request(request.args).wanted
    with work_here() as work:
        found = find(work, wanted, read_amount(wanted, "EUR"))
    let_script_run()
    hidden = frozenset() if place().role in STAFF else MONEY
    shown = {kind: rows for kind, rows in found.items() if rows and kind not in hidden}
    groups = [(gettext(KINDS[kind][0]), KINDS[kind][1], rows) for kind, rows in shown.items()]
    return render_template(
        "worklist/search.html",
        wanted=wanted,
        groups=groups,
        most=MOST_OF_A_KIND,
        too_short=0 < len(wanted) < SHORTEST,
        max_wanted=MAX_WANTED,
        path_of=path_of,
    )


def path_of(found: Finding) -> str:
    """The page of what was found."""
    return {
        "customer": f"/s/customers/{found.id}",
        "invoice": f"/s/invoices/{found.id}",
        "former": f"/s/customers/{found.customer_id}/former?{urlencode({'q': found.title[:80]})}",
        "payment": f"/s/payments/{found.id}",
        "bank": f"/s/bank/lines/{found.id}",
        "contact": f"/s/customers/{found.customer_id}#contacts",
        "message": f"/s/messages/{found.detail}/{found.id}",
    }[found.kind]
