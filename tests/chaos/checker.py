"""The independent judge of a crash test: its own SQL as superuser, the plan of the traffic, and what was acknowledged.

It imports nothing of the product, so that a mistake of the product cannot judge itself. Every sentence it returns is
one kind of problem with its count; no sentence means that not a cent was lost, doubled or misplaced.

    python checker.py <superuser url> <traffic.json> <acknowledged.txt>
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

CUSTOMERS = "411000"
CLEARING = "511500"
VAT_PENDING = "445740"
VAT_DUE = "445710"
SHOWN = 3
"""Examples named per problem: enough to start looking."""

Row = dict[str, Any]


@dataclass(slots=True)
class Verdict:
    """What was found: problems by kind, and how much was looked at."""

    problems: list[str] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)

    def demand(self, what: str, wrong: list[Any]) -> None:
        """Note a problem where something is wrong."""
        if wrong:
            shown = ", ".join(str(each) for each in sorted(map(str, wrong))[:SHOWN])
            self.problems.append(f"{len(wrong)} {what}: {shown}")


def check(url: str, traffic_file: Path, acknowledged: set[str]) -> Verdict:
    """Compare the database at ``url`` (superuser) with the plan and with the events acknowledged by a 200."""
    plan = json.loads(traffic_file.read_text())
    verdict = Verdict()
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        books = Books(connection)
        _check_inbox(verdict, books, plan, acknowledged)
        _check_entries(verdict, books, plan)
        _check_balances(verdict, books, plan)
        _check_open_amounts(verdict, books, plan)
        _check_letterings(verdict, books)
        _check_collections(verdict, books, plan)
        _check_vat(verdict, books, plan)
        _check_announcements(verdict, books)
        _check_attempts(verdict, books, plan)
        _check_audit(verdict, books)
    return verdict


class Books:
    """Whole tables, read once."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        def rows(sql: str) -> list[Row]:
            return connection.execute(sql).fetchall()

        self.inbox = rows("SELECT supplier_id::text, external_id, body, state, reason FROM inbox")
        self.entries = rows("SELECT entry_id, supplier_id::text, source_kind, source_ref FROM entries")
        self.postings = rows(
            "SELECT posting_id, entry_id, supplier_id::text, account, customer_id::text, invoice_id::text, "
            "debit_minor - credit_minor AS minor FROM postings"
        )
        self.items = rows(
            "SELECT posting_id, supplier_id::text, customer_id::text, invoice_id::text, reference, kind, debit, "
            "amount_minor, open_minor, lettering_id FROM receivable_items"
        )
        self.allocations = rows("SELECT debit_posting_id, credit_posting_id, amount_minor FROM allocations")
        self.letterings = rows(
            "SELECT lettering_id, supplier_id::text, customer_id::text, year, code, balanced, "
            "EXISTS (SELECT 1 FROM lettering_ends AS ending WHERE ending.lettering_id = letterings.lettering_id) "
            "AS ended FROM letterings"
        )
        self.collections = rows(
            "SELECT invoice_id::text, sequence, entry_id, kind, amount_minor, split FROM collections "
            "ORDER BY invoice_id, sequence"
        )
        self.outbox = rows("SELECT kind, event_key, state, reason FROM outbox")
        self.attempts = rows("SELECT attempt_id::text, state, payment_ref FROM payment_attempts")
        self.reservations = rows("SELECT attempt_id::text, state FROM reservations")
        self.audit = rows("SELECT act, object FROM audit_rows")


def _check_inbox(verdict: Verdict, books: Books, plan: Row, acknowledged: set[str]) -> None:
    """I1, I2, I3: what was acknowledged is there, as sent, and done; nothing is there that nobody sent."""
    suppliers = [each["supplier_id"] for each in plan["suppliers"]]
    sent = {(suppliers[each["supplier"]], each["event_id"]): each["body"] for each in plan["deliveries"]}
    stored = {(row["supplier_id"], row["external_id"]): row for row in books.inbox}
    verdict.looked_at["messages in the inbox"] = len(books.inbox)
    verdict.demand("messages stored twice", _twice((row["supplier_id"], row["external_id"]) for row in books.inbox))
    verdict.demand("acknowledged events lost", list(acknowledged - {event_id for _, event_id in stored}))
    verdict.demand("messages that nobody sent", [key for key in stored if key not in sent])
    verdict.demand(
        "messages changed on their way",
        [key for key, row in stored.items() if key in sent and bytes(row["body"]) != sent[key].encode()],
    )
    verdict.demand(
        "messages not done", [(r["external_id"], r["state"], r["reason"]) for r in books.inbox if r["state"] != "done"]
    )


