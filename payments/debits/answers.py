"""The bank's answer to a file (pain.002): accepted or rejected as a whole, by part, or debit by debit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lxml import etree

from config import safe_xml
from config.clock import now, today
from payments.debits.bank import look_again
from payments.debits.batching import part_ref
from payments.debits.reactions import Return, note_return, react
from payments.debits.reasons import reason_of
from payments.debits.tasks import NewTask, open_task
from payments.errors import PaymentError
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

REJECTED = "RJCT"
ACCEPTED = frozenset({"ACTC", "ACCP", "ACSP", "ACSC", "ACWC", "ACCC", "ACWP", "PART"})
"""Statuses after which the bank goes on with the file, at least in part (ISO 20022 ExternalPaymentGroupStatus1Code)."""
MOST_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the bank says of a file, a part or a debit: ``status`` as it writes it, ``code`` where it gives a reason."""

    status: str
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A pain.002: about which file, and what it says of it, of its parts and of single debits."""

    message_id: str
    about: str
    of_file: Verdict | None
    of_parts: dict[str, Verdict]
    of_debits: dict[str, Verdict]

    def verdict_on(self, reference: str, end_to_end_id: str) -> tuple[str, Verdict] | None:
        """The most exact word on a debit, with how far it goes: ``debit``, ``part`` or ``file``."""
        found = (
            ("debit", self.of_debits.get(end_to_end_id)),
            ("part", self.of_parts.get(reference)),
            ("file", self.of_file),
        )
        return next(((reach, each) for reach, each in found if each), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer changed."""

    batch_id: UUID
    batch_ref: str
    state: str
    rejected: int


def read_answer(data: bytes) -> StatusReport:
    """A pain.002 of any version.

    Raises:
        PaymentError: ``debit.not_an_answer``.
        UnsafeXmlError: the bytes are no XML that we accept.
    """
    root = safe_xml.parse(data, max_bytes=MOST_BYTES)
    report = _one(root, "CstmrPmtStsRpt")
    group = _one(report, "OrgnlGrpInfAndSts") if report is not None else None
    about = _text(group, "OrgnlMsgId")
    if report is None or group is None or not about:
        raise PaymentError(
            "debit.not_an_answer",
            "This is no answer of a bank to a payment file (pain.002). Export it again from your bank's site.",
            "Ce n'est pas la réponse d'une banque à un fichier de paiement (pain.002). Exportez-la de nouveau depuis "
            "le site de votre banque.",
        )
    parts, debits = {}, {}
    for part in _all(report, "OrgnlPmtInfAndSts"):
        verdict = _verdict(part, "PmtInfSts")
        if verdict:
            parts[_text(part, "OrgnlPmtInfId")] = verdict
        for debit in _all(part, "TxInfAndSts"):
            said = _verdict(debit, "TxSts")
            if said:
                debits[_text(debit, "OrgnlEndToEndId")] = said
    message_id = _text(_one(report, "GrpHdr"), "MsgId")
    return StatusReport(message_id, about, _verdict(group, "GrpSts"), parts, debits)


def take_answer(work: Work, data: bytes, actor: str) -> Taken:
    """Note what the bank says of a file of ours: what it rejects was never collected, and is open again.

    Taking the same answer again changes nothing.

    Raises:
        PaymentError: ``debit.not_an_answer``, ``debit.unknown_file``.
    """
    report = read_answer(data)
    batch = work.row(
        "SELECT batch_id, batch_ref, kind, state, answer FROM debit_batches WHERE supplier_id = :supplier "
        "AND batch_ref = :ref",
        ref=report.about[:35],
    )
    if batch is None:
        raise PaymentError(
            "debit.unknown_file",
            f"The answer is about the file {report.about[:35]}, which we did not make.",
            f"La réponse porte sur le fichier {report.about[:35]}, que nous n'avons pas produit.",
        )
    debits = _locked_debits(work, batch["batch_id"])
    rejected = _reject(work, batch, report, debits)
    state = _state(batch["state"], report, debits, rejected)
    answers = [*(batch["answer"] or ()), _kept(report)] if not _is_known(batch, report) else batch["answer"]
    work.execute(
        "UPDATE debit_batches SET state = :state, answer = CAST(:answer AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier AND batch_id = :id",
        id=batch["batch_id"],
        state=state,
        answer=to_json(answers),
        at=now(),
    )
    work.audit(actor, "debits.answered", str(batch["batch_id"]), message=report.message_id, rejected=len(rejected))
    look_again(work, batch["batch_id"])
    return Taken(batch["batch_id"], batch["batch_ref"], state, len(rejected))


