"""``/p/<token>/iban`` and ``/c/iban``: where to transfer to, since when, and whether a dropped file is ours.

The page is reached from the payment link that is printed on every invoice, so that nobody needs to believe a mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, render_template, request
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from payments.bank_accounts import active_account_of
from portal.access.context import place, services
from portal.access.roles import Role, allow, public
from portal.customer.desk import greet
from portal.customer.links import get_link, read_address
from portal.documents.issued_check import Answer, DropsBusyError, judge_dropped, read_dropped
from portal.validation.uploads import MAX_PUBLIC_BYTES
from portal.words import gettext, note_text
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from payments.bank_accounts import BankAccount
    from portal.documents.issued_check import Judgement

blueprint = Blueprint("customer_iban", __name__)

MIB = 1024 * 1024
REFUSED, TOO_LARGE, BUSY = 422, 413, 503
RETRY_S = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What a dropped file is, in words."""

    tone: str
    icon: str
    title: str
    text: str


_SAID = {
    Answer.OURS: (
        "paid",
        "check",
        note_text("Oui, c'est exactement notre document"),
        note_text("Ce fichier est celui que nous avons émis pour la facture %(number)s, à l'octet près."),
    ),
    Answer.ALTERED_IBAN: (
        "late",
        "alert",
        note_text("Non : l'IBAN a été changé"),
        note_text(
            "C'est notre facture %(number)s, mais ce fichier demande de payer un autre compte que celui que nous avons "
            "imprimé. Ne payez pas sur ce compte. Appelez-nous à un numéro que vous connaissez."
        ),
    ),
    Answer.ALTERED: (
        "late",
        "alert",
        note_text("Non : le montant a été changé"),
        note_text("C'est notre facture %(number)s, mais ce fichier porte d'autres montants. Appelez-nous."),
    ),
    Answer.RESAVED: (
        "part",
        "unknown",
        note_text("Mêmes données, mais ce n'est pas notre fichier"),
        note_text(
            "Les données de la facture %(number)s sont les nôtres, mais le fichier n'est pas celui que nous avons émis "
            ": ce que l'on y lit peut avoir été changé. Fiez-vous à l'IBAN de cette page."
        ),
    ),
    Answer.NOT_OURS: (
        "late",
        "alert",
        note_text("Non, ce n'est pas un document de notre part pour vous"),
        note_text(
            "Nous n'avons émis pour vous aucune facture sous ce numéro. Ne la payez pas avant de nous avoir appelés, à "
            "un numéro que vous connaissez."
        ),
    ),
    Answer.UNREADABLE: (
        "part",
        "unknown",
        note_text("Ce n'est pas un fichier que nous avons émis"),
        note_text(
            "Ce fichier ne contient pas de facture électronique que l'on puisse comparer : une copie, un scan ou une "
            "impression. Fiez-vous à l'IBAN de cette page."
        ),
    ),
}


@blueprint.get("/p/<token>/iban")
@public
def show_by_link(token: str) -> Response:
    """The account, for whoever holds an invoice."""
    supplier_id, _ = _opened(token)
    return _page(supplier_id, f"/p/{token}")


@blueprint.post("/p/<token>/iban")
@public
def check_by_link(token: str) -> Response:
    """Whether the dropped file is ours."""
    supplier_id, customer_id = _opened(token)
    return _checked(supplier_id, customer_id, f"/p/{token}")


@blueprint.get("/c/iban")
@allow(Role.CUSTOMER)
def show() -> Response:
    """The account, for a customer who signed in."""
    return _page(place().supplier_id, "/c")


@blueprint.post("/c/iban")
@allow(Role.CUSTOMER)
def check() -> Response:
    """Whether the dropped file is ours."""
    customer_id = place().customer_id
    assert customer_id is not None  # noqa: S101 -- a customer's person acts for one
    return _checked(place().supplier_id, customer_id, "/c")


@blueprint.errorhandler(RequestEntityTooLarge)
def refuse_size(_: RequestEntityTooLarge) -> Response:
    """A body that was not read to its end."""
    return make_response(render_template("iban/refused.html", said=_too_large(), back=request.path), TOO_LARGE)


@blueprint.errorhandler(TooManyRequests)
def refuse_haste(error: TooManyRequests) -> Response:
    """Too many files from one address."""
    said = gettext("Vous avez vérifié beaucoup de fichiers en peu de temps. Patientez un moment avant de recommencer.")
    return make_response(render_template("iban/refused.html", said=said, back=request.path), error.code)


def bank_of(iban: str) -> str | None:
    """The name of the bank behind an IBAN, from the public registers that schwifty carries."""
    try:
        name: str | None = IBAN(iban).bank_name
    except SchwiftyException:
        return None
    return name


def _opened(token: str) -> tuple[UUID, UUID]:
    """The supplier and the customer of a pay link; a revoked one opens nothing here."""
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            abort(404)
        customer_id = get_invoice(work, link.invoice_id).customer_id
        greet(work, customer_id)
    return supplier_id, customer_id


def _checked(supplier_id: UUID, customer_id: UUID, base: str) -> Response:
    given = request.files.get("file")
    content = given.read() if given else b""
    if not content:
        return _page(supplier_id, base, wrong=gettext("Choisissez d'abord un fichier."), status=REFUSED)
    if len(content) > MAX_PUBLIC_BYTES:
        return _page(supplier_id, base, wrong=_too_large(), status=TOO_LARGE)
    try:
        read = read_dropped(content)
    except DropsBusyError:
        said = gettext("Trop de fichiers sont en cours de contrôle. Réessayez dans quelques secondes.")
        response = _page(supplier_id, base, wrong=said, status=BUSY)
        response.headers["Retry-After"] = str(RETRY_S)
        return response
    with services().works.begin(supplier_id) as work:
        judged = judge_dropped(work, content, read, customer_id)
        if judged.answer in {Answer.ALTERED_IBAN, Answer.ALTERED}:
            work.audit("payer", "document.altered", judged.number, answer=judged.answer.value)
    return _page(supplier_id, base, said=_told(judged))


def _told(judged: Judgement) -> Said:
    tone, icon, title, text = _SAID[judged.answer]
    return Said(tone, icon, gettext(title), gettext(text) % {"number": judged.number})


def _page(supplier_id: UUID, base: str, *, said: Said | None = None, wrong: str = "", status: int = 200) -> Response:
    with services().works.begin(supplier_id) as work:
        account: BankAccount | None = active_account_of(work)
        name = supplier_name(work)
    page = render_template(
        "iban/signed_in.html" if base == "/c" else "iban/by_link.html",
        supplier_name=name,
        account=account,
        bank=bank_of(account.iban) if account else None,
        base=base,
        said=said,
        wrong=wrong,
        most_mib=MAX_PUBLIC_BYTES // MIB,
    )
    return make_response(page, status)


def _too_large() -> str:
    return gettext("Ce fichier dépasse %(most)s Mo.") % {"most": MAX_PUBLIC_BYTES // MIB}
