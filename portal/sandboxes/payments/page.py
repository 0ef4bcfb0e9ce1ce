"""The hosted payment page: what the payer sees, in French or English, plainly labelled as a sandbox."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

from babel.numbers import format_currency
from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from portal.sandboxes.payments import flow
from portal.sandboxes.payments.means import means_named, offered
from portal.sandboxes.payments.refusals import StripeRefusal
from portal.sandboxes.payments.texts import TEXTS
from receivables.domain.money import Money

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means


def create_page(books: Books) -> Blueprint:
    """The blueprint of the hosted page under /pay."""
    page = Blueprint("payment_sandbox_page", __name__)
    _secure(page)
    _pay_routes(page, books)
    _confirmation_routes(page, books)
    return page


def _pay_routes(page: Blueprint, books: Books) -> None:
    @page.get("/")
    def welcome() -> AnyResponse:
        return _message("welcome", None, books, 200)

    @page.get("/pay/<session_id>")
    def show(session_id: str) -> AnyResponse:
        session = _session(books, session_id)
        if session is None:
            return _message("missing", None, books, 404)
        if session["status"] != "open":
            return _closed(session, books)
        return _shown(session, books)

    @page.post("/pay/<session_id>")
    def pay(session_id: str) -> AnyResponse:
        session = _session(books, session_id)
        means = means_named(request.form.get("means", ""))
        if session is None:
            return _message("missing", None, books, 404)
        if means is None:
            return redirect(_here("show", session), 303)
        with books.lock:
            try:
                outcome = flow.pay_session(books, session, means)
            except StripeRefusal:  # paid or expired meanwhile: the page says which
                return redirect(_here("show", session), 303)
        return _after(outcome, session)


def _confirmation_routes(page: Blueprint, books: Books) -> None:
    @page.get("/pay/<session_id>/confirm")
    def ask(session_id: str) -> AnyResponse:
        session = _session(books, session_id)
        if session is None or session["status"] != "open":
            return redirect(url_for(".show", session_id=session_id), 303)
        return make_response(render_template("payments/confirm.html", **_words(session, books)))

    @page.post("/pay/<session_id>/confirm")
    def answer(session_id: str) -> AnyResponse:
        session = _session(books, session_id)
        if session is None:
            return _message("missing", None, books, 404)
        with books.lock:
            try:
                payment = books.get("pi", session["payment_intent"] or "")
                accepted = request.form.get("answer") == "yes"
                outcome = flow.answer_confirmation(books, payment, accepted=accepted)
            except StripeRefusal:  # answered already: the page says how
                return redirect(_here("show", session), 303)
        return _after(outcome, session)


def _secure(page: Blueprint) -> None:
    @page.before_request
    def make_nonce() -> None:
        g.nonce = base64.b64encode(os.urandom(16)).decode()

    @page.after_request
    def add_headers(response: Response) -> Response:
        policy = f"default-src 'none'; style-src 'nonce-{g.nonce}'; base-uri 'none'; frame-ancestors 'none'"
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Cache-Control"] = "no-store"
        return response


def _session(books: Books, session_id: str) -> Json | None:
    with books.lock:
        flow.sweep(books)
        return books.objects["cs"].get(session_id)


def _shown(session: Json, books: Books) -> AnyResponse:
    words = _words(session, books)
    payment = books.objects["pi"].get(session["payment_intent"])
    return make_response(
        render_template(
            "payments/pay.html",
            **words,
            choices=[_choice(means, words["t"]) for means in offered(session["payment_method_types"])],
            declined=_declined(payment, words["t"]) if payment else "",
        )
    )


def _after(outcome: str, session: Json) -> AnyResponse:
    """Where the payer goes after a try."""
    if outcome == "confirm":
        return redirect(_here("ask", session), 303)
    if outcome == "declined":
        return redirect(_here("show", session), 303)
    return redirect(_returning(session), 303)


def _closed(session: Json, books: Books) -> AnyResponse:
    if session["status"] == "expired":
        return _message("expired", session, books, 410)
    return _message("paid" if session["payment_status"] == "paid" else "processing", session, books, 200)


def _message(what: str, session: Json | None, books: Books, status: int) -> AnyResponse:
    words = _words(session, books)
    back = ""
    if session is not None:
        back = session["cancel_url"] if what == "expired" else _returning(session)
    said = {"heading": words["t"][f"{what}_title"], "text": words["t"][f"{what}_text"].format(**words)}
    return make_response(render_template("payments/message.html", **words, **said, what=what, back=back), status)


def _words(session: Json | None, books: Books) -> dict[str, Any]:
    """What every template needs: language, texts, merchant, amount and lines."""
    language = _language(session)
    words: dict[str, Any] = {
        "lang": language,
        "t": TEXTS[language],
        "other": "en" if language == "fr" else "fr",
        "merchant": _merchant(session, books),
        "session": session,
        "amount": "",
        "lines": [],
    }
    if session is not None:
        words["amount"] = _money(session["amount_total"], session["currency"], language)
        words["lines"] = [
            {
                "name": line["description"],
                "details": line["_details"],
                "amount": _money(line["amount_total"], line["currency"], language),
            }
            for line in session["_lines"]
        ]
    return words


def _merchant(session: Json | None, books: Books) -> str:
    supplier_id = (session or {}).get("metadata", {}).get("supplier_id")
    return books.merchants.get(supplier_id, books.settings.merchant)


def _choice(means: Means, texts: dict[str, str]) -> dict[str, str]:
    """One row of the list: its number in groups of four, and what it will do."""
    kind = "slow" if means.key == "delayed" else means.method
    grouped = " ".join(means.key[start : start + 4] for start in range(0, len(means.key), 4))
    if means.outcome == "processing":
        does = texts["processing_insufficient_funds" if means.decline else "processing"]
    else:
        does = texts[means.decline or means.outcome]
    number = "" if means.key == "delayed" else grouped
    tone = {"succeeded": "good", "confirm": "ask", "processing": "wait", "declined": "bad"}[means.outcome]
    return {"key": means.key, "kind": texts[kind], "number": number, "does": does, "tone": tone}


def _declined(payment: Json, texts: dict[str, str]) -> str:
    """What the last try came to, where it failed."""
    error = payment["last_payment_error"]
    if not error:
        return ""
    if error["code"] == "payment_intent_authentication_failure":
        return texts["declined_authentication"]
    return texts.get(f"declined_{error.get('decline_code')}", texts["declined"])


def _language(session: Json | None) -> str:
    asked = request.args.get("lang")
    if asked in TEXTS:
        return str(asked)
    told = str((session or {}).get("locale") or "auto")[:2]
    return told if told in TEXTS else request.accept_languages.best_match(list(TEXTS)) or "fr"


def _money(minor: int, currency: str, language: str) -> str:
    money = Money(minor, currency.upper())
    return format_currency(money.decimal, money.currency, locale=language)


def _here(view: str, session: Json) -> str:
    lang = request.args.get("lang")
    return url_for(f".{view}", session_id=session["id"], lang=lang if lang in TEXTS else None)


def _returning(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
