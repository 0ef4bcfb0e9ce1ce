"""Disputes from pages and platforms: one per matter, in whatever order its facts arrive; the books never move."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import NOON, claim, receive, status_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_builders import attempt, issue, received

from config.clock import now, today
from config.law.days import add_days
from receivables.domain.conversations.disputes import DisputeEvent, EventKind, Origin, Scope, State
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.accounting.checks import run_checks, state_hash
from receivables.services.collecting.chasing import chase_state, disputed_minor
from receivables.services.conversations import contesting, disputing
from receivables.services.conversations.disputing import (
    accept_dispute,
    answer_dispute,
    assign_dispute,
    close_refusal,
    note_documents_sent,
    reject_dispute,
)
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.receipts import record_facts
from receivables.store.conversations.disputes import disputes_on, events_of, get_dispute, list_disputes, longest_pauses
from receivables.store.customer_file.overviews import late_by_age, list_customers, sum_open
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from einvoice.lifecycle.message import StatusMessage
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def place(works: Works, supplier: Supplier) -> Works:
    """A supplier with one invoice of 100.00."""
    with works.begin(supplier.supplier_id) as work:
        issue(work)
    return works


def only_invoice(work: Work) -> Invoice:
    from receivables.store.invoicing.invoices import get_invoice  # noqa: PLC0415 -- of this helper alone

    return get_invoice(work, work.scalar("SELECT invoice_id FROM invoices WHERE supplier_id = :supplier"))


def told(work: Work, invoice: Invoice) -> list[tuple[Any, ...]]:
    """Every dispute of an invoice, as far as it may not depend on the order of arrival."""
    events = events_of(work, invoice.invoice_id)
    return sorted(
        (
            each.reason,
            each.state,
            each.scope,
            each.amount_minor,
            each.opened_from,
            each.opened_at,
            each.closed_at,
            each.owner,
            each.close_due_on,
            tuple(sorted(e.message_id or "" for e in events[each.dispute_id] if e.kind in ("status", "claimed"))),
        )
        for each in disputes_on(work, invoice.invoice_id)
    )


@pytest.mark.parametrize(
    ("code", "reason", "wanted"),
    [
        ("206", "PU_ERR", (State.OPEN, "sales")),
        ("207", "QTE_ERR", (State.OPEN, "logistics")),
        ("207", "COORD_BANC_ERR", (State.OPEN, "accounting")),
        ("208", "JUSTIF_ABS", (State.INFO_NEEDED, "sales_administration")),
        ("210", "TX_TVA_ERR", (State.REFUSED, "accounting")),
        ("213", "REJ_SEMAN", (State.REFUSED, "accounting")),
        ("207", "OF_TOMORROW", (State.OPEN, "collector")),
    ],
)
def test_a_status_that_claims_opens_a_dispute_with_its_reason(
    place: Works, supplier: Supplier, code: str, reason: str, wanted: tuple[State, str]
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, code, reason, said="Deux manquent"))
        (dispute,) = disputes_on(work, invoice.invoice_id)
        (event,) = events_of(work, invoice.invoice_id)[dispute.dispute_id]
    assert (dispute.reason, dispute.opened_from) == (reason, Origin.PLATFORM)
    assert (dispute.state, dispute.owner) == wanted
    assert (event.said, event.status_code) == ("Deux manquent", code)
    assert (dispute.answer_due_on, dispute.close_due_on) == (date(2026, 10, 22), date(2026, 11, 10))


def test_a_claim_without_any_reason_is_kept_under_other(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "207"))
        assert [each.reason for each in disputes_on(work, invoice.invoice_id)] == ["AUTRE"]


@pytest.mark.parametrize("code", ["200", "202", "203", "204", "205", "214", "221", "224", "225", "228", "999"])
def test_what_only_informs_opens_nothing(place: Works, supplier: Supplier, code: str) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, code))
        assert disputes_on(work, invoice.invoice_id) == []
        assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 10000


def test_the_same_message_twice_changes_nothing(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        message = status_message(invoice, "207", "QTE_ERR", "PU_ERR")
        assert receive(work, invoice, message)
        before = told(work, invoice)
        assert not receive(work, invoice, message)
        from einvoice.reactions import react_to_status  # noqa: PLC0415 -- once more, as after a crash

        react_to_status(work, invoice, message)
        assert told(work, invoice) == before
        assert len(before) == 2


@pytest.mark.parametrize("page_first", [True, False])
@pytest.mark.parametrize(("hours", "count"), [(0, 1), (71, 1), (-71, 1), (73, 2), (-73, 2)])
def test_page_and_platform_within_72_hours_are_one_dispute_in_either_order(
    place: Works, supplier: Supplier, *, page_first: bool, hours: int, count: int
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        message = status_message(invoice, "207", "QTE_ERR", at=now() + timedelta(hours=hours))
        acts = [lambda: claim(work, invoice), lambda: receive(work, invoice, message)]
        for act in acts if page_first else reversed(acts):
            act()
        found = disputes_on(work, invoice.invoice_id)
        events = events_of(work, invoice.invoice_id)
    assert len(found) == count
    assert sum(len(each) for each in events.values()) == 2, "both were kept, neither twice"


def test_another_reason_is_another_dispute(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        claim(work, invoice, "PU_ERR")
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR", at=now()))
        assert {each.reason for each in disputes_on(work, invoice.invoice_id)} == {"PU_ERR", "QTE_ERR"}
        assert disputed_minor(work, [invoice.invoice_id]) == {invoice.invoice_id: 10000}, "never beyond what is open"


def test_a_late_message_shows_that_two_disputes_were_one(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        first = claim(work, invoice)
        late = status_message(invoice, "207", "QTE_ERR", at=now() + timedelta(hours=100))
        receive(work, invoice, late)
        second = max(disputes_on(work, invoice.invoice_id), key=lambda each: each.opened_at)
        receive(work, invoice, status_message(invoice, "208", "QTE_ERR", at=now() + timedelta(hours=50)))
        (joined,) = disputes_on(work, invoice.invoice_id)
        assert get_dispute(work, second.dispute_id).dispute_id == first.dispute_id == joined.dispute_id
        kinds = [each.kind for each in events_of(work, invoice.invoice_id)[joined.dispute_id]]
        assert kinds.count(EventKind.STATUS) == 2
        assert not [each for each in run_checks(work) if each.code == "I17" and each.gap]


def test_a_form_sent_twice_is_said_once(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        first = claim(work, invoice, once="form-1")
        assert claim(work, invoice, once="form-1") == first
        assert [len(each) for each in events_of(work, invoice.invoice_id).values()] == [1]


HISTORY = (
    ("200", (), 0.0),
    ("202", (), 1.0),
    ("207", ("QTE_ERR",), 2.0),
    ("205", (), 30.0),
    ("206", ("PU_ERR", "QTE_ERR"), 60.0),
    ("208", ("JUSTIF_ABS",), 90.0),
    ("207", ("QTE_ERR",), 300.0),
    ("211", (), 310.0),
    ("205", (), 320.0),
    ("208", ("REF_ERR",), 330.0),
    ("211", (), 340.0),
    ("999", (), 350.0),
)


def replayed(
    place: Works, supplier: Supplier, facts: Sequence[tuple[str, tuple[str, ...], float]], ids: list[str]
) -> Any:
    """What a fresh invoice's disputes come to after these statuses arrived in this order."""
    with place.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        for code, reasons, hours in facts:
            message = status_message(invoice, code, *reasons, hours=hours)
            object.__setattr__(message, "message_id", ids[int(hours)])
            receive(work, invoice, message)
        pause = longest_pauses(work, [invoice.invoice_id], date(2026, 10, 1)).get(invoice.invoice_id)
        chase = chase_state(work, invoice.invoice_id, date(2026, 10, 1))
        return (
            told(work, invoice),
            pause,
            chase.chaseable_minor,
            [(e.why, e.amount_minor, e.until) for e in chase.holds],
        )


