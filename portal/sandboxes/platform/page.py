"""The sandbox's page for people: what came in, what went back, and forms to play the buyer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal
from flask import Blueprint, abort, redirect, render_template, request, url_for

from config.clock import PARIS
from einvoice.lifecycle import reasons
from einvoice.lifecycle.statuses import closed_by, status
from portal.sandboxes.platform.download import as_download
from portal.sandboxes.platform.guard import desk
from portal.sandboxes.platform.replies import PLAYABLE, SUPPLIER_PLAYABLE, Play, PlayError
from portal.sandboxes.platform.texts import texts

if TYPE_CHECKING:
    from decimal import Decimal

    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.flows import DepositedInvoice, StoredFlow

SHOWN = 60
"""Flows shown, the latest first: a page stays readable."""
SHOWN_INVOICES = 24
"""Invoices shown, the one whose life moved last first."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any status."""

pages = Blueprint(
    "platform_pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/platform-sandbox",
)


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A line of the table of flows, in words."""

    flow_id: str
    when: str
    direction: str
    title: str
    number: str
    amounts: list[str]
    ack: str
    ack_label: str
    remarks: list[str]
    name: str


@dataclass(frozen=True, slots=True)
class StatusChip:
    """One status of an invoice, in words."""

    code: str
    label: str
    when: str
    note: str | None


@dataclass(frozen=True, slots=True)
class InvoiceCard:
    """An accepted invoice, in words; ``percent`` is the share collected, from 0 to 100."""

    number: str
    seller_key: str
    title: str
    seller: str
    buyer: str
    total: str
    collected: str
    percent: int
    statuses: list[StatusChip]
    closed: bool
    scenario: str | None
    by_client: bool
    """A client sent it; else an invented supplier did."""
    delivered: bool
    """A client received it."""


class Speaker:
    """Words, amounts and times in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = texts(language)
        self._locale = "fr_FR" if language == "fr" else "en_GB"

    def amount(self, value: Decimal, currency: str | None) -> str:
        """``1 200,00 EUR`` in the language's own manner."""
        return format_currency(value, currency or "EUR", locale=self._locale)

    def rate(self, value: Decimal) -> str:
        """A VAT rate in percent."""
        return f"{format_decimal(value, locale=self._locale)} %"

    def time(self, instant: datetime) -> str:
        """A time in France."""
        return format_datetime(instant, "short", tzinfo=PARIS, locale=self._locale)

    def status(self, code: str) -> str:
        """The name of a status."""
        known = status(code)
        return known.french if self.language == "fr" else known.english


@pages.get("/")
def overview() -> ResponseReturnValue:
    """Everything on one page."""
    return _overview(None)


@pages.post("/play")
def play() -> ResponseReturnValue:
    """Play the buyer from the page."""
    form = request.form
    invoice = desk().store.invoice(form.get("number", ""), form.get("seller") or None)
    if invoice is None:
        abort(HTTPStatus.NOT_FOUND)
    try:
        desk().play(
            invoice, Play(form.get("status", ""), form.get("reason") or None, form.get("comment", "").strip() or None)
        )
    except PlayError as error:
        return _overview(
            error.sentence_fr if speaker_of_request().language == "fr" else str(error)
        ), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for(".overview", lang=speaker_of_request().language), HTTPStatus.SEE_OTHER)


@pages.get("/flows/<flow_id>/file")
def file(flow_id: str) -> ResponseReturnValue:
    """The file of a flow, to look at."""
    flow = desk().store.get(flow_id)
    if flow is None:
        abort(HTTPStatus.NOT_FOUND)
    return as_download(flow.content, flow.name)


def speaker_of_request() -> Speaker:
    """The language that was asked for, else the browser's, else French."""
    asked = request.values.get("lang") or request.accept_languages.best_match(["fr", "en"]) or "fr"
    return Speaker("en" if asked == "en" else "fr")