def _check_entries(verdict: Verdict, books: Books, plan: Row) -> None:
    """I4, I5: one entry of the right amount for each payment and each return, and none besides; each balances."""
    expected: dict[tuple[str, str], int] = {}
    for payment in _paid(plan):
        expected["receipt", payment["ref"]] = payment["amount_minor"]
        for refund, amount in payment["refunds"].items():
            expected["return", refund] = -amount
    booked: dict[tuple[str, str], list[int]] = defaultdict(list)
    clearing: dict[Any, int] = defaultdict(int)
    sums: dict[Any, int] = defaultdict(int)
    for posting in books.postings:
        sums[posting["entry_id"]] += posting["minor"]
        if posting["account"] == CLEARING:
            clearing[posting["entry_id"]] += posting["minor"]
    for entry in books.entries:
        if entry["source_kind"] != "invoice":
            booked[entry["source_kind"], entry["source_ref"]].append(clearing[entry["entry_id"]])
    verdict.looked_at["entries of money"] = sum(map(len, booked.values()))
    verdict.demand("facts booked twice", [key for key, amounts in booked.items() if len(amounts) > 1])
    verdict.demand("facts not booked", [key for key in expected if key not in booked])
    verdict.demand("entries of nothing that happened", [key for key in booked if key not in expected])
    verdict.demand(
        "entries of a wrong amount",
        [key for key, amounts in booked.items() if key in expected and any(each != expected[key] for each in amounts)],
    )
    verdict.demand("entries out of balance", [key for key, minor in sums.items() if minor])


def _check_balances(verdict: Verdict, books: Books, plan: Row) -> None:
    """I6, I8: clearing per supplier and the account of every customer, from invoices, payments and refunds alone."""
    suppliers = plan["suppliers"]
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for invoice in plan["invoices"]:
        expected[_customer(plan, invoice), CUSTOMERS] += invoice["payable_minor"]
    for payment in _paid(plan):
        net = payment["amount_minor"] - sum(payment["refunds"].values())
        expected[_customer(plan, payment), CUSTOMERS] -= net
        expected[suppliers[payment["supplier"]]["supplier_id"], CLEARING] += net
    found: dict[tuple[str, str], int] = defaultdict(int)
    exposure: dict[str, int] = defaultdict(int)
    for posting in books.postings:
        if posting["account"] in (CUSTOMERS, CLEARING):
            found[posting["customer_id"] or posting["supplier_id"], posting["account"]] += posting["minor"]
    for item in books.items:
        exposure[item["customer_id"]] += item["open_minor"] if item["debit"] else -item["open_minor"]
    verdict.looked_at["balances"] = len(expected)
    verdict.demand("wrong balances", [key for key in expected.keys() | found.keys() if expected[key] != found[key]])
    verdict.demand(
        "customers with a wrong exposure",
        [owner for (owner, account), minor in expected.items() if account == CUSTOMERS and exposure[owner] != minor],
    )


