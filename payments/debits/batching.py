"""Files for the bank: planned debits become payments on their way, grouped by scheme and day, one part per sequence.

A file is made once and kept as it is: downloading it again gives the same bytes. Everything is looked at again when it
is made: whoever paid meanwhile is not debited, nobody is debited for more than they were told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now, today
from payments.debits.accounts import PURPOSE, read_iban
from payments.debits.mandates import mandates_by_ids
from payments.debits.pain import Creditor, DebitLine, write_debits
from payments.debits.planning import amount_to_collect, cancel_debits, why_nothing
from payments.debits.schedule import first_day
from payments.debits.settings import creditor_account, demand_settings
from receivables.domain.settlement.receipts import AttemptState
from receivables.services.settlement.paying import NewPayment, begin_payments
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.terms_shown import carry_terms
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from config.secrets import Keyring
    from payments.debits.mandates import Mandate
    from payments.debits.settings import DebitSettings
    from receivables.store.work import Work

AHEAD = timedelta(days=14)
"""Banks take files up to two weeks before the collection (EPC rulebooks, 4.3.4)."""
MOST_IN_ONE_GO = 500
"""Debits that one press of the button puts into files; the next press takes the next ones."""
METHOD = "sepa_debit"


@dataclass(frozen=True, slots=True)
class Ready:
    """An announced debit that goes into a file, as it is now."""

    debit_id: UUID
    invoice_id: UUID
    number: str
    customer_id: UUID
    end_to_end_id: str
    mandate: Mandate
    amount_minor: int
    collect_on: date
    chosen_by: str
    sequence: str = "RCUR"
    attempt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """What one press of the button came to; ``dropped`` debits are told with their reasons."""

    batch_ids: tuple[UUID, ...]
    debits: int
    dropped: dict[UUID, str]


def make_files(work: Work, keyring: Keyring, actor: str) -> MadeFiles:
    """Put announced debits whose day is near into files, one per scheme and day.

    Raises:
        PaymentError: ``debit.not_set_up``, ``debit.no_account``, ``debit.file_invalid``.
        ReceivablesError: a payment could not begin.
    """
    settings, at = demand_settings(work), now()
    found, dropped = _ready(work, settings, at)
    cancel_debits(work, dropped)
    ordered = sorted(_sequenced(work, found), key=lambda each: (each.mandate.scheme, each.collect_on, each.number))
    _begin(work, ordered)
    maker = _Maker(work, keyring, settings, actor, at)
    groups = groupby(ordered, key=lambda each: (each.mandate.scheme, each.collect_on))
    batches = tuple(maker.make(scheme, day, list(group)) for (scheme, day), group in groups)
    return MadeFiles(batches, len(ordered), dropped)


def _ready(work: Work, settings: DebitSettings, at: datetime) -> tuple[list[Ready], dict[UUID, str]]:
    """Announced debits as they stand now, under their customers' locks; those given up, each with the reason."""
    wanted = (
        "SELECT debit_id, debits.invoice_id, invoice.number, invoice.customer_id, end_to_end_id, mandate_id, "
        "debits.amount_minor, collect_on, chosen_by FROM debits JOIN invoices AS invoice "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND debits.state = 'notified' "
        "AND collect_on <= :until ORDER BY collect_on, debit_id LIMIT :most"
    )
    values = {"until": today() + AHEAD, "most": MOST_IN_ONE_GO}
    lock_customers(work, [row["customer_id"] for row in work.rows(wanted, **values)])
    rows = work.rows(f"{wanted} FOR UPDATE OF debits", **values)
    mandates = mandates_by_ids(work, {row["mandate_id"] for row in rows})
    ready, dropped = [], {}
    for row in rows:
        mandate = mandates[row["mandate_id"]]
        day = max(row["collect_on"], first_day(settings, mandate.scheme, at))
        amount = min(amount_to_collect(work, row["invoice_id"]), row["amount_minor"])
        if not mandate.is_usable(day):
            dropped[row["debit_id"]] = f"mandate_{mandate.stands_on(day)}"
        elif amount <= 0:
            dropped[row["debit_id"]] = why_nothing(work, row["invoice_id"])
        else:
            told = {name: row[name] for name in ("debit_id", "invoice_id", "number", "customer_id", "end_to_end_id")}
            ready.append(
                Ready(**told, mandate=mandate, amount_minor=amount, collect_on=day, chosen_by=row["chosen_by"])
            )
    return ready, dropped


