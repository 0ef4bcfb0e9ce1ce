"""Credit insurance: decisions become limits on their day, deadlines become tasks, overdue invoices are declared."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bureau_server import bureau_server
from dispute_builders import claim
from ledger_builders import customer_facts, issue

from config.clock import new_id, today
from portal.agencies.accounts import open_account
from portal.agencies.driver import INSURER, BureauError
from portal.insurers.asking import ask_limit, declare_overdue, fetch_decisions, take_decisions
from receivables.domain.risk.credit import LimitKind
from receivables.domain.risk.insurance import Cover, PolicyTerms, borne_minor, insured_minor, read_terms
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.tasking import open_tasks
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.insurance_alarms import stopped_customers, tend_insurance
from receivables.services.risk.insuring import (
    add_policy,
    covers,
    declare,
    feed_limits,
    insured_debts,
    new_policy,
    note_decisions,
)
from receivables.services.risk.limiting import set_policy
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.risk.credit import limits_of
from receivables.store.risk.insurance import InsurerDecision, list_decisions, policies

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.risk.insurance import Policy
    from receivables.store.work import Work, Works

SIREN = "732829320"
TERMS = PolicyTerms(
    coverage_percent=90, unnamed_minor=500_000, declaration_days=60, extension_days=30, stop_days=45, warn_days=10
)


def policy_of(work: Work, insurer: str = "general", **terms: int) -> Policy:
    policy = new_policy(
        insurer, f"P-{new_id().hex[:6]}", read_terms({**TERMS.told(), **terms}), today() - timedelta(400)
    )
    return add_policy(work, policy, "test")


def decision(policy: Policy, customer_id: UUID, **changes: Any) -> InsurerDecision:
    values: dict[str, Any] = {
        "policy_id": policy.policy_id,
        "customer_id": customer_id,
        "kind": "permanent",
        "state": "granted",
        "amount_minor": 2_000_000,
        "currency": "EUR",
        "decided_on": today(),
        "effective_on": today(),
        "reference": new_id().hex,
        "source": "hand",
    }
    return InsurerDecision(**{**values, **changes})


def billed(work: Work, late: int, **changes: Any) -> Invoice:
    due_on = today() - timedelta(days=late)
    return issue(work, issued_on=due_on - timedelta(days=30), due_on=due_on, **changes)


def limits(work: Work, customer_id: UUID) -> dict[LimitKind, int]:
    found = limits_of(work, [customer_id]).get((customer_id, "EUR"), {})
    return {kind: limit.amount_minor for kind, limit in found.items() if "insured" in kind}


def kinds(work: Work) -> list[str]:
    return sorted(task.kind for task in open_tasks(work))


def test_a_decision_becomes_an_insured_limit_and_a_cancellation_none(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy, customer_id = policy_of(work), billed(work, 0).customer_id
        assert note_decisions(work, [decision(policy, customer_id)], "test") == 1
        assert limits(work, customer_id) == {LimitKind.INSURED: 2_000_000}
        temporary = decision(
            policy, customer_id, kind="temporary", amount_minor=500_000, ends_on=today() + timedelta(days=30)
        )
        note_decisions(work, [temporary], "test")
        assert limits(work, customer_id) == {LimitKind.INSURED: 2_000_000, LimitKind.INSURED_TEMPORARY: 500_000}
        refused = decision(policy, customer_id, state="refused", amount_minor=0)
        assert note_decisions(work, [refused], "test") == 0  # a raise that was refused leaves what was granted
        cancelled = decision(policy, customer_id, state="cancelled", amount_minor=0)
        note_decisions(work, [cancelled], "test")
        assert limits(work, customer_id) == {LimitKind.INSURED_TEMPORARY: 500_000}
        assert covers(work, today(), [customer_id])[customer_id].limit_minor == 500_000


def test_a_decision_counts_from_its_day_and_ends_on_its_day(works: Works, supplier: Supplier) -> None:
    day = today()
    with works.begin(supplier.supplier_id) as work:
        policy, customer_id = policy_of(work), billed(work, 0).customer_id
        note_decisions(work, [decision(policy, customer_id)], "test")
        end = decision(policy, customer_id, state="cancelled", amount_minor=0, effective_on=day + timedelta(days=10))
        assert note_decisions(work, [end], "test") == 0
        assert limits(work, customer_id) == {LimitKind.INSURED: 2_000_000}
        assert covers(work, day + timedelta(days=9))[customer_id].limit_minor == 2_000_000
        assert covers(work, day + timedelta(days=10))[customer_id].refused
        assert feed_limits(work, day + timedelta(days=10)) == 1
        assert feed_limits(work, day + timedelta(days=10)) == 0


def test_who_was_never_asked_about_has_the_unnamed_limit_unless_refused(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy, asked, refused = (
            policy_of(work),
            billed(work, 0),
            billed(work, 0, customer=customer_facts("B", "552100554")),
        )
        note_decisions(work, [decision(policy, refused.customer_id, state="refused", amount_minor=0)], "test")
        found = covers(work, today(), [asked.customer_id, refused.customer_id])
        assert (found[asked.customer_id].limit_minor, found[asked.customer_id].named) == (500_000, False)
        assert (found[refused.customer_id].limit_minor, found[refused.customer_id].refused) == (0, True)
        assert limits(work, refused.customer_id) == {LimitKind.INSURED: 0}
        assert limits(work, asked.customer_id) == {}


def test_insured_and_uninsured_parts_add_up_and_disputes_are_not_insured(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy = policy_of(work)
        for _ in range(3):
            contested = billed(work, 5)
        claim(work, contested)
        note_decisions(work, [decision(policy, contested.customer_id, amount_minor=15_000)], "test")
        found = insured_debts(work, today(), [contested.customer_id])[contested.customer_id]
    assert (found.open_minor, found.disputed_minor, found.insured_minor, found.beyond_minor) == (
        30_000,
        10_000,
        15_000,
        5_000,
    )
    # 150.00 is 87.92 % without VAT (50.01 + 37.91 of 100.00), of which the insurer bears 90 %
    assert found.borne_minor == 15_000 * 26_376 * 90 // (30_000 * 100) == 11_869


def test_deadlines_and_what_is_beyond_become_tasks_and_go_with_their_cause(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy = policy_of(work, unnamed_minor=0)
        late, soon = billed(work, 52), billed(work, 20)
        note_decisions(work, [decision(policy, late.customer_id, amount_minor=12_000)], "test")
        tend_insurance(work, today())
        assert kinds(work) == ["insurance.beyond", "insurance.declare", "insurance.stopped"]
        (task,) = [each for each in open_tasks(work) if each.kind == "insurance.declare"]
        assert (task.invoice_id, task.due_on) == (late.invoice_id, late.due_on + timedelta(days=60))
        assert stopped_customers(work, [late.customer_id], today()) == {late.customer_id}
        assert declare(work, policy.policy_id, late.invoice_id, reference="D-1", declared_on=today(), actor="test")
        assert "insurance.declare" not in kinds(work)
        pay(work, late)
        tend_insurance(work, today())
        assert kinds(work) == []
        assert soon.customer_id == late.customer_id


def test_stopped_cover_is_a_reason_by_policy_and_a_limit_of_zero_blocks(works: Works, supplier: Supplier) -> None:
    def verdicts(customer_id: UUID) -> dict[str, str]:
        decided = decide_credit(work, AskDecision(customer_id, 0, "test")).decision
        return {
            each.code: each.verdict for each in decided.reasons if each.code in {"cover_stopped", "insurer_withdrew"}
        }

    with works.begin(supplier.supplier_id) as work:
        policy = policy_of(work, unnamed_minor=0)
        late = billed(work, 52)
        assert verdicts(late.customer_id) == {}
        note_decisions(work, [decision(policy, late.customer_id, amount_minor=12_000)], "test")
        assert verdicts(late.customer_id) == {"cover_stopped": "REVIEW"}
        set_policy(work, {"cover_stopped": "BLOCK"}, "test")
        assert verdicts(late.customer_id) == {"cover_stopped": "BLOCK"}
        note_decisions(work, [decision(policy, late.customer_id, state="cancelled", amount_minor=0)], "test")
        assert verdicts(late.customer_id) == {"insurer_withdrew": "BLOCK"}
        with pytest.raises(ReceivablesError, match="cover_stopped = 'OK'"):
            set_policy(work, {"cover_stopped": "OK"}, "test")


def pay(work: Work, invoice: Invoice) -> None:
    record_payment(
        work,
        RecordPayment(
            payment_ref=f"line-{invoice.number}",
            customer_id=invoice.customer_id,
            amount_minor=10_000,
            currency="EUR",
            received_on=today(),
            method="transfer",
            road="bank",
            counter="bank",
            aims={invoice.invoice_id: 10_000},
            actor="test",
        ),
    )


def test_time_given_for_longer_than_the_policy_allows_is_an_alarm(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy_of(work)
        invoice = billed(work, 5)
        promise_until(work, invoice, invoice.due_on + timedelta(days=31))
        tend_insurance(work, today())
        assert kinds(work) == ["insurance.extension"]


def promise_until(work: Work, invoice: Invoice, day: date) -> None:
    """The debtor has promised this invoice for a day."""
    promise_id = new_id()
    work.execute(
        "INSERT INTO promises (supplier_id, promise_id, customer_id, source, said_by, amount_minor, currency, "
        "promised_on, judged_on, state, made_at, changed_at) VALUES (:supplier, :id, :customer, 'customer', 'test', "
        "10000, 'EUR', :day, :day, 'pending', now(), now())",
        id=promise_id,
        customer=invoice.customer_id,
        day=day,
    )
    work.execute(
        "INSERT INTO promised_invoices (supplier_id, promise_id, invoice_id, amount_minor) "
        "VALUES (:supplier, :id, :invoice, 10000)",
        id=promise_id,
        invoice=invoice.invoice_id,
    )


def test_an_invoice_is_declared_once_and_nothing_paid_is(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy, invoice = policy_of(work), billed(work, 50)

        def tell() -> bool:
            return declare(work, policy.policy_id, invoice.invoice_id, reference="", declared_on=today(), actor="test")

        assert [tell(), tell()] == [True, False]
        pay(work, invoice)
        with pytest.raises(ConflictError, match="Nothing is open"):
            tell()


def test_wrong_terms_decisions_and_policies_are_refused(works: Works, supplier: Supplier) -> None:
    with pytest.raises(ReceivablesError, match="1 to 100 percent"):
        read_terms({"coverage_percent": 0})
    with works.begin(supplier.supplier_id) as work:
        policy = policy_of(work)
        with pytest.raises(ConflictError, match="known already"):
            add_policy(work, policy, "test")
        with pytest.raises(ReceivablesError, match="policy's number"):
            add_policy(work, new_policy("general", " ", TERMS, today()), "test")
        customer_id = billed(work, 0).customer_id
        for changes in ({"amount_minor": 0}, {"reference": " "}, {"ends_on": today() - timedelta(days=1)}):
            with pytest.raises(ReceivablesError, match="give a reference"):
                note_decisions(work, [decision(policy, customer_id, **changes)], "test")
        assert [each.policy_id for each in policies(work, today())] == [policy.policy_id]


def test_the_insurer_bears_its_share_of_what_is_within_the_limit() -> None:
    cover = Cover(new_id(), new_id(), "x", "EUR", 90, 8_000, 2_000, named=True, refused=False)
    assert [insured_minor(minor, 1_000, cover) for minor in (500, 5_000, 50_000)] == [0, 4_000, 10_000]
    assert borne_minor(10_000, 10_000, 12_000, 90) == 7_500
    assert borne_minor(10_000, 0, 0, 90) == 0


FILE = (
    "siren;kind;state;amount;decided_on;effective_on;ends_on;reference\n"
    f"{SIREN};permanent;granted;20 000,00;2026-11-02;2026-11-03;;A-1\n"
    "999999999;permanent;granted;1;2026-11-02;2026-11-02;;A-2\n"
)


def test_a_file_of_decisions_is_taken_as_one_set(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        policy, customer_id = policy_of(work), billed(work, 0).customer_id
        heard = take_decisions(work, policy.policy_id, FILE.encode(), "test")
        assert (heard.decisions, heard.limits, heard.strangers) == (1, 1, ["999999999"])
        assert take_decisions(work, policy.policy_id, FILE.encode(), "test").limits == 0
        (row,) = list_decisions(work, customer_id)
        assert (row["amount_minor"], row["effective_on"]) == (2_000_000, date(2026, 11, 3))
        with pytest.raises(BureauError, match=r"Row 2.*no state"):
            take_decisions(work, policy.policy_id, FILE.replace("granted;20", "peut-être;20").encode(), "test")


def test_an_insurer_is_asked_for_a_limit_heard_and_told_of_an_overdue_by_calls(
    services: Services, supplier: Supplier
) -> None:
    with bureau_server() as bureau:
        with services.works.begin(supplier.supplier_id) as work:
            policy, invoice = policy_of(work), billed(work, 50)
            number = policy.policy_number
            open_account(services, work, INSURER, "general", bureau.url, "k3y", "test")
        base = f"/policies/{number}"
        bureau.answers[f"POST {base}/requests"] = (201, {"reference": "REQ-7"})
        bureau.answers[f"POST {base}/overdues"] = (201, {"reference": "OVD-9"})
        row = {"siren": SIREN, "state": "granted", "amount": 15000, "reference": "REQ-7", "decided_on": "2026-11-02"}
        bureau.answers[f"GET {base}/decisions"] = (200, {"decisions": [row]})
        assert ask_limit(services, supplier.supplier_id, policy.policy_id, invoice.customer_id, 2_000_000, "test")
        heard = fetch_decisions(services, supplier.supplier_id, policy.policy_id, "test")
        assert (heard.decisions, heard.limits) == (1, 1)
        assert declare_overdue(services, supplier.supplier_id, policy.policy_id, invoice.invoice_id, "test")
        asked = [(method, path, body) for method, path, _, body in bureau.asked]
        assert asked[0] == ("POST", f"{base}/requests", {"siren": SIREN, "amount": "20000.00", "currency": "EUR"})
        assert asked[2][2]["amount"] == "100.00"
        assert all(headers["X-Api-Key"] == "k3y" for _, _, headers, _ in bureau.asked)
    with services.works.begin(supplier.supplier_id) as work:
        assert limits(work, invoice.customer_id) == {LimitKind.INSURED: 1_500_000}
        states = sorted((row["state"], row["reference"]) for row in list_decisions(work))
        kept = work.scalar("SELECT reference FROM insurance_declarations WHERE supplier_id = :supplier")
    assert states == [("asked", "REQ-7"), ("granted", "REQ-7")]
    assert kept == "OVD-9"


def test_without_an_account_a_request_and_a_declaration_are_noted_for_somebody_to_make(
    services: Services, supplier: Supplier
) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        policy, invoice = policy_of(work, "coface"), billed(work, 50)
    assert not ask_limit(services, supplier.supplier_id, policy.policy_id, invoice.customer_id, 100, "test")
    assert not declare_overdue(services, supplier.supplier_id, policy.policy_id, invoice.invoice_id, "test", "N-1")
    with services.works.begin(supplier.supplier_id) as work:
        assert [row["state"] for row in list_decisions(work)] == ["asked"]
        assert limits(work, invoice.customer_id) == {}
