"""Candidates for a whole batch of lines, loaded as sets: a handful of indexed queries, however many lines there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.matching.advised import load_advices
from payments.matching.amounts import OpenItem
from payments.matching.names import Likeness, keys_of, likeness, prefix_key, words_of
from receivables.store.settlement.terms import discounts_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.clues import Clues
    from receivables.domain.settlement.terms import EarlyDiscount
    from receivables.store.work import Work

MOST_PER_KEY = 12
"""Rows that one key may bring; a key with more tells nobody apart and brings none."""
MOST_PER_AMOUNT = 25
MOST_ITEMS = 150
"""Open items of one customer that are looked at, oldest due first."""
KEYED_TOGETHER = 2_000
"""Customers whose keys are written by one statement, which has a time limit."""
FITTING = frozenset({Likeness.SAME, Likeness.CUT, Likeness.CLOSE})
"""Names that make a customer a candidate by themselves."""


@dataclass(frozen=True, slots=True)
class Named:
    """An invoice that may be named in a text."""

    invoice_id: UUID
    customer_id: UUID
    number: str
    compact: str
    tail: str
    issue_year: int


@dataclass(slots=True)
class Pool:
    """What is known of the customers and invoices that the lines of a batch may be about.

    Open amounts go down as lines of the batch are booked, so that the next one finds them taken.
    """

    names: dict[UUID, str] = field(default_factory=dict)
    invoices: dict[UUID, list[OpenItem]] = field(default_factory=dict)
    credits: dict[UUID, list[OpenItem]] = field(default_factory=dict)
    by_compact: dict[str, list[Named]] = field(default_factory=dict)
    by_tail: dict[str, list[Named]] = field(default_factory=dict)
    by_key: dict[str, list[UUID]] = field(default_factory=dict)
    crowded: set[str] = field(default_factory=set)
    """Keys of names that more customers share than are looked at."""
    by_code: dict[str, UUID] = field(default_factory=dict)
    by_siren: dict[str, UUID] = field(default_factory=dict)
    by_iban: dict[str, list[UUID]] = field(default_factory=dict)
    by_payer: dict[str, list[UUID]] = field(default_factory=dict)
    by_payment: dict[UUID, tuple[UUID, dict[UUID, int]]] = field(default_factory=dict)
    by_amount: dict[tuple[int, str], list[tuple[UUID, UUID]]] = field(default_factory=dict)
    """Customers and invoices of an open amount; more than `MOST_PER_AMOUNT` say that it is common."""
    instalments: dict[UUID, list[int]] = field(default_factory=dict)
    discounts: dict[UUID, EarlyDiscount] = field(default_factory=dict)
    """What invoices grant to whoever pays early, past or not."""
    currencies: dict[UUID, str] = field(default_factory=dict)
    said_ours: dict[UUID, dict[UUID, tuple[UUID, ...]]] = field(default_factory=dict)
    """By line: customers who say that it is their payment, and the invoices that they name."""
    advised: dict[UUID, dict[UUID, list[dict[UUID, int]]]] = field(default_factory=dict)
    """By line: customers whose confirmed advices have its amount, with what each says of an invoice or credit note."""
    refused: set[tuple[UUID, UUID]] = field(default_factory=set)
    """Lines and customers who say that it is not their payment."""

    def open_of(self, customer_id: UUID, currency: str) -> list[OpenItem]:
        """The open invoices of a customer in a currency, oldest due first."""
        return [
            item
            for item in self.invoices.get(customer_id, ())
            if item.open_minor > 0 and self.currencies[item.source_id] == currency
        ]

    def credits_of(self, customer_id: UUID, currency: str) -> list[OpenItem]:
        """The open credits of a customer in a currency."""
        return [
            item
            for item in self.credits.get(customer_id, ())
            if item.open_minor > 0 and self.currencies[item.source_id] == currency
        ]


def load_pool(work: Work, lines: Sequence[BankLine], clues: Mapping[UUID, Clues]) -> Pool:
    """Everything that may matter for ``lines``; ``clues`` is what each says."""
    pool = Pool()
    _load_named(work, pool, clues.values())
    _load_names(work, pool, clues.values())
    _load_told(work, pool, clues.values())
    _load_confirmed(work, pool, lines, clues)
    _load_amounts(work, pool, lines)
    _load_answers(work, pool, lines)
    load_advices(work, pool.advised, lines)
    wanted = set()
    for line in lines:
        wanted |= customers_of(pool, line, clues[line.line_id])
    _load_items(work, pool, wanted)
    return pool


def customers_of(pool: Pool, line: BankLine, clues: Clues) -> set[UUID]:
    """The customers whom something else than an amount speaks for."""
    found = {each.customer_id for whole in clues.wholes for each in pool.by_compact.get(whole, ())}
    found |= {each.customer_id for tail in clues.tails for each in pool.by_tail.get(tail, ())}
    found |= set(fitting_names(pool, clues))
    found |= {pool.by_code[code] for code in clues.codes if code in pool.by_code}
    found |= {pool.by_siren[siren] for siren in clues.sirens if siren in pool.by_siren}
    found |= {pool.by_payment[each][0] for each in clues.payment_ids if each in pool.by_payment}
    found |= set(pool.by_iban.get(line.counterparty_iban or "", ()))
    found |= set(pool.by_payer.get(clues.payer, ()))
    return found | pool.said_ours.get(line.line_id, {}).keys() | pool.advised.get(line.line_id, {}).keys()


def fitting_names(pool: Pool, clues: Clues) -> dict[UUID, Likeness]:
    """The customers found by the payer's name, with how well it fits."""
    found = {customer for key in clues.name_keys for customer in pool.by_key.get(key, ())}
    likes = ((customer, likeness(clues.payer, pool.names[customer])) for customer in found)
    return {customer: like for customer, like in likes if like in FITTING}


