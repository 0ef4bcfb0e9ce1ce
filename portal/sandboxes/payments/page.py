"""The hosted payment page: what the payer sees, in French or English, plainly labelled as a sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from portal.sandboxes.dress import format_money, secure
from portal.sandboxes.payments import clockwork, sessions
from portal.sandboxes.payments.means import means_named, offered
from portal.sandboxes.payments.refusals import StripeRefusal
from portal.sandboxes.payments.texts import TEXTS

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means


@dataclass(frozen=True, slots=True)
class Visit:
    """A payer on the page of one session."""

    books: Books
    session: Json


def create_page(accounts: Accounts) -> Blueprint:
    """The blueprint of the hosted page under /pay."""
    page = Blueprint("payment_sandbox_page", __name__)
    secure(page)
    _pay_routes(page, accounts)
    _confirmation_routes(page, accounts)
    return page


def _pay_routes(page: Blueprint, accounts: Accounts) -> None:
    @page.get("/")
    def welcome() -> AnyResponse:
        return _message("welcome", None, accounts, 200)

    @page.get("/pay/<session_id>")
    def show(session_id: str) -> AnyResponse:
        visit = _visit(accounts, session_id)
        if visit is None:
            return _message("missing", None, accounts, 404)
        if visit.session["status"] != "open":
            return _closed(visit, accounts)
        return _shown(visit)

    @page.post("/pay/<session_id>")
    def pay(session_id: str) -> AnyResponse:
        visit = _visit(accounts, session_id)
        means = means_named(request.form.get("means", ""))
        if visit is None:
            return _message("missing", None, accounts, 404)
        if means is None:
            return redirect(_here("show", visit.session), 303)
        with visit.books.lock:
            try:
                outcome = sessions.submit(visit.books, visit.session, means)
            except StripeRefusal:  # paid or expired meanwhile: the page says which
                return redirect(_here("show", visit.session), 303)
        return _after(outcome, visit.session)


def _confirmation_routes(page: Blueprint, accounts: Accounts) -> None:
    @page.get("/pay/<session_id>/confirm")
    def ask(session_id: str) -> AnyResponse:
        visit = _visit(accounts, session_id)
        if visit is None or visit.session["status"] != "open":
            return redirect(url_for(".show", session_id=session_id), 303)
        words = _words(visit)
        return make_response(render_template("payments/confirm.html", **words, asker=_asker(visit, words["t"])))

    @page.post("/pay/<session_id>/confirm")
    def answer(session_id: str) -> AnyResponse:
        visit = _visit(accounts, session_id)
        if visit is None:
            return _message("missing", None, accounts, 404)
        with visit.books.lock:
            try:
                accepted = request.form.get("answer") == "yes"
                outcome = sessions.answer(visit.books, visit.session, accepted=accepted)
            except StripeRefusal:  # answered already: the page says how
                return redirect(_here("show", visit.session), 303)
        return _after(outcome, visit.session)


def _visit(accounts: Accounts, session_id: str) -> Visit | None:
    books = accounts.holding("cs", session_id)
    if books is None:
        return None
    with books.lock:
        clockwork.sweep(books)
        return Visit(books, books.objects["cs"][session_id])


def _shown(visit: Visit) -> AnyResponse:
    words = _words(visit)
    return make_response(
        render_template(
            "payments/pay.html",
            **words,
            choices=[_choice(means, words["t"]) for means in offered(visit.session["payment_method_types"])],
            declined=_declined(_tried(visit), words["t"]),
        )
    )


def _tried(visit: Visit) -> Json | None:
    """The error that the last try ended with."""
    if visit.session["mode"] == "setup":
        error: Json | None = visit.books.get("seti", visit.session["setup_intent"])["last_setup_error"]
        return error
    payment = visit.books.objects["pi"].get(visit.session["payment_intent"])
    return payment["last_payment_error"] if payment else None


def _after(outcome: str, session: Json) -> AnyResponse:
    """Where the payer goes after a try."""
    if outcome == "confirm":
        return redirect(_here("ask", session), 303)
    if outcome in {"declined", "transfer"}:
        return redirect(_here("show", session), 303)
    return redirect(_returning(session), 303)


def _closed(visit: Visit, accounts: Accounts) -> AnyResponse:
    session = visit.session
    if session["status"] == "expired":
        return _message("expired", visit, accounts, 410)
    payment = visit.books.objects["pi"].get(session["payment_intent"])
    action = (payment or {}).get("next_action") or {}
    if action.get("type") == "display_bank_transfer_instructions":
        return _transfer(visit, action["display_bank_transfer_instructions"])
    if session["mode"] == "setup":
        return _message("saved", visit, accounts, 200)
    return _message("paid" if session["payment_status"] == "paid" else "processing", visit, accounts, 200)


def _transfer(visit: Visit, instructions: Json) -> AnyResponse:
    """Where to transfer what is still missing."""
    words = _words(visit)
    iban = instructions["financial_addresses"][0]["iban"]
    missing = format_money(instructions["amount_remaining"], instructions["currency"], words["lang"])
    rows = [
        (words["t"]["transfer_holder"], iban["account_holder_name"]),
        ("IBAN", " ".join(iban["iban"][start : start + 4] for start in range(0, len(iban["iban"]), 4))),
        ("BIC", iban["bic"]),
        (words["t"]["transfer_reference"], instructions["reference"]),
        (words["t"]["transfer_amount"], missing),
    ]
    page = render_template("payments/transfer.html", **words, rows=rows, back=_returning(visit.session))
    return make_response(page)


def _message(what: str, visit: Visit | None, accounts: Accounts, status: int) -> AnyResponse:
    words = _words(visit)
    words["merchant"] = words["merchant"] or accounts.first.name
    back = ""
    if visit is not None:
        back = visit.session["cancel_url"] if what == "expired" else _returning(visit.session)
    said = {"heading": words["t"][f"{what}_title"], "text": words["t"][f"{what}_text"].format(**words)}
    page = render_template("payments/message.html", **words, **said, what=what, back=back)
    return make_response(page, status)


def _words(visit: Visit | None) -> dict[str, Any]:
    """What every template needs: language, texts, merchant, amount and lines."""
    session = visit.session if visit else None
    language = _language(session)
    words: dict[str, Any] = {
        "lang": language,
        "t": TEXTS[language],
        "other": "en" if language == "fr" else "fr",
        "merchant": _merchant(visit) if visit else "",
        "session": session,
        "amount": "",
        "lines": [],
    }
    if session is not None and session["amount_total"] is not None:
        words["amount"] = format_money(session["amount_total"], session["currency"], language)
        words["lines"] = [
            {
                "name": line["description"],
                "details": line["_details"],
                "amount": format_money(line["amount_total"], line["currency"], language),
            }
            for line in session["_lines"]
        ]
    return words


def _merchant(visit: Visit) -> str:
    supplier_id = visit.session["metadata"].get("supplier_id")
    return visit.books.merchants.get(supplier_id, visit.books.name)


def _asker(visit: Visit, texts: dict[str, str]) -> str:
    """Who asks for a confirmation: the bank, or the wallet."""
    payment = visit.books.objects["pi"].get(visit.session["payment_intent"])
    means = means_named(payment["_means"] if payment else visit.session.get("_asked", ""))
    return texts["bank_title"] if means is None or means.method == "card" else texts[means.method]


def _choice(means: Means, texts: dict[str, str]) -> dict[str, str]:
    """One row of the list: its number in groups of four, and what it will do."""
    numbered = means.key.isdecimal() or means.method == "sepa_debit"
    grouped = " ".join(means.key[start : start + 4] for start in range(0, len(means.key), 4))
    tone = {"succeeded": "good", "confirm": "ask", "processing": "wait", "declined": "bad", "transfer": "wait"}
    return {
        "key": means.key,
        "kind": texts["slow" if means.key == "delayed" else means.wallet or means.method],
        "number": grouped if numbered else "",
        "does": _doing(means, texts),
        "tone": tone[means.outcome],
    }


def _doing(means: Means, texts: dict[str, str]) -> str:
    if means.dispute:
        return texts["then_returned" if means.method == "sepa_debit" else "then_disputed"]
    if means.outcome == "processing" and means.decline:
        return texts.get(f"processing_{means.decline}", texts["processing_insufficient_funds"])
    if means.method in {"paypal", "link"}:
        return texts["asks_there"]
    return texts[means.decline or means.outcome]


def _declined(error: Json | None, texts: dict[str, str]) -> str:
    """What the last try came to, where it failed."""
    if not error:
        return ""
    if str(error["code"]).endswith("_authentication_failure"):
        return texts["declined_authentication"]
    return texts.get(f"declined_{error.get('decline_code')}", texts["declined"])


def _language(session: Json | None) -> str:
    asked = request.args.get("lang")
    if asked in TEXTS:
        return str(asked)
    told = str((session or {}).get("locale") or "auto")[:2]
    return told if told in TEXTS else request.accept_languages.best_match(list(TEXTS)) or "fr"


def _here(view: str, session: Json) -> str:
    lang = request.args.get("lang")
    return url_for(f".{view}", session_id=session["id"], lang=lang if lang in TEXTS else None)


def _returning(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
