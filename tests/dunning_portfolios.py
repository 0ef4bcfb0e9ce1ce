"""Random portfolios of receivables in the database, and a model that says for itself what may be asked of each invoice.

Rows are put in as sets behind the application's back, so that ten thousand portfolios take seconds; what is read from
them is the real code. The model shares nothing with it: it adds up what it put in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, today
from config.law.days import on_or_after

if TYPE_CHECKING:
    from random import Random
    from uuid import UUID

    import psycopg

    from receivables.domain.collecting.reminders import Plan

HELD_WHOLLY = ("paused", "planned", "replaced", "cancelled", "assigned")
HELD_IN_PART = ("in_flight", "disputed", "promised", "to_match", "announced")
NEVER_HELD = ("dispute_closed", "promise_broken", "pause_over", "plan_broken", "debit_over", "proposal_old")
"""What looks like a reason to wait and is none any more."""


@dataclass
class Claim:
    """An open invoice of the model: what is open, what is held, since when it is late."""

    invoice_id: UUID
    customer_id: UUID
    late_from: date
    number: str
    open_minor: int
    held: dict[str, int] = field(default_factory=dict)

    @property
    def free_minor(self) -> int:
        """What may be asked for, before the customer's own money is counted."""
        return max(self.open_minor - sum(self.held.values()), 0)


@dataclass
class Portfolio:
    """A customer of the model. ``silent`` says why nobody may write to them at all."""

    customer_id: UUID
    claims: list[Claim]
    credit_minor: int = 0
    silent: str = ""

    def may_ask(self, day: date) -> dict[UUID, int]:
        """What may be asked of each invoice on a day, by the model."""
        if self.silent:
            return {}
        left, found = self.credit_minor, {}
        for claim in sorted(self.claims, key=lambda each: (each.late_from, each.number)):
            taken = min(left, claim.free_minor)
            left -= taken
            if claim.late_from < day and claim.free_minor > taken:
                found[claim.invoice_id] = claim.free_minor - taken
        return found


def wrongs(plan: Plan, portfolios: list[Portfolio], day: date) -> list[str]:
    """Every reminder that asks for something else than the model allows, and every one that is missing."""
    allowed = {invoice_id: minor for each in portfolios for invoice_id, minor in each.may_ask(day).items()}
    claims = {claim.invoice_id: claim for each in portfolios for claim in each.claims}
    asked: dict[UUID, int] = defaultdict(int)
    for reminder in plan.reminders:
        for part in reminder.parts:
            asked[part.invoice_id] += part.amount_minor
    return [
        f"asked {asked[invoice_id]} instead of {allowed.get(invoice_id, 0)} of {claims.get(invoice_id, 'a paid one')}"
        for invoice_id in {*asked, *allowed}
        if asked[invoice_id] != allowed.get(invoice_id, 0)
    ]