def is_crowded(pool: Pool, payer: str, like: Likeness) -> bool:
    """Whether more customers bear this name, or begin like it where it is cut, than were looked at."""
    words = words_of(payer)
    keys = {f"f:{''.join(words)}", f"s:{''.join(sorted(words))}"}
    if like is not Likeness.SAME:
        keys.add(prefix_key(payer))
    return not pool.crowded.isdisjoint(keys)


def keep_payer_keys(work: Work) -> int:
    """Write the keys of names that have none yet: new customers and new names of known ones; returns how many."""
    rows = work.rows(
        "SELECT customer_id, name FROM customers AS customer WHERE supplier_id = :supplier AND NOT EXISTS ("
        "SELECT 1 FROM payer_keys AS known WHERE known.supplier_id = :supplier "
        "AND known.customer_id = customer.customer_id AND known.key = 'n:' || customer.name)"
    )
    for first in range(0, len(rows), KEYED_TOGETHER):
        given = [
            {"customer_id": row["customer_id"], "key": key}
            for row in rows[first : first + KEYED_TOGETHER]
            for key in (*keys_of(row["name"]), f"n:{row['name']}")
        ]
        work.execute(
            "INSERT INTO payer_keys (supplier_id, key, customer_id) SELECT :supplier, key, customer_id "
            "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (customer_id uuid, key text) "
            "ON CONFLICT DO NOTHING",
            given=to_json(given),
        )
    return len(rows)


_NAMED = "invoice_id, customer_id, number, compact_number, tail_number, issue_year"


def _load_named(work: Work, pool: Pool, clues: Iterable[Clues]) -> None:
    clues = list(clues)
    wholes = {whole for each in clues for whole in each.wholes}
    rows = work.rows(
        f"SELECT {_NAMED} FROM invoices WHERE supplier_id = :supplier AND compact_number = ANY(:keys)",
        keys=sorted(wholes),
    )
    for row in rows:
        named = Named(*row.values())
        pool.by_compact.setdefault(named.compact, []).append(named)
    rows = work.rows(
        f"SELECT {_NAMED} FROM unnest(CAST(:keys AS text[])) AS wanted (tail) CROSS JOIN LATERAL ("
        f"SELECT {_NAMED} FROM invoices WHERE supplier_id = :supplier AND tail_number = wanted.tail "
        "ORDER BY issue_year DESC LIMIT :most) AS found",
        keys=sorted({tail for each in clues for tail in each.tails}),
        most=MOST_PER_KEY,
    )
    for row in rows:
        named = Named(*row.values())
        pool.by_tail.setdefault(named.tail, []).append(named)


