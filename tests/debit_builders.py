"""A supplier that debits: settings, a signed mandate, files, lines of the bank, answers of the bank."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ledger_builders import issue

from config.clock import new_id, now, today
from config.secrets import Keyring
from payments.banking.lines import BankLine, insert_lines, lines_by_ids
from payments.debits.batching import KeptBatch, keep_batch, make_files
from payments.debits.mandates import NewMandate, draft_mandate, sign_mandate
from payments.debits.planning import debits_to_tell, insert_debit, note_told, plan_debit
from payments.debits.settings import DebitSettings, save_settings
from payments.debits.tasks import NewTask, open_task
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

    from payments.debits.batching import MadeFiles
    from payments.debits.mandates import Mandate
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

KEYRING = Keyring(b"a root secret for tests, 32 bytes.")
ICS = "FR72ZZZ123456"
OTHER_ICS = "FR53ZZZ999999"
OUR_IBAN = "FR7630006000011234567890189"
PAYER_IBAN = "FR1420041010050500013M02606"
OTHER_IBAN = "DE89370400440532013000"


def set_up(work: Work, **changes: Any) -> DebitSettings:
    """Settings of debits and our own account; the bank's cut-off is at the end of the day, so that tests know none."""
    work.execute(
        "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) VALUES (:supplier, CAST(:profile AS jsonb), "
        ":at) ON CONFLICT DO NOTHING",
        profile=to_json({"name": "Atelier Lumière SARL", "iban": OUR_IBAN}),
        at=now(),
    )
    return save_settings(work, DebitSettings(**{"ics": ICS, "creditor": "Atelier Lumière SARL", **changes}), "owner")


def signed(work: Work, customer_id: UUID, **changes: Any) -> Mandate:
    """A mandate that its payer signed."""
    values: dict[str, Any] = {
        "customer_id": customer_id,
        "scheme": "core",
        "once": False,
        "debtor_name": "Boulangerie Martin",
        "iban": PAYER_IBAN,
    }
    sha256 = changes.pop("sha256", "0" * 64)
    drafted = draft_mandate(work, KEYRING, NewMandate(**{**values, **changes}), "customer")
    proof = {"text": "...", "text_sha256": "0" * 64, "name": "Camille", "email": "c@example.org", "ip": "127.0.0.1"}
    return sign_mandate(work, drafted.mandate_id, "customer", proof, sha256)


def due_invoice(work: Work, **changes: Any) -> Invoice:
    """An invoice of 100.00 that was due ten days ago."""
    day = today() - timedelta(days=10)
    return issue(work, **{"issued_on": day - timedelta(days=30), "due_on": day, **changes})


def announce(work: Work, *invoices: Invoice) -> list[UUID]:
    """Plan the collection of invoices and tell their payers."""
    debits = [plan_debit(work, each.invoice_id, "collector") for each in invoices]
    note_told(work, debits_to_tell(work))
    return debits


def come_near(work: Work, debits: list[UUID], day: date | None = None) -> None:
    """Time passes: the day of these debits is the next one possible."""
    work.execute(
        "UPDATE debits SET collect_on = :day, told_for = :day WHERE supplier_id = :supplier AND debit_id = ANY(:ids)",
        day=day or today(),
        ids=debits,
    )


def in_file(work: Work, *invoices: Invoice) -> MadeFiles:
    """Debits of invoices in files for the bank."""
    come_near(work, announce(work, *invoices))
    return make_files(work, KEYRING, "accountant")


def debit_of(work: Work, invoice: Invoice) -> dict[str, Any]:
    """The latest debit of an invoice."""
    row = work.row(
        "SELECT debits.*, batch_ref FROM debits LEFT JOIN debit_batches USING (supplier_id, batch_id) "
        "WHERE supplier_id = :supplier AND invoice_id = :id ORDER BY tries DESC, debits.created_at DESC LIMIT 1",
        id=invoice.invoice_id,
    )
    assert row is not None
    return dict(row)