@pytest.mark.parametrize("refused", [False, True])
@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_statuses_in_any_order_end_in_the_same_disputes(
    place: Works, supplier: Supplier, data: st.DataObject, *, refused: bool
) -> None:
    history = HISTORY + ((("210", ("TX_TVA_ERR",), 200.0),) if refused else ())
    ids = [f"m-{n}" for n in range(400)]
    shuffled = data.draw(st.permutations(history))
    assert replayed(place, supplier, shuffled, ids) == replayed(
        place, supplier, sorted(history, key=lambda e: e[2]), ids
    )


def test_an_approval_takes_an_earlier_dispute_back_and_says_so(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR"))
        receive(work, invoice, status_message(invoice, "205", hours=5))
        (dispute,) = disputes_on(work, invoice.invoice_id)
        events = events_of(work, invoice.invoice_id)[dispute.dispute_id]
    assert (dispute.state, dispute.closed_at) == (State.WITHDRAWN, NOON + timedelta(hours=5))
    assert [(each.kind, each.status_code) for each in events][-1] == (EventKind.APPROVED, "205")


def test_an_approval_from_before_the_dispute_changes_nothing(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR"))
        receive(work, invoice, status_message(invoice, "205", hours=-5))
        assert [each.state for each in disputes_on(work, invoice.invoice_id)] == [State.OPEN]


def test_only_the_disputed_amount_pauses(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        claim(work, invoice, scope=Scope.AMOUNT, amount_minor=3000)
        chase = chase_state(work, invoice.invoice_id, today())
        assert (chase.chaseable_minor, [(e.why, e.amount_minor) for e in chase.holds]) == (7000, [("disputed", 3000)])
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 10000, "whoever wants to pay may"
        record_facts(work, [received(attempt(work, invoice, 8000), 8000)])
        chase = chase_state(work, invoice.invoice_id, today())
        assert (chase.chaseable_minor, chase.holds[0].amount_minor) == (0, 2000), "at most what is open"


def test_a_partial_approval_disputes_what_was_not_approved(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "206", "PU_ERR", amount="25.50"))
        receive(work, invoice, status_message(invoice, "206", "REM_ERR", amount="90.00", kind="MAPTTC"))
        receive(work, invoice, status_message(invoice, "206", "QTE_ERR", amount="9999"))
        receive(work, invoice, status_message(invoice, "206", "REF_ERR", amount="1.005"))
        found = {each.reason: (each.scope, each.amount_minor) for each in disputes_on(work, invoice.invoice_id)}
    whole = (Scope.WHOLE, None)
    assert found == {
        "PU_ERR": (Scope.AMOUNT, 2550),
        "REM_ERR": (Scope.AMOUNT, 1000),
        "QTE_ERR": whole,
        "REF_ERR": whole,
    }


def test_a_page_that_named_an_amount_is_not_widened_by_a_status_that_names_none(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        claim(work, invoice, scope=Scope.LINES, amount_minor=1200, line_ids=("2",))
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR", at=now() + timedelta(hours=1)))
        (dispute,) = disputes_on(work, invoice.invoice_id)
    assert (dispute.scope, dispute.amount_minor, dispute.line_ids) == (Scope.LINES, 1200, ("2",))


def test_money_on_its_way_is_not_chased(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        record_facts(work, [AttemptMoved(attempt(work, invoice, 4000), AttemptState.PROCESSING)])
        claim(work, invoice, scope=Scope.AMOUNT, amount_minor=9000)
        chase = chase_state(work, invoice.invoice_id, today())
    assert [(e.why, e.amount_minor) for e in chase.holds] == [("in_flight", 4000), ("disputed", 6000)]
    assert not chase.may_chase


def test_a_payment_announced_pauses_for_some_banking_days_and_books_nothing(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        before = state_hash(work)
        friday = NOON.replace(day=23)
        receive(work, invoice, status_message(invoice, "211", amount="100.00", kind="MPA", at=friday))
        assert state_hash(work) == before
        until = add_days(date(2026, 10, 23), 3)
        assert until == date(2026, 10, 28)
        paused = chase_state(work, invoice.invoice_id, date(2026, 10, 27))
        assert [(e.why, e.until, e.amount_minor) for e in paused.holds] == [("paused", until, 10000)]
        assert chase_state(work, invoice.invoice_id, until).chaseable_minor == 10000
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 10000


def test_a_payment_that_the_seller_side_announces_pauses_nothing(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "211", issuer="SE"))
        assert longest_pauses(work, [invoice.invoice_id], date(2026, 1, 1)) == {}


@pytest.mark.parametrize(("code", "why"), [("210", "refused"), ("213", "rejected"), ("220", "cancelled")])
def test_an_ended_invoice_is_asked_for_no_more_and_money_is_booked_all_the_same(
    place: Works, supplier: Supplier, code: str, why: str
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        before = state_hash(work)
        receive(work, invoice, status_message(invoice, code, "DOUBLON"))
        due = due_on_invoice(work, invoice.invoice_id)
        assert (due.payable_minor, due.state, due.open_minor) == (0, why, 10000)
        assert [each.why for each in chase_state(work, invoice.invoice_id, today()).holds] == [why]
        assert state_hash(work) == before
        record_facts(work, [received(attempt(work, invoice), 10000)])
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 0


def test_a_refusal_ends_what_was_discussed_and_leaves_one_task(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR"))
        receive(work, invoice, status_message(invoice, "210", "DOUBLON", hours=1))
        found = {each.reason: each for each in disputes_on(work, invoice.invoice_id)}
        assert {each.state for each in found.values()} == {State.REFUSED}
        assert [reason for reason, each in found.items() if each.is_open] == ["DOUBLON"]
        closed = close_refusal(work, found["DOUBLON"].dispute_id, "collector", "Avoir interne, puis F2.")
        assert (closed.state, closed.is_open) == (State.REFUSED, False)
        with pytest.raises(ConflictError, match="closed"):
            close_refusal(work, found["DOUBLON"].dispute_id, "collector", "encore")


def test_documents_sent_answer_a_suspension_until_the_next(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        receive(work, invoice, status_message(invoice, "208", "JUSTIF_ABS"))
        (dispute,) = disputes_on(work, invoice.invoice_id)
        sent = note_documents_sent(
            work, dispute.dispute_id, "collector", "Le bon de livraison", once="d1", documents=(), told="m209"
        )
        assert (sent.state, sent.answered_at is not None) == (State.OPEN, True)
        receive(work, invoice, status_message(invoice, "208", "JUSTIF_ABS", at=now() + timedelta(hours=1)))
        assert [each.state for each in disputes_on(work, invoice.invoice_id)] == [State.INFO_NEEDED]


def test_we_answer_assign_and_decide_once(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        dispute_id = claim(work, invoice, scope=Scope.AMOUNT, amount_minor=3000).dispute_id
        assert answer_dispute(work, dispute_id, "collector", "Nous vérifions.").answered_at is not None
        assert assign_dispute(work, dispute_id, "collector", "quality").owner == "quality"
        with pytest.raises(ReceivablesError, match=r"at most 30\.00 EUR"):
            accept_dispute(work, dispute_id, "collector", "", amount_minor=3001)
        assert accept_dispute(work, dispute_id, "collector", "", amount_minor=1000).state is State.PARTLY
        with pytest.raises(ConflictError, match="closed"):
            reject_dispute(work, dispute_id, "collector", "Finalement non.")
        assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 10000


def test_the_customers_echo_of_a_decided_dispute_feeds_it_and_a_new_claim_is_a_new_one(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        first = claim(work, invoice)
        reject_dispute(work, first.dispute_id, "collector", "Tout a été livré.")
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR", at=now() + timedelta(hours=10)))
        assert [each.state for each in disputes_on(work, invoice.invoice_id)] == [State.REJECTED]
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR", at=now() + timedelta(hours=200)))
        assert [each.state for each in disputes_on(work, invoice.invoice_id)] == [State.REJECTED, State.OPEN]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": "AUTRE", "said": "  "}, "dispute.no_words"),
        ({"scope": Scope.AMOUNT}, "dispute.bad_amount"),
        ({"scope": Scope.AMOUNT, "amount_minor": 10001}, "dispute.too_much"),
        ({"scope": Scope.LINES, "amount_minor": 0}, "dispute.bad_amount"),
        ({"said": "x" * 4001}, "dispute.too_long"),
    ],
)
def test_a_wrong_claim_is_refused_with_what_to_do(
    place: Works, supplier: Supplier, changes: dict[str, Any], code: str
) -> None:
    with place.begin(supplier.supplier_id) as work, pytest.raises(ReceivablesError) as caught:
        claim(work, only_invoice(work), **changes)
    assert caught.value.code == code


def test_a_credit_note_is_not_contested_on_our_page(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work, pytest.raises(ReceivablesError, match="dispute its invoice"):
        claim(work, issue(work, type_code="381"))


def test_a_customer_has_at_most_fifty_open_disputes(
    place: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contesting, "MAX_OPEN_PER_CUSTOMER", 1)
    with place.begin(supplier.supplier_id) as work:
        claim(work, only_invoice(work))
        with pytest.raises(ReceivablesError, match="open already"):
            claim(work, only_invoice(work), "PU_ERR")
        receive(work, only_invoice(work), status_message(only_invoice(work), "207", "REM_ERR"))


def test_a_list_of_disputes_is_narrowed_searched_and_paged(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        reasons = ("QTE_ERR", "PU_ERR", "TX_TVA_ERR")
        for n, reason in enumerate(reasons):
            receive(work, invoice, status_message(invoice, "207", reason, hours=n))
        found = list_disputes(work, limit=2)
        assert [each.dispute.reason for each in found] == ["TX_TVA_ERR", "PU_ERR", "QTE_ERR"]
        more = list_disputes(work, limit=2, after=found[1].dispute.dispute_id)
        assert [each.dispute.reason for each in more] == ["QTE_ERR"]
        assert {each.disputed_minor for each in found} == {10000}
        assert [e.dispute.reason for e in list_disputes(work, owner="sales")] == ["PU_ERR"]
        assert len(list_disputes(work, choice="late", today=date(2026, 12, 1))) == 3
        assert list_disputes(work, choice="late", today=date(2026, 10, 22)) == []
        assert list_disputes(work, wanted="nobody%") == []
        assert len(list_disputes(work, wanted=invoice.number)) == 3
        assert list_disputes(work, choice="closed") == []


def test_an_unknown_dispute_is_not_found(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work, pytest.raises(NotFoundError):
        get_dispute(work, only_invoice(work).invoice_id)


def _race(place: Works, supplier: Supplier) -> int:
    """A page and a platform speak at the same moment; how many disputes that makes."""
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
    message: StatusMessage = status_message(invoice, "207", "QTE_ERR", at=now())
    start = threading.Barrier(2)
    failures: list[Exception] = []

    def run(act: Any) -> None:
        try:
            start.wait()
            place.run(supplier.supplier_id, act)
        except Exception as error:  # noqa: BLE001 -- told by the test
            failures.append(error)

    acts = (lambda work: claim(work, invoice), lambda work: receive(work, invoice, message))
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with place.begin(supplier.supplier_id) as work:
        return len(disputes_on(work, invoice.invoice_id))


@pytest.mark.parametrize("round_", range(5))
def test_a_page_and_a_platform_at_once_make_one_dispute(place: Works, supplier: Supplier, round_: int) -> None:
    assert _race(place, supplier) == 1, round_


def test_without_the_lock_the_race_would_make_two(
    place: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug: nobody locks, and both look before either writes."""
    meet = threading.Barrier(2)
    real = disputing.take_claim

    def late(work: Work, invoice: Invoice, reason: str, event: DisputeEvent) -> Any:
        disputes = disputes_on(work, invoice.invoice_id)
        assert disputes == []
        meet.wait(5)
        return real(work, invoice, reason, event)

    from einvoice import reactions  # noqa: PLC0415 -- to plant the bug there as well

    for module in (disputing, reactions):
        monkeypatch.setattr(module, "lock_customers", lambda *_: None)
        monkeypatch.setattr(module, "take_claim", late)
    monkeypatch.setattr(disputing, "append_event", _slow(disputing.append_event))
    assert _race(place, supplier) == 2


def _slow(append: Any) -> Any:
    both = threading.Barrier(2)

    def slow(*args: Any) -> None:
        append(*args)
        both.wait(5)

    return slow


@pytest.mark.parametrize("code", ["210", "213"])
def test_what_nobody_asks_for_any_more_is_in_no_sum_to_pay_and_stays_exposed(
    place: Works, supplier: Supplier, code: str
) -> None:
    with place.begin(supplier.supplier_id) as work:
        ended, later = only_invoice(work), date(2027, 1, 4)
        issue(work)
        receive(work, ended, status_message(ended, code, "DOUBLON"))
        (sums,) = sum_open(work, later, ended.customer_id)
        assert (sums.due_minor, sums.late_minor, sums.due_count, sums.late_count) == (10000, 10000, 1, 1)
        (row,) = list_customers(work, later)
        assert (row.due_minor, row.late_minor) == (10000, 10000)
        assert sum(late_by_age(work, later, "EUR")) == 10000
        exposed = exposure_of(work, ended.customer_id).total_minor
        assert sums.exposure_minor == row.exposure_minor == exposed == 20000, "the books hold it until it is credited"


def test_an_invoice_that_a_credit_note_settles_was_not_paid(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        named = (NamedInvoice(invoice.number, invoice.issued_on.year),)
        issue(work, type_code="381", names=named)
        assert due_on_invoice(work, invoice.invoice_id).state == "credited"
        states = {row.number: row.state for row in list_invoices(work, today(), narrowed="paid")}
        assert states == {invoice.number: "credited"}


def test_an_invoice_that_money_and_a_credit_note_settle_was_paid(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = only_invoice(work)
        record_facts(work, [received(attempt(work, invoice, 4000), 4000)])
        issue(work, type_code="381", names=(NamedInvoice(invoice.number, invoice.issued_on.year),))
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert [row.state for row in list_invoices(work, today(), narrowed="paid")] == ["paid"]