def _check_open_amounts(verdict: Verdict, books: Books, plan: Row) -> None:
    """I6: what is open on every invoice, receipt and refund; and that allocations explain it."""
    expected = {
        ("invoice", each["number"]): each["payable_minor"] - each["collected_minor"] for each in plan["invoices"]
    }
    for payment in _paid(plan):
        expected["receipt", payment["ref"]] = payment["open_minor"]
        expected.update({("refund", refund): 0 for refund in payment["refunds"]})
    used: dict[Any, int] = defaultdict(int)
    for each in books.allocations:
        used[each["debit_posting_id"]] += each["amount_minor"]
        used[each["credit_posting_id"]] += each["amount_minor"]
    found = {(item["kind"], item["reference"]): item["open_minor"] for item in books.items}
    verdict.looked_at["open items"] = len(books.items)
    verdict.demand("open items twice", _twice((item["kind"], item["reference"]) for item in books.items))
    verdict.demand("wrong open amounts", [key for key in expected if found.get(key) != expected[key]])
    verdict.demand(
        "open amounts that allocations do not explain",
        [i["reference"] for i in books.items if i["amount_minor"] - i["open_minor"] != used[i["posting_id"]]],
    )
    on_books = {p["posting_id"]: p["minor"] for p in books.postings if p["customer_id"] is not None}
    verdict.demand("lines of 411 that are no item of the same amount", _unlike_items(on_books, books))


def _check_letterings(verdict: Verdict, books: Books) -> None:
    """I7: a balanced lettering sums to zero, what is allocated is lettered, and no code was given twice."""
    letterings = {each["lettering_id"]: each for each in books.letterings}
    lines: dict[Any, list[Row]] = defaultdict(list)
    for item in books.items:
        if item["lettering_id"]:
            lines[item["lettering_id"]].append(item)
    verdict.looked_at["letterings"] = len(letterings)
    verdict.demand(
        "balanced letterings that are off",
        [
            letterings[key]["code"]
            for key, items in lines.items()
            if letterings[key]["balanced"]
            and (
                sum(i["amount_minor"] if i["debit"] else -i["amount_minor"] for i in items)
                or any(i["open_minor"] for i in items)
            )
        ],
    )
    verdict.demand("ended letterings in use", [letterings[key]["code"] for key in lines if letterings[key]["ended"]])
    verdict.demand(
        "lines allocated and not lettered, or the other way round",
        [i["reference"] for i in books.items if (i["lettering_id"] is None) != (i["open_minor"] == i["amount_minor"])],
    )
    verdict.demand(
        "letter codes given twice",
        _twice((e["supplier_id"], e["customer_id"], e["year"], e["code"]) for e in books.letterings),
    )


def _check_collections(verdict: Verdict, books: Books, plan: Row) -> None:
    """I10: cash told per invoice = cash collected; splits add up, and stay within each rate whatever the order."""
    invoices = {each["invoice_id"]: each for each in plan["invoices"]}
    told: dict[str, int] = defaultdict(int)
    by_rate: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    last: dict[str, int] = defaultdict(int)
    off, gaps, outside = [], [], []
    for movement in books.collections:
        key = movement["invoice_id"]
        last[key] += 1
        told[key] += movement["amount_minor"]
        if movement["sequence"] != last[key]:
            gaps.append((key, movement["sequence"]))
        if sum(part["amount_minor"] for part in movement["split"]) != movement["amount_minor"]:
            off.append((key, movement["sequence"]))
        gross = {rate: base + tax for rate, base, tax in invoices[key]["vat_rows"]}
        for part in movement["split"]:
            rate = f"{float(part['rate']):g}"
            by_rate[key][rate] += part["amount_minor"]
            wrong_sign = part["amount_minor"] * movement["amount_minor"] < 0
            if wrong_sign or not 0 <= by_rate[key][rate] <= gross.get(rate, -1):
                outside.append((key, movement["sequence"], rate))
    verdict.looked_at["movements of cash"] = len(books.collections)
    verdict.demand("movements whose split does not add up", off)
    verdict.demand("movements out of sequence", gaps)
    verdict.demand("splits outside of their rate", outside)
    verdict.demand(
        "invoices with wrong cash told", [key for key, each in invoices.items() if told[key] != each["collected_minor"]]
    )
    verdict.demand(
        "paid invoices whose split is not their VAT table",
        [
            key
            for key, each in invoices.items()
            if each["collected_minor"] == each["payable_minor"]
            and any(by_rate[key][rate] != base + tax for rate, base, tax in each["vat_rows"])
        ],
    )