def bank_line(work: Work, amount_minor: int, **told: Any) -> BankLine:
    """A line of the bank, kept as the import keeps it."""
    statement_id, line_id = new_id(), new_id()
    work.execute(
        "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, lines, "
        "fresh_lines, imported_by, imported_at) VALUES (:supplier, :id, :sha, 'camt.xml', 'camt.054', :account, 'EUR', "
        "1, 1, 'test', :at)",
        id=statement_id,
        sha=line_id.hex * 2,
        account=OUR_IBAN,
        at=now(),
    )
    values: dict[str, Any] = {
        "line_id": line_id,
        "line_key": line_id.hex,
        "entry_key": line_id.hex,
        "statement_id": statement_id,
        "account": OUR_IBAN,
        "booked_on": today(),
        "value_on": today(),
        "amount_minor": amount_minor,
        "currency": "EUR",
        "counterparty": "",
        "counterparty_iban": None,
        "remittance": "",
        "structured_reference": None,
        "end_to_end_id": None,
        "mandate_ref": None,
        "batch_ref": None,
        "bank_code": None,
        "return_code": None,
        "charges_minor": None,
        "details": {},
    }
    insert_lines(work, [BankLine(**{**values, **told})])
    return lines_by_ids(work, [line_id])[0]


def balances(work: Work) -> dict[str, int]:
    """Debit less credit by account, in minor units."""
    rows = work.rows(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings WHERE supplier_id = :supplier "
        "GROUP BY account"
    )
    return {row["account"]: row["minor"] for row in rows if row["minor"]}


def pain002(about: str, *, group: str = "", parts: str = "", message: str = "BANK-1") -> bytes:
    """An answer of a bank; ``parts`` are its OrgnlPmtInfAndSts."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-11-20T10:00:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{about}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.02</OrgnlMsgNmId>{group}"
        f"</OrgnlGrpInfAndSts>{parts}</CstmrPmtStsRpt></Document>"
    ).encode()


def rejected_debit(end_to_end_id: str, code: str) -> str:
    """One debit that the bank rejects, as a part of an answer."""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn>"
        f"<Cd>{code}</Cd></Rsn></StsRsnInf></TxInfAndSts>"
    )


_THINGS: dict[UUID, dict[str, UUID]] = {}


def debit_things(house: House) -> dict[str, UUID]:
    """A mandate, one that is not signed yet, a planned debit, a file and a task of a house of pages; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in _THINGS:
        proof = house.services.archive.put(b"%PDF-1.7 mandate", date(2037, 12, 31))
        with house.services.works.begin(supplier_id) as work:
            set_up(work)
            mandate = signed(work, house.customer_id, sha256=proof)
            asked = NewMandate(house.customer_id, "core", once=False, debtor_name="Camille", iban=PAYER_IBAN)
            _THINGS[supplier_id] = {
                "mandate": mandate.mandate_id,
                "drafted": draft_mandate(work, KEYRING, asked, "customer").mandate_id,
                "debit": insert_debit(
                    work,
                    mandate.mandate_id,
                    house.invoices["due"].invoice_id,
                    amount_minor=12000,
                    collect_on=today() + timedelta(days=30),
                    chosen_by="collector",
                    actor="collector",
                ),
                "batch": _a_file(work),
                "task": _a_task(work, house.customer_id),
            }
    return _THINGS[supplier_id]


def _a_file(work: Work) -> UUID:
    batch_id = new_id()
    file = KeptBatch(
        batch_id, f"QD261122-{batch_id.hex[-10:].upper()}", "debits", "pain.008.001.08", "core", today(), 0, 0, b"<x/>"
    )
    keep_batch(work, file, "accountant", now())
    return batch_id


def _a_task(work: Work, customer_id: UUID) -> UUID:
    open_task(work, NewTask("a task of pages", "new_iban", "AC01", customer_id))
    found: UUID = work.scalar("SELECT task_id FROM debit_tasks WHERE supplier_id = :supplier")
    return found