def _sequenced(work: Work, ready: Sequence[Ready]) -> list[Ready]:
    """The sequence of each debit: one-off, the first of its mandate, or a later one; and the payment it becomes."""
    begun = {
        row["mandate_id"]
        for row in work.rows(
            "SELECT DISTINCT mandate_id FROM debits WHERE supplier_id = :supplier AND mandate_id = ANY(:ids) "
            "AND state IN ('in_file', 'sent', 'collected', 'returned')",
            ids=sorted({each.mandate.mandate_id for each in ready}),
        )
    }
    found = []
    for each in sorted(ready, key=lambda each: (each.collect_on, each.number)):
        mandate_id = each.mandate.mandate_id
        first = mandate_id not in begun and not each.mandate.uses
        begun.add(mandate_id)
        sequence = "OOFF" if each.mandate.once else "FRST" if first else "RCUR"
        found.append(replace(each, sequence=sequence, attempt_id=new_id()))
    return found


def _begin(work: Work, ready: Sequence[Ready]) -> None:
    """Debits become payments on their way: they take their room on the invoices, and nobody is reminded of it."""
    if not ready:
        return
    payments = [
        NewPayment(
            attempt_id=each.attempt_id,
            customer_id=each.customer_id,
            road="debit",
            method=METHOD,
            amount_minor=each.amount_minor,
            currency="EUR",
            aims={each.invoice_id: each.amount_minor},
            state=AttemptState.PROCESSING,
            chosen_by=each.chosen_by,
            payment_ref=each.end_to_end_id,
        )
        for each in ready
        if each.attempt_id
    ]
    begin_payments(work, payments)
    carry_terms(work, [(each.attempt_id, each.customer_id, each.mandate.evidence) for each in ready if each.attempt_id])
    invoices = [each.invoice_id for each in ready]
    settling = load_settling(work, invoices, [payment.attempt_id for payment in payments])
    settle(settling, invoices, Cause("in_flight", None, legal_day(settling.at)))
    write_settling(work, settling, "worker")


@dataclass(frozen=True, slots=True)
class _Maker:
    """Writes files of one press of the button."""

    work: Work
    keyring: Keyring
    settings: DebitSettings
    actor: str
    at: datetime

    def make(self, scheme: str, day: date, group: Sequence[Ready]) -> UUID:
        """Write one file, keep it, and note what is in it."""
        work, batch_id, schema = self.work, new_id(), self.settings.format
        reference = f"QD{day:%y%m%d}-{batch_id.hex[-10:].upper()}"
        ibans = ibans_of(work, self.keyring, {each.mandate.mandate_id for each in group})
        lines = [self._line(each, reference, ibans[each.mandate.mandate_id]) for each in group]
        creditor = Creditor(self.settings.creditor, creditor_account(work), self.settings.ics)
        content = write_debits(schema, reference, creditor, scheme, lines, at=self.at)
        amount = sum(line.amount_minor for line in lines)
        batch = KeptBatch(batch_id, reference, "debits", schema, scheme, day, amount, len(lines), content)
        keep_batch(work, batch, self.actor, self.at)
        _note_in_file(work, batch_id, group, self.at)
        return batch_id

    def _line(self, each: Ready, reference: str, iban: str) -> DebitLine:
        mandate = each.mandate
        return DebitLine(
            batch_ref=part_ref(reference, each.sequence),
            end_to_end_id=each.end_to_end_id,
            sequence=each.sequence,
            collect_on=each.collect_on,
            amount_minor=each.amount_minor,
            debtor_name=mandate.debtor_name,
            account=read_iban(iban),
            rum=mandate.rum,
            signed_on=legal_day(mandate.signed_at or mandate.created_at),
            amended=mandate.amended,
            text=each.number,
            old_ics=mandate.ics if mandate.ics != self.settings.ics else None,
        )