def _locked_debits(work: Work, batch_id: UUID) -> Sequence[RowMapping]:
    wanted = (
        "SELECT debit_id, debits.attempt_id, invoice.customer_id, end_to_end_id, sequence, debits.amount_minor, "
        "debits.currency, debits.state FROM debits JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND batch_id = :batch ORDER BY debit_id"
    )
    lock_customers(work, [row["customer_id"] for row in work.rows(wanted, batch=batch_id)])
    return work.rows(wanted, batch=batch_id)


def _reject(work: Work, batch: RowMapping, report: StatusReport, debits: Sequence[RowMapping]) -> list[UUID]:
    """Debits that the bank refuses before any money moves; a whole file or part is one task, not one for each debit."""
    refused = []
    for debit in debits:
        said = report.verdict_on(part_ref(batch["batch_ref"], debit["sequence"]), debit["end_to_end_id"])
        if said and said[1].status == REJECTED and debit["state"] in ("in_file", "sent"):
            refused.append((debit, *said))
    record_facts(
        work,
        [
            AttemptMoved(each["attempt_id"], AttemptState.FAILED, each["end_to_end_id"], verdict.code)
            for each, _, verdict in refused
        ],
    )
    for debit, reach, verdict in refused:
        code = reason_of(verdict.code, today()).code
        work.execute(
            "UPDATE debits SET state = 'rejected', return_code = :code, returned_on = :day, changed_at = :at "
            "WHERE supplier_id = :supplier AND debit_id = :id",
            id=debit["debit_id"],
            code=code,
            day=today(),
            at=now(),
        )
        if reach == "debit":
            _react(work, debit, code)
    whole = [verdict for _, reach, verdict in refused if reach != "debit"]
    if whole:
        key = f"batch {batch['batch_id']} rejected"
        open_task(work, NewTask(key, "file_rejected", code=whole[0].code, batch_id=batch["batch_id"]))
    return [each["debit_id"] for each, _, _ in refused]


def _react(work: Work, debit: RowMapping, code: str) -> None:
    told = Return(
        return_ref=f"{debit['end_to_end_id']}/return",
        attempt_id=debit["attempt_id"],
        kind="reject",
        code=code,
        amount_minor=debit["amount_minor"],
        currency=debit["currency"],
        returned_on=today(),
        debit_id=debit["debit_id"],
    )
    if note_return(work, told):
        react(work, told.return_ref)


def _state(before: str, report: StatusReport, debits: Sequence[RowMapping], rejected: Sequence[UUID]) -> str:
    """Where the file stands: what was credited stays so."""
    left = [each for each in debits if each["state"] != "rejected" and each["debit_id"] not in rejected]
    said = [report.of_file, *report.of_parts.values(), *report.of_debits.values()]
    if before == "credited":
        return before
    if debits and not left:
        return "rejected"
    if not debits and report.of_file and report.of_file.status == REJECTED:  # transfers
        return "rejected"
    return "accepted" if rejected or any(each and each.status in ACCEPTED for each in said) else before


def _is_known(batch: RowMapping, report: StatusReport) -> bool:
    return any(each == _kept(report) for each in batch["answer"] or ())


def _kept(report: StatusReport) -> dict[str, object]:
    return asdict(report)


def _verdict(place: etree._Element, name: str) -> Verdict | None:
    status = _text(place, name)
    if not status:
        return None
    why = _one(place, "StsRsnInf")
    reason = _one(why, "Rsn") if why is not None else None
    code = _text(reason, "Cd") or _text(reason, "Prtry")
    return Verdict(status, code or None, _text(why, "AddtlInf") or None)


def _all(place: etree._Element, name: str) -> list[etree._Element]:
    """Children by local name: every version of the message has a namespace of its own."""
    return [each for each in place if isinstance(each.tag, str) and etree.QName(each).localname == name]


def _one(place: etree._Element | None, name: str) -> etree._Element | None:
    return next(iter(_all(place, name)), None) if place is not None else None


def _text(place: etree._Element | None, name: str) -> str:
    found = _one(place, name)
    return (found.text or "").strip() if found is not None else ""