def _overview(error: str | None) -> str:
    speaker = speaker_of_request()
    store = desk().store
    with store.lock:
        flows = sorted(store.ordered(), key=lambda flow: flow.sequence, reverse=True)
        rows = [_row(flow, speaker) for flow in flows[:SHOWN]]
        invoices = sorted(store.invoices.values(), key=_moved_at, reverse=True)
        cards = [_card(invoice, speaker) for invoice in invoices[:SHOWN_INVOICES]]
    return show_page(
        "overview",
        speaker,
        rows=rows,
        cards=cards,
        invoice_count=len(invoices),
        cut=len(flows) > SHOWN,
        error=error,
        scenarios=desk().scenarios.everything(),
        playable=[(code, speaker.status(code)) for code in PLAYABLE],
        supplier_playable=[(code, speaker.status(code)) for code in SUPPLIER_PLAYABLE],
        reasons=[(code, _reasons_for(code, speaker)) for code in PLAYABLE if reasons.ALLOWED.get(code)],
        played=request.form,
    )


def show_page(place: str, speaker: Speaker, **content: Any) -> str:
    """One of the sandbox's pages, with what all of them show."""
    return render_template(
        f"platform/{place}.html",
        here=place,
        words=speaker.words,
        language=speaker.language,
        faults=desk().faults.waiting(),
        **content,
    )


def _reasons_for(code: str, speaker: Speaker) -> list[tuple[str, str]]:
    """The reasons that go with a status, by name."""
    known = (reasons.reason(each) for each in reasons.ALLOWED[code])
    return sorted(((e.code, e.french if speaker.language == "fr" else e.english) for e in known), key=itemgetter(1))


def _moved_at(invoice: DepositedInvoice) -> datetime:
    """When the invoice's life moved last."""
    return max((held.set_at for held in invoice.statuses), default=BEGINNING)


def _row(flow: StoredFlow, speaker: Speaker) -> FlowRow:
    title, number, amounts = _content(flow, speaker)
    return FlowRow(
        flow_id=flow.flow_id,
        when=speaker.time(flow.submitted_at),
        direction=flow.direction.value,
        title=title,
        number=number,
        amounts=amounts,
        ack=flow.status.value,
        ack_label=speaker.words[flow.status.value],
        remarks=[f"{detail.reason} · {detail.message}" for detail in flow.details],
        name=flow.name,
    )


def _content(flow: StoredFlow, speaker: Speaker) -> tuple[str, str, list[str]]:
    """Title, invoice number and amounts of a flow."""
    if flow.facts:
        kind = "credit_note" if flow.facts.is_credit_note else "invoice"
        return (
            f"{speaker.words[kind]} {flow.syntax}",
            flow.facts.number,
            [speaker.amount(flow.facts.total, flow.facts.currency)],
        )
    if flow.message:
        amounts = [
            " ".join(
                filter(
                    None,
                    (
                        speaker.amount(amount.amount, amount.currency),
                        speaker.words.get(amount.kind, amount.kind),
                        f"({speaker.rate(amount.rate)})" if amount.rate is not None else "",
                    ),
                )
            )
            for amount in flow.message.amounts
        ]
        code = flow.message.status
        return f"{speaker.words['status_of']} {code} {speaker.status(code)}", flow.message.invoice.number, amounts
    if flow.flow_type.endswith("Report"):
        return speaker.words["report"], "", []
    return f"{speaker.words['unread']} ({flow.syntax})", "", []


def _card(invoice: DepositedInvoice, speaker: Speaker) -> InvoiceCard:
    facts = invoice.facts
    share = abs(invoice.collected) / abs(facts.total) if facts.total else 0
    return InvoiceCard(
        number=facts.number,
        seller_key=facts.key[0],
        title=speaker.words["credit_note" if facts.is_credit_note else "invoice"],
        seller=facts.seller.name,
        buyer=facts.buyer.name,
        total=speaker.amount(facts.total, facts.currency),
        collected=speaker.amount(invoice.collected, facts.currency),
        percent=min(100, int(share * 100)),
        statuses=[
            StatusChip(held.code, speaker.status(held.code), speaker.time(held.set_at), held.note)
            for held in invoice.statuses
        ],
        closed=closed_by(invoice.codes) is not None,
        scenario=invoice.scenario,
        by_client=invoice.owner is not None,
        delivered=invoice.buyer_owner is not None,
    )