@dataclass
class Builder:
    """Draws portfolios of one supplier from a seed, and collects their rows by table."""

    supplier_id: UUID
    random: Random
    day: date = field(default_factory=lambda: on_or_after(today()))
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def build(self, connection: psycopg.Connection[Any], count: int) -> list[Portfolio]:
        """Draw ``count`` portfolios and put them in."""
        portfolios = [self._portfolio(number) for number in range(count)]
        for table, rows in self.rows.items():
            names = list(rows[0])
            columns = ", ".join(names)
            connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)",  # noqa: S608 -- names come from this module
                (json.dumps(rows, default=str),),
            )
            connection.execute(f"ANALYZE {table}")  # as the server does by itself after a while
        return portfolios

    def remove(self, connection: psycopg.Connection[Any]) -> None:
        """Take everything away again: these books never balanced."""
        for table in self.rows:
            connection.execute(f"DELETE FROM {table} WHERE supplier_id = %s", (self.supplier_id,))  # noqa: S608 -- same

    @property
    def at(self) -> datetime:
        """Noon of the day before: everything happened by then."""
        return datetime.combine(self.day - timedelta(days=1), time(12), UTC)

    def _add(self, table: str, **values: Any) -> None:
        self.rows[table].append({"supplier_id": self.supplier_id, **values})

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _portfolio(self, number: int) -> Portfolio:
        customer_id = new_id()
        silent = self.random.choice([""] * 8 + ["no_address", "bounced", "stopped", "capped", "insolvent"])
        address = None if silent == "no_address" else f"{customer_id.hex}@example.org"
        self._add(
            "customers",
            customer_id=customer_id,
            account_code=f"R{number:06d}",
            name=f"Client {number}",
            email=address,
            kind=self.random.choice(["business", "business", "consumer", "public"]),
            party={},
            language="fr",
            created_at=self.at,
        )
        claims = [self._claim(customer_id, number, place) for place in range(self.random.randint(1, 4))]
        portfolio = Portfolio(customer_id, [each for each in claims if each], silent=silent)
        if silent:
            self._keep_silent(customer_id, silent, address)
        if self._chance(0.3):
            portfolio.credit_minor = self._minor(20_000)
            self._item(customer_id, None, portfolio.credit_minor, self.random.choice(["receipt", "credit_note"]))
        return portfolio

    def _keep_silent(self, customer_id: UUID, why: str, address: str | None) -> None:
        if why == "bounced":
            self._add(
                "customer_contacts",
                contact_id=new_id(),
                customer_id=customer_id,
                name="Compta",
                role="payment",
                email=address,
                language="fr",
                mail_state=self.random.choice(["bounced", "stopped"]),
                created_at=self.at,
                changed_at=self.at,
            )
        elif why == "insolvent":
            self._insolvent(customer_id)
        elif why == "stopped":
            self._add(
                "dunning_stops",
                stop_id=new_id(),
                customer_id=customer_id,
                why="x",
                until_on=self.day + timedelta(days=3),
                made_by="x",
                made_at=self.at,
            )
        elif why == "capped":
            self._add(
                "dunning_notices",
                notice_id=new_id(),
                customer_id=customer_id,
                scenario_id=new_id(),
                channel="mail",
                level=1,
                template="courteous",
                contact={},
                written_by="x",
                state="written",
                written_on=self.day - timedelta(days=self.random.randint(0, 4)),
                written_at=self.at,
                changed_at=self.at,
            )

    def _minor(self, most: int) -> int:
        return self.random.randint(1, most)

    def _claim(self, customer_id: UUID, owner: int, place: int) -> Claim | None:
        total = self._minor(100_000)
        paid = self.random.choice([0, 0, 0, total, self.random.randint(0, total)])
        due_on = self.day - timedelta(days=self.random.randint(-5, 90))
        invoice_id, number = new_id(), f"F-{owner}-{place}"
        self._add(
            "invoices",
            invoice_id=invoice_id,
            customer_id=customer_id,
            number=number,
            issue_year=due_on.year,
            origin="finished",
            type_code="380",
            issued_on=due_on - timedelta(days=30),
            due_on=due_on,
            currency="EUR",
            total_minor=total,
            prepaid_minor=0,
            payable_minor=total,
            vat_on_collection=False,
            vat_rows=[],
            document={},
            routing="b2b",
            created_at=self.at - timedelta(days=60),
        )
        self._item(customer_id, invoice_id, total - paid, "invoice", total, due_on)
        if paid == total:
            return None
        claim = Claim(invoice_id, customer_id, due_on, number, total - paid)
        for what in (*HELD_IN_PART, *NEVER_HELD):
            if self._chance(0.12):
                minor = min(self._minor(60_000), claim.open_minor) if what in HELD_IN_PART else claim.open_minor
                getattr(self, f"_{what}")(claim, minor)
                if what in HELD_IN_PART:
                    claim.held[what] = minor
        if self._chance(0.15):
            what = self.random.choice(HELD_WHOLLY)
            getattr(self, f"_{what}")(claim)
            claim.held[what] = claim.open_minor
        return claim

    def _item(  # noqa: PLR0917 -- a row of the books
        self,
        customer_id: UUID,
        invoice_id: UUID | None,
        open_minor: int,
        kind: str,
        total: int = 0,
        due_on: date | None = None,
    ) -> None:
        self._add(
            "receivable_items",
            posting_id=new_id(),
            customer_id=customer_id,
            invoice_id=invoice_id,
            reference=new_id().hex,
            kind=kind,
            debit=kind == "invoice",
            amount_minor=total or open_minor,
            open_minor=open_minor,
            currency="EUR",
            booked_on=self.day,
            due_on=due_on or self.day,
            ranked_at=self.at,
        )

    def _in_flight(self, claim: Claim, minor: int) -> None:
        self._add(
            "reservations",
            attempt_id=new_id(),
            invoice_id=claim.invoice_id,
            amount_minor=minor,
            state="processing",
        )

    def _disputed(self, claim: Claim, minor: int, closed_at: datetime | None = None) -> None:
        self._add(
            "disputes",
            dispute_id=new_id(),
            customer_id=claim.customer_id,
            invoice_id=claim.invoice_id,
            reason="QTE_ERR",
            scope="amount",
            amount_minor=minor,
            currency="EUR",
            line_ids=[],
            opened_from="portal",
            state="rejected" if closed_at else "open",
            owner="collector",
            answer_due_on=self.day,
            close_due_on=self.day,
            opened_at=self.at,
            closed_at=closed_at,
            changed_at=self.at,
        )

    def _dispute_closed(self, claim: Claim, minor: int) -> None:
        self._disputed(claim, minor, self.at)

    def _promised(self, claim: Claim, minor: int, state: str = "pending") -> None:
        promise_id, days = new_id(), 1 if state == "pending" else -9
        self._add(
            "promises",
            promise_id=promise_id,
            customer_id=claim.customer_id,
            source=self.random.choice(["customer", "collector"]),
            said_by="x",
            amount_minor=minor,
            currency="EUR",
            promised_on=self.day + timedelta(days=days),
            judged_on=self.day + timedelta(days=days + 2),
            state=state,
            kept_minor=0,
            made_at=self.at,
            changed_at=self.at,
        )
        self._add("promised_invoices", promise_id=promise_id, invoice_id=claim.invoice_id, amount_minor=minor)

    def _promise_broken(self, claim: Claim, minor: int) -> None:
        self._promised(claim, minor, self.random.choice(["broken", "withdrawn"]))

    def _to_match(self, claim: Claim, minor: int, days_ago: int = 2) -> None:
        line_id = new_id()
        self._add(
            "bank_lines",
            line_id=line_id,
            line_key=line_id.hex,
            entry_key=line_id.hex,
            statement_id=new_id(),
            account="x",
            booked_on=self.day - timedelta(days=days_ago),
            value_on=self.day - timedelta(days=days_ago),
            amount_minor=minor,
            currency="EUR",
            counterparty="",
            remittance="",
            details={},
            state="proposed",
            round=1,
            created_at=self.at,
            changed_at=self.at,
        )
        self._add(
            "match_proposals",
            proposal_id=new_id(),
            line_id=line_id,
            rank=1,
            round=1,
            customer_id=claim.customer_id,
            score=80,
            reasons=[],
            aims={"invoices": [{"id": claim.invoice_id, "minor": minor}]},
            rest_minor=0,
            made_at=self.at,
        )

    def _proposal_old(self, claim: Claim, minor: int) -> None:
        self._to_match(claim, minor, 45)

    def _announced(self, claim: Claim, minor: int, days: int = 4) -> None:
        self._add(
            "debits",
            debit_id=new_id(),
            mandate_id=new_id(),
            invoice_id=claim.invoice_id,
            end_to_end_id=new_id().hex,
            amount_minor=minor,
            currency="EUR",
            collect_on=self.day + timedelta(days=days),
            state=self.random.choice(["planned", "notified"]) if days > 0 else "cancelled",
            tries=1,
            last=False,
            chosen_by="rule",
            planned_by="x",
            created_at=self.at,
            changed_at=self.at,
        )

    def _debit_over(self, claim: Claim, minor: int) -> None:
        self._announced(claim, minor, -3)

    def _paused(self, claim: Claim, days: int = 3) -> None:
        self._add(
            "dunning_pauses",
            invoice_id=claim.invoice_id,
            cause="announced",
            source_ref=new_id().hex,
            until_on=self.day + timedelta(days=days),
            created_at=self.at,
        )

    def _pause_over(self, claim: Claim, _minor: int) -> None:
        self._paused(claim, 0)

    def _planned(self, claim: Claim, state: str = "accepted") -> None:
        plan_id = new_id()
        self._add(
            "plans",
            plan_id=plan_id,
            customer_id=claim.customer_id,
            proposed_by="x",
            source="customer",
            currency="EUR",
            total_minor=claim.open_minor,
            interest=False,
            grace_days=5,
            language="fr",
            policy_version=0,
            beyond=[],
            state=state,
            proposed_at=self.at,
            accepted_at=self.at,
            changed_at=self.at,
        )
        self._add(
            "plan_invoices", plan_id=plan_id, invoice_id=claim.invoice_id, position=1, amount_minor=claim.open_minor
        )
        self._add(
            "plan_instalments",
            plan_id=plan_id,
            position=1,
            due_on=self.day + timedelta(days=20),
            amount_minor=claim.open_minor,
        )

    def _plan_broken(self, claim: Claim, _minor: int) -> None:
        self._planned(claim, self.random.choice(["broken", "refused", "proposed"]))

    def _replaced(self, claim: Claim) -> None:
        self._add("replacements", replaced_id=claim.invoice_id, by_id=new_id(), replaced_at=self.at)

    def _cancelled(self, claim: Claim) -> None:
        self._add(
            "statuses",
            invoice_id=claim.invoice_id,
            message_id=new_id().hex,
            code="220",
            direction="out",
            set_at=self.at,
            reasons=[],
            amounts=[],
            created_at=self.at,
        )

    def _insolvent(self, customer_id: UUID) -> None:
        self._add(
            "insolvencies",
            insolvency_id=new_id(),
            customer_id=customer_id,
            kind="liquidation",
            opened_on=self.day,
            source="x",
            state="open",
            noted_by="x",
            noted_at=self.at,
            changed_at=self.at,
        )

    def _assigned(self, claim: Claim) -> None:
        self._add(
            "assignments",
            assignment_id=new_id(),
            batch_id=new_id(),
            invoice_id=claim.invoice_id,
            customer_id=claim.customer_id,
            factor_id=new_id(),
            confidential=False,
            recourse=True,
            amount_minor=claim.open_minor,
            open_minor=claim.open_minor,
            currency="EUR",
            state="assigned",
            holder="x",
            iban="x",
            assigned_on=self.day,
            assigned_by="x",
            changed_at=self.at,
        )
