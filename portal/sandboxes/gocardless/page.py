"""The hosted page of a billing request: a bank, a name, an IBAN, and what the name will do. Plainly a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, make_response, redirect, render_template, request
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from portal.sandboxes.dress import format_money, secure
from portal.sandboxes.gocardless import flow
from portal.sandboxes.gocardless.books import Refusal
from portal.sandboxes.gocardless.texts import BANKS, TEXTS

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from portal.sandboxes.gocardless.books import Books

    Json = dict[str, Any]

SAMPLE_IBAN = "FR1420041010050500013M02606"
"""A French account number that is published for tests."""


def create_page(books: Books) -> Blueprint:
    """The blueprint of the hosted page under /flow."""
    page = Blueprint("gocardless_sandbox_page", __name__)
    secure(page)

    @page.get("/flow/<flow_id>")
    def show(flow_id: str) -> AnyResponse:
        made, wanted = _find(books, flow_id)
        if made is None or wanted is None:
            return _message(books, None, None, "missing", 404)
        if wanted["status"] not in flow.OPEN:
            return _message(books, made, wanted, wanted["status"], 200 if wanted["status"] == "fulfilled" else 410)
        return _form(books, made, wanted, "", 200)

    @page.post("/flow/<flow_id>")
    def pay(flow_id: str) -> AnyResponse:
        made, wanted = _find(books, flow_id)
        if made is None or wanted is None:
            return _message(books, None, None, "missing", 404)
        iban = _iban(request.form.get("iban", ""))
        if iban is None:
            return _form(books, made, wanted, "bad_iban", 422)
        fall_back = request.form.get("bank") == "none" and wanted["fallback_enabled"]
        payer = f"{request.form.get('outcome', flow.OUTCOMES[0])} {request.form.get('holder', '')}".strip()
        with books.lock:
            try:
                flow.fulfil(books, wanted, payer, iban[-4:], fall_back=fall_back)
            except Refusal:  # closed meanwhile: the page says how
                return redirect(request.path, 303)
        return redirect(made["redirect_uri"] if made.get("redirect_uri") else request.path, 303)

    return page


def _find(books: Books, flow_id: str) -> tuple[Json | None, Json | None]:
    flow.sweep(books)
    with books.lock:
        made = books.objects["billing_request_flows"].get(flow_id)
        return made, books.objects["billing_requests"].get(made["links"]["billing_request"]) if made else None


def _iban(given: str) -> str | None:
    try:
        return str(IBAN(given).compact)
    except SchwiftyException:
        return None


def _form(books: Books, made: Json, wanted: Json, fault: str, status: int) -> AnyResponse:
    words = _words(books, made, wanted)
    asked = wanted["payment_request"] or wanted["mandate_request"]
    return make_response(
        render_template(
            "gocardless/pay.html",
            **words,
            description=asked.get("description") or "",
            instant=bool(wanted["payment_request"]),
            banks=BANKS,
            falls_back=wanted["fallback_enabled"],
            outcomes=[(name, words["t"][name]) for name in flow.OUTCOMES],
            fault=words["t"][fault] if fault else "",
            given=request.form.get("iban") or SAMPLE_IBAN,
            cancel_url=made.get("exit_uri"),
        ),
        status,
    )


def _message(books: Books, made: Json | None, wanted: Json | None, what: str, status: int) -> AnyResponse:
    words = _words(books, made, wanted)
    back = (made or {}).get("redirect_uri") or ""
    said = {"heading": words["t"][f"{what}_title"], "text": words["t"][f"{what}_text"]}
    return make_response(render_template("payments/message.html", **words, **said, what=what, back=back), status)


def _words(books: Books, made: Json | None, wanted: Json | None) -> dict[str, Any]:
    asked = request.args.get("lang") or (made or {}).get("language") or "fr"
    language = asked if asked in TEXTS else "fr"
    metadata = (wanted or {}).get("metadata") or {}
    minor, _, rest = str(metadata.get("amount", "")).partition(" ")
    amount = ""
    if minor.isdigit():
        amount = format_money(int(minor), rest.split(" ")[0], language)
    return {
        "lang": language,
        "t": TEXTS[language],
        "other": "en" if language == "fr" else "fr",
        "merchant": books.merchants.get(metadata.get("supplier_id", ""), books.settings.merchant),
        "amount": amount,
    }