def part_ref(reference: str, sequence: str) -> str:
    """The reference (PmtInfId) of the part of a file with debits of one sequence: the bank credits each as one sum."""
    return f"{reference}-{sequence}"


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A file as it is kept."""

    batch_id: UUID
    batch_ref: str
    kind: str
    format: str
    scheme: str | None
    collect_on: date
    amount_minor: int
    debits: int
    content: bytes


def keep_batch(work: Work, batch: KeptBatch, actor: str, at: datetime) -> None:
    """Write a file down, for good."""
    sha256 = hashlib.sha256(batch.content).hexdigest()
    work.execute(
        "INSERT INTO debit_batches (supplier_id, batch_id, batch_ref, kind, format, scheme, collect_on, amount_minor, "
        "debits, filename, sha256, content, state, made_by, made_at, changed_at) VALUES (:supplier, :id, :reference, "
        ":kind, :format, :scheme, :day, :amount, :debits, :filename, :sha, :content, 'made', :actor, :at, :at)",
        id=batch.batch_id,
        reference=batch.batch_ref,
        kind=batch.kind,
        format=batch.format,
        scheme=batch.scheme,
        day=batch.collect_on,
        amount=batch.amount_minor,
        debits=batch.debits,
        filename=f"{batch.batch_ref}.xml",
        sha=sha256,
        content=batch.content,
        actor=actor,
        at=at,
    )
    work.audit(actor, f"{batch.kind}.file_made", str(batch.batch_id), reference=batch.batch_ref, sha256=sha256)


def ibans_of(work: Work, keyring: Keyring, mandate_ids: set[UUID]) -> dict[UUID, str]:
    """The whole account numbers behind mandates: kept sealed, needed by the bank alone."""
    rows = work.rows(
        "SELECT mandate_id, sealed_iban FROM mandates WHERE supplier_id = :supplier AND mandate_id = ANY(:ids)",
        ids=sorted(mandate_ids),
    )
    return {row["mandate_id"]: keyring.unseal(row["sealed_iban"], PURPOSE) for row in rows}


def _note_in_file(work: Work, batch_id: UUID, group: Sequence[Ready], at: datetime) -> None:
    given = to_json(
        [
            {
                "debit_id": each.debit_id,
                "attempt_id": each.attempt_id,
                "sequence": each.sequence,
                "amount_minor": each.amount_minor,
                "collect_on": each.collect_on,
            }
            for each in group
        ]
    )
    work.execute(
        "UPDATE debits SET batch_id = :batch, attempt_id = given.attempt_id, sequence = given.sequence, "
        "amount_minor = given.amount_minor, collect_on = given.collect_on, state = 'in_file', changed_at = :at "
        "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (debit_id uuid, attempt_id uuid, sequence text, "
        "amount_minor bigint, collect_on date) WHERE supplier_id = :supplier AND debits.debit_id = given.debit_id",
        batch=batch_id,
        given=given,
        at=at,
    )
    work.execute(
        "UPDATE collections_announced AS told SET state = 'collected', attempt_id = given.attempt_id, changed_at = :at "
        "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (debit_id uuid, attempt_id uuid) "
        "WHERE told.supplier_id = :supplier AND told.debit_id = given.debit_id AND told.state = 'announced'",
        given=given,
        at=at,
    )
    # 36 months count from the last presentation, also of a debit that comes back (EPC rulebooks, 4.1).
    work.execute(
        "UPDATE mandates SET last_used_on = greatest(last_used_on, given.day), changed_at = :at "
        "FROM (SELECT mandate_id, max(collect_on) AS day FROM debits "
        "WHERE supplier_id = :supplier AND batch_id = :batch GROUP BY mandate_id) AS given "
        "WHERE supplier_id = :supplier AND mandates.mandate_id = given.mandate_id",
        batch=batch_id,
        at=at,
    )