def _load_names(work: Work, pool: Pool, clues: Iterable[Clues]) -> None:
    rows = work.rows(
        "SELECT wanted.key, found.customer_id FROM unnest(CAST(:keys AS text[])) AS wanted (key) CROSS JOIN LATERAL ("
        "SELECT customer_id FROM payer_keys AS known WHERE known.supplier_id = :supplier AND known.key = wanted.key "
        "LIMIT :most) AS found",
        keys=sorted({key for each in clues for key in each.name_keys}),
        most=MOST_PER_KEY + 1,
    )
    found: dict[str, list[UUID]] = defaultdict(list)
    for row in rows:
        found[row["key"]].append(row["customer_id"])
    pool.crowded = {key for key, customers in found.items() if len(customers) > MOST_PER_KEY}
    pool.by_key = {key: customers for key, customers in found.items() if key not in pool.crowded}
    _name(work, pool, {customer for customers in pool.by_key.values() for customer in customers})


def _name(work: Work, pool: Pool, customer_ids: Collection[UUID]) -> None:
    rows = work.rows(
        "SELECT customer_id, name FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids)",
        ids=[each for each in customer_ids if each not in pool.names],
    )
    pool.names.update((row["customer_id"], row["name"]) for row in rows)


def _load_told(work: Work, pool: Pool, clues: Iterable[Clues]) -> None:
    """Customers whom a text names by account or SIREN, and payments of ours that it names by id."""
    clues = list(clues)
    rows = work.rows(
        "SELECT customer_id, account_code FROM customers WHERE supplier_id = :supplier AND account_code = ANY(:codes)",
        codes=sorted({code for each in clues for code in each.codes}),
    )
    pool.by_code = {row["account_code"]: row["customer_id"] for row in rows}
    rows = work.rows(
        "SELECT customer_id, siren FROM customers WHERE supplier_id = :supplier AND siren = ANY(:sirens)",
        sirens=sorted({siren for each in clues for siren in each.sirens}),
    )
    pool.by_siren = {row["siren"]: row["customer_id"] for row in rows}
    rows = work.rows(
        "SELECT attempt_id, attempt.customer_id, reservation.invoice_id, reservation.amount_minor "
        "FROM payment_attempts AS attempt LEFT JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND attempt_id = ANY(:ids)",
        ids=sorted({each for one in clues for each in one.payment_ids}),
    )
    for row in rows:
        aims = pool.by_payment.setdefault(row["attempt_id"], (row["customer_id"], {}))[1]
        if row["invoice_id"]:
            aims[row["invoice_id"]] = row["amount_minor"]


def _load_confirmed(work: Work, pool: Pool, lines: Sequence[BankLine], clues: Mapping[UUID, Clues]) -> None:
    """For whom people confirmed that this IBAN or this name pays; what was taken back counts no more."""
    for column, wanted, found in (
        ("payer_iban", {line.counterparty_iban for line in lines if line.counterparty_iban}, pool.by_iban),
        ("payer_name", {each.payer for each in clues.values() if each.payer}, pool.by_payer),
    ):
        rows = work.rows(
            f"SELECT {column} AS payer, customer_id FROM confirmed_payers WHERE supplier_id = :supplier "
            f"AND {column} = ANY(:wanted) GROUP BY {column}, customer_id HAVING sum(weight) > 0 ORDER BY customer_id",
            wanted=sorted(wanted),
        )
        for row in rows:
            found.setdefault(row["payer"], []).append(row["customer_id"])


def _load_amounts(work: Work, pool: Pool, lines: Sequence[BankLine]) -> None:
    rows = work.rows(
        "SELECT wanted.minor, found.customer_id, found.invoice_id, found.currency, found.reference, found.due_on, "
        "found.booked_on FROM unnest(CAST(:amounts AS bigint[])) AS wanted (minor) CROSS JOIN LATERAL ("
        "SELECT customer_id, invoice_id, currency, reference, due_on, booked_on FROM receivable_items "
        "WHERE supplier_id = :supplier AND open_minor = wanted.minor AND kind = 'invoice' AND open_minor > 0 "
        "ORDER BY due_on LIMIT :most) AS found",
        amounts=sorted({line.amount_minor for line in lines}),
        most=MOST_PER_AMOUNT + 1,
    )
    counts = Counter((row["minor"], row["currency"]) for row in rows)
    _name(work, pool, {row["customer_id"] for row in rows if counts[row["minor"], row["currency"]] <= MOST_PER_AMOUNT})
    for row in rows:
        key = (row["minor"], row["currency"])
        pool.by_amount.setdefault(key, []).append((row["customer_id"], row["invoice_id"]))
        if counts[key] <= MOST_PER_AMOUNT:
            item = OpenItem(
                "invoice", row["invoice_id"], row["reference"], row["minor"], row["due_on"], row["booked_on"]
            )
            pool.invoices.setdefault(row["customer_id"], []).append(item)
            pool.currencies[row["invoice_id"]] = row["currency"]