def _check_vat(verdict: Verdict, books: Books, plan: Row) -> None:
    """VAT on collection has left 44574 exactly when its invoice is paid, and not a cent before the first payment."""
    pending: dict[str, int] = defaultdict(int)
    due: dict[str, int] = defaultdict(int)
    for posting in books.postings:
        if posting["account"] in (VAT_PENDING, VAT_DUE):
            (pending if posting["account"] == VAT_PENDING else due)[posting["invoice_id"]] += posting["minor"]
    wrong = []
    for invoice in plan["invoices"]:
        key, tax = invoice["invoice_id"], sum(tax for _, _, tax in invoice["vat_rows"])
        waiting, owed = -pending[key], -due[key]
        paid, none = invoice["collected_minor"] == invoice["payable_minor"], invoice["collected_minor"] == 0
        if (
            waiting + owed != tax
            or waiting < 0
            or owed < 0
            or (invoice["vat_on_collection"] and ((paid and waiting) or (none and owed)))
        ):
            wrong.append(key)
    verdict.demand("invoices whose VAT stands on the wrong account", wrong)


def _check_announcements(verdict: Verdict, books: Books) -> None:
    """I9: one announcement for each movement, with a key of its own, and done."""
    announced = [row for row in books.outbox if row["kind"] == "cash.collected"]
    keys = {f"{each['invoice_id']}/{each['sequence']}" for each in books.collections if each["kind"] == "cash"}
    told = {row["event_key"] for row in announced}
    verdict.looked_at["announcements"] = len(announced)
    verdict.demand("announcements made twice", _twice(row["event_key"] for row in announced))
    verdict.demand("movements not announced", list(keys - told))
    verdict.demand("announcements of no movement", list(told - keys))
    verdict.demand(
        "announcements not done", [(r["event_key"], r["state"], r["reason"]) for r in announced if r["state"] != "done"]
    )


def _check_attempts(verdict: Verdict, books: Books, plan: Row) -> None:
    """Every attempt ended as its payer did, and reserves nothing any more."""
    expected = {each["attempt_id"]: "succeeded" if each["paid"] else "expired" for each in plan["payments"]}
    reserved = {"succeeded": "consumed", "expired": "released"}
    verdict.demand(
        "attempts in a wrong state",
        [r["attempt_id"] for r in books.attempts if r["state"] != expected[r["attempt_id"]]],
    )
    verdict.demand(
        "reservations in a wrong state",
        [r["attempt_id"] for r in books.reservations if r["state"] != reserved[expected[r["attempt_id"]]]],
    )


def _check_audit(verdict: Verdict, books: Books) -> None:
    """I12: one audit row for each entry."""
    noted = [row["object"] for row in books.audit if row["act"] in ("receipt.booked", "return.booked")]
    booked = {e["source_ref"] for e in books.entries if e["source_kind"] != "invoice"}
    verdict.demand("entries noted twice in the audit trail", _twice(noted))
    verdict.demand("entries without audit row", list(booked - set(noted)))
    verdict.demand("audit rows of no entry", list(set(noted) - booked))


def _unlike_items(on_books: dict[Any, int], books: Books) -> list[Any]:
    items = {i["posting_id"]: i["amount_minor"] if i["debit"] else -i["amount_minor"] for i in books.items}
    return [key for key in on_books.keys() | items.keys() if on_books.get(key) != items.get(key)]


def _paid(plan: Row) -> list[Row]:
    return [each for each in plan["payments"] if each["paid"]]


def _customer(plan: Row, row: Row) -> str:
    return str(plan["suppliers"][row["supplier"]]["customers"][row["customer"]])


def _twice(keys: Any) -> list[Any]:
    return [key for key, times in Counter(keys).items() if times > 1]


def main() -> int:
    """Judge from the command line; exit 1 where there is a problem."""
    url, traffic_file, acknowledged = sys.argv[1:]
    verdict = check(url, Path(traffic_file), set(Path(acknowledged).read_text().split()))
    print("looked at", ", ".join(f"{count} {what}" for what, count in verdict.looked_at.items()))
    for problem in verdict.problems:
        print("PROBLEM", problem)
    return bool(verdict.problems)


if __name__ == "__main__":
    sys.exit(main())
