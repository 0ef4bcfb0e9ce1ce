"""``/s/insurance``: policies, decisions of insurers, covered and uncovered debts, declarations of overdue invoices."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, CREDIT, STAFF, allow
from portal.agencies.accounts import accounts_at, close_account, open_account
from portal.agencies.driver import INSURER, driver_named, drivers
from portal.agencies.reading import MAX_FILE_BYTES
from portal.customer.payment_words import read_amount
from portal.insurers.asking import ask_limit, declare_overdue, fetch_decisions, take_decisions
from portal.staff.insurance.overview import insured_of, largest_debtors, split_of, to_declare
from portal.words import gettext, note_text, told_by
from receivables.domain.risk.insurance import read_terms
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.insuring import add_policy, new_policy
from receivables.store.risk.insurance import PAGE, list_decisions, policies

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response as AnyResponse

blueprint = Blueprint("insurance", __name__, url_prefix="/s/insurance")
UNPROCESSABLE = 422
LONGEST = 100
LONGEST_KEY, LONGEST_URL = 300, 300
MOST_CHOICES = 500
STATES = {
    "asked": (note_text("Demandée"), "flight", "clock"),
    "granted": (note_text("Accordée"), "paid", "check"),
    "reduced": (note_text("Réduite"), "part", "half"),
    "refused": (note_text("Refusée par l'assureur"), "late", "alert"),
    "cancelled": (note_text("Résiliée"), "late", "back"),
}
TERMS = (
    ("coverage_percent", note_text("Quotité garantie, en pour cent du hors taxes"), 90),
    ("unnamed_minor", note_text("Limite des clients non dénommés, en euros (0 : aucune)"), 0),
    ("declaration_days", note_text("Déclarer un impayé dans les … jours après l'échéance (0 : sans délai)"), 60),
    ("extension_days", note_text("Prorogation permise sans accord, en jours (0 : sans limite)"), 30),
    ("stop_days", note_text("Arrêt de la garantie au-delà de … jours de retard (0 : jamais)"), 0),
)


@blueprint.get("")
@allow(*STAFF)
def index() -> AnyResponse:
    """Policies, and who is covered for how much."""
    return _index()


@blueprint.post("/policies")
@allow(*CREDIT)
def keep_policy() -> AnyResponse:
    """Keep a policy."""

    def act() -> None:
        insurer = driver_named(INSURER, request.form.get("insurer", "")[:40])
        told: dict[str, Any] = {
            name: (request.form.get(name, "").strip() or "0")[:10] for name, _, _ in TERMS if name != "unnamed_minor"
        }
        told["unnamed_minor"] = _amount(request.form.get("unnamed_minor", "").strip() or "0", may_be_zero=True)
        if not all(str(each).isdigit() for each in told.values()):
            raise ReceivablesError(
                "insurance.wrong_terms", "Give whole numbers of days and percent.", "Donnez des nombres entiers."
            )
        starts_on = _day(request.form.get("starts_on", ""))
        policy = new_policy(insurer.name, request.form.get("number", "")[:LONGEST], read_terms(told), starts_on)
        with work_here() as work:
            add_policy(work, policy, actor())

    return _do(act, "kept", _index)


@blueprint.post("/accounts")
@allow(*CREDIT)
def connect() -> AnyResponse:
    """Connect an account at an insurer, or leave it."""
    driver = request.form.get("insurer", "")[:40]

    def act() -> None:
        with work_here() as work:
            if request.form.get("leave") == "1":
                close_account(work, INSURER, driver, actor())
            else:
                url, key = request.form.get("url", "")[:LONGEST_URL], request.form.get("key", "")[:LONGEST_KEY]
                open_account(services(), work, INSURER, driver, url, key, actor())

    return _do(act, "connected", _index)


@blueprint.get("/decisions")
@allow(*STAFF)
def decisions() -> AnyResponse:
    """What insurers decided, newest first; ask for a limit, take a file."""
    return _decisions()


@blueprint.post("/decisions")
@allow(*COLLECTING)
def take() -> AnyResponse:
    """Hear what an insurer decided: from a file, or by a call where none was sent."""
    policy_id = _uuid(request.form.get("policy", ""))
    sent = request.files.get("file")
    content = sent.stream.read(MAX_FILE_BYTES + 1) if sent else b""

    def act() -> None:
        if content:
            with work_here() as work:
                take_decisions(work, policy_id, content, actor())
        else:
            fetch_decisions(services(), place().supplier_id, policy_id, actor())

    return _do(act, "heard", _decisions, "insurance.decisions")


@blueprint.post("/requests")
@allow(*COLLECTING)
def ask() -> AnyResponse:
    """Ask for a limit on a customer."""
    policy_id, customer_id = _uuid(request.form.get("policy", "")), _uuid(request.form.get("customer", ""))

    def act() -> None:
        amount = _amount(request.form.get("amount", ""))
        ask_limit(services(), place().supplier_id, policy_id, customer_id, amount, actor())

    return _do(act, "asked", _decisions, "insurance.decisions")


@blueprint.get("/overdues")
@allow(*STAFF)
def overdues() -> AnyResponse:
    """Overdue invoices of insured customers, the nearest deadline first."""
    return _overdues()


@blueprint.post("/overdues")
@allow(*COLLECTING)
def declare() -> AnyResponse:
    """Declare an overdue invoice."""
    policy_id, invoice_id = _uuid(request.form.get("policy", "")), _uuid(request.form.get("invoice", ""))
    reference = request.form.get("reference", "")[:LONGEST]

    def act() -> None:
        declare_overdue(services(), place().supplier_id, policy_id, invoice_id, actor(), reference)

    return _do(act, "declared", _overdues, "insurance.overdues")


def _index(wrong: str = "") -> AnyResponse:
    with work_here() as work:
        kept = policies(work)
        debtors = largest_debtors(work)
        insured = insured_of(work, debtors, today())
        connected = accounts_at(work, INSURER)
    return _page(
        "insurance/index.html",
        wrong,
        policies=kept,
        titles={name: each.title for name, each in drivers(INSURER).items()},
        insured=insured,
        split=split_of(insured, debtors),
        drivers=list(drivers(INSURER).values()),
        connected=connected,
        terms=TERMS,
    )


def _decisions(wrong: str = "") -> AnyResponse:
    after = request.args.get("after", "")
    with work_here() as work:
        rows = list_decisions(work, after=_uuid(after) if after else None)
        kept = policies(work, today())
        customers = work.rows(
            "SELECT customer_id, name, account_code FROM customers WHERE supplier_id = :supplier "
            "ORDER BY name, customer_id LIMIT :most",
            most=MOST_CHOICES,
        )
    return _page(
        "insurance/decisions.html",
        wrong,
        rows=rows[:PAGE],
        more=rows[PAGE - 1]["decision_id"] if len(rows) > PAGE else "",
        policies=kept,
        titles={name: each.title for name, each in drivers(INSURER).items()},
        customers=customers,
        states=STATES,
        most_mib=MAX_FILE_BYTES // 2**20,
    )


def _overdues(wrong: str = "") -> AnyResponse:
    with work_here() as work:
        rows = to_declare(work, largest_debtors(work), today())
    return _page("insurance/overdues.html", wrong, rows=rows, today=today())


def _page(template: str, wrong: str, **told: Any) -> AnyResponse:
    page = render_template(
        template,
        wrong=wrong,
        done=request.args.get("done", "")[:20] if request.method == "GET" else "",
        may_write=place().role in COLLECTING,
        may_keep=place().role in CREDIT,
        **told,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _do(
    act: Callable[[], None], done: str, page: Callable[[str], AnyResponse], target: str = "insurance.index"
) -> AnyResponse:
    try:
        act()
    except NotFoundError:
        raise
    except (ReceivablesError, PaymentError) as error:
        return page(told_by(error))
    return redirect(url_for(target, done=done), 303)


def _amount(text: str, *, may_be_zero: bool = False) -> int:
    """An amount as people type it, in cents."""
    if may_be_zero and text in {"", "0"}:
        return 0
    return read_amount(text[:20], "EUR")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise ReceivablesError(
            "insurance.wrong_day", "This is not a day.", gettext("Ce n'est pas une date.")
        ) from error


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError("insurance.not_found", "There is no such thing.", "Cela n'existe pas.") from error