def _load_answers(work: Work, pool: Pool, lines: Sequence[BankLine]) -> None:
    """What customers whom we asked said about these lines; the invoices that they name stand in their words."""
    rows = work.rows(
        "SELECT line_id, customer_id, state, invoices FROM payer_questions WHERE supplier_id = :supplier "
        "AND line_id = ANY(:ids) AND state IN ('ours', 'not_ours')",
        ids=[line.line_id for line in lines],
    )
    for row in rows:
        if row["state"] == "ours":
            pool.said_ours.setdefault(row["line_id"], {})[row["customer_id"]] = tuple(row["invoices"])
        else:
            pool.refused.add((row["line_id"], row["customer_id"]))


def _load_items(work: Work, pool: Pool, customer_ids: set[UUID]) -> None:
    """All that is open at these customers, less what is in flight."""
    _name(work, pool, customer_ids)
    rows = work.rows(
        "SELECT item.customer_id, item.kind, coalesce(item.invoice_id, item.attempt_id) AS source_id, item.reference, "
        "item.open_minor, item.due_on, item.booked_on, item.currency "
        "FROM unnest(CAST(:ids AS uuid[])) AS wanted (customer) CROSS JOIN LATERAL ("
        "SELECT customer_id, kind, invoice_id, attempt_id, reference, open_minor, due_on, booked_on, currency "
        "FROM receivable_items WHERE supplier_id = :supplier AND customer_id = wanted.customer AND open_minor > 0 "
        "AND kind IN ('invoice', 'credit_note', 'receipt') ORDER BY due_on, booked_on, reference LIMIT :most) AS item "
        "UNION ALL SELECT claim.customer_id, 'invoice', claim.claim_id, invoice.number, claim.outside_minor, "
        "invoice.due_on, invoice.issued_on, invoice.currency FROM interest_claims AS claim JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = claim.claim_id "
        "WHERE claim.supplier_id = :supplier AND claim.customer_id = ANY(:ids) AND claim.outside_minor > 0",
        ids=sorted(customer_ids),
        most=MOST_ITEMS,
    )
    flying = _in_flight(work, customer_ids)
    for customer in customer_ids:
        pool.invoices[customer], pool.credits[customer] = [], []
    for row in rows:
        source = row["source_id"]
        left = row["open_minor"] - flying.get(source, 0)
        item = OpenItem(row["kind"], source, row["reference"], left, row["due_on"], row["booked_on"])
        pool.currencies[source] = row["currency"]
        (pool.invoices if item.kind == "invoice" else pool.credits)[row["customer_id"]].append(item)
    _load_instalments(work, pool)
    pool.discounts = discounts_of(work, pool.currencies.keys())


def _in_flight(work: Work, customer_ids: set[UUID]) -> dict[UUID, int]:
    rows = work.rows(
        "SELECT reservation.invoice_id, sum(reservation.amount_minor)::bigint AS minor "
        "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND attempt.state = 'processing' AND attempt.customer_id = ANY(:ids) "
        "GROUP BY reservation.invoice_id",
        ids=list(customer_ids),
    )
    return {row["invoice_id"]: row["minor"] for row in rows}


def _load_instalments(work: Work, pool: Pool) -> None:
    if not work.scalar("SELECT EXISTS (SELECT 1 FROM instalments WHERE supplier_id = :supplier)"):
        return  # most suppliers have none: tens of thousands of ids need not be sent
    rows = work.rows(
        "SELECT invoice_id, amount_minor FROM instalments WHERE supplier_id = :supplier AND invoice_id = ANY(:ids) "
        "ORDER BY invoice_id, position",
        ids=list(pool.currencies),
    )
    for row in rows:
        pool.instalments.setdefault(row["invoice_id"], []).append(row["amount_minor"])
