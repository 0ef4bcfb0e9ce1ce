"""Money in under attack: everybody at once, small pieces, money given back twice, files that never come to an end."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from debit_builders import KEYRING, PAYER_IBAN, set_up
from ledger_builders import MORNING, issue
from matching_builders import bill, credit_line, first_proposal, match
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt
from test_refunds import Desk

from config.clock import new_id, today
from payments.accounts import GatewayAccount
from payments.bank_accounts import NewAccount, adopt_account, confirm_account, propose_account
from payments.banking.accounts import accept_account
from payments.banking.checks import check_bank
from payments.banking.importing import BankFile, import_file
from payments.debits.mandates import NewMandate, draft_mandate, find_mandate, sign_mandate
from payments.debits.transfers import make_transfer_file
from payments.errors import PaymentError
from payments.matching.confirming import Part, confirm_line, confirm_proposal
from payments.refunds.orders import NewRefund, ask_refund
from payments.refunds.sending import transfers_to_make
from payments.statements.errors import StatementError
from payments.statements.reading import read_statement
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.waiving import Waiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

AT_ONCE = 24
"""Callers at the same moment: more only wait for a connection."""
SOON_S = 20.0
"""A hostile file of a megabyte is read or refused within this, also on a busy machine; it was minutes and hours."""


@pytest.fixture
def desk(works: Works, supplier: Supplier) -> Iterator[Desk]:
    made = Desk(works, supplier)
    yield made
    with works.begin(supplier.supplier_id) as work:
        assert [each for each in run_checks(work) if each.gap] == []


def at_once(desk: Desk, act: Callable[[Work, int], Any], count: int = AT_ONCE) -> list[Any]:
    """What ``count`` callers at the same moment are answered: a value, or the code of the refusal."""
    start = threading.Barrier(count)

    def call(number: int) -> Any:
        start.wait()
        try:
            return desk.do(lambda work: act(work, number))
        except Exception as error:  # noqa: BLE001 -- whatever it is, is what the caller is answered
            return getattr(error, "code", None) or repr(error)[:200]

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


# --- fifty at once ---------------------------------------------------------------------------------------------------


def test_a_proposal_that_everybody_confirms_at_once_is_booked_once(desk: Desk) -> None:
    def propose(work: Work) -> Any:
        invoice = bill(work, 12_345, f"Client {new_id().hex[-6:]}")
        name = work.scalar(
            "SELECT name FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=invoice.customer_id
        )
        line_id = credit_line(work, 12_000, "ACOMPTE", payer=name)
        match(work, line_id)
        return invoice, first_proposal(work, line_id)

    invoice, proposal = desk.do(propose)
    told = at_once(desk, lambda work, number: confirm_proposal(work, proposal, f"person {number}", proposal.waiver))
    assert told.count("match.settled_already") == AT_ONCE - 1, told
    booked = desk.do(
        lambda work: work.scalar(
            "SELECT sum(amount_minor)::bigint FROM receivable_items WHERE supplier_id = :supplier "
            "AND customer_id = :customer AND kind = 'receipt'",
            customer=invoice.customer_id,
        )
    )
    assert booked == 12_000


def test_one_line_that_two_people_book_for_two_customers_is_one_customers(desk: Desk) -> None:
    def make(work: Work) -> Any:
        invoices = [bill(work, 7_000, f"Client {new_id().hex[-6:]}") for _ in range(2)]
        line_id = credit_line(work, 7_000, "SANS REFERENCE", payer="PERSONNE")
        match(work, line_id)
        return invoices, line_id

    invoices, line_id = desk.do(make)

    def book(work: Work, number: int) -> Any:
        mine = invoices[number % 2]
        return confirm_line(
            work, line_id, [Part(mine.customer_id, 7_000, {mine.invoice_id: 7_000})], f"person {number}"
        )

    told = at_once(desk, book)
    assert told.count("match.settled_already") == AT_ONCE - 1, told
    assert sorted(desk.open_minor(each) for each in invoices) == [0, 7_000]


def test_one_bank_file_brought_by_everybody_at_once_is_imported_once(works: Works, supplier: Supplier) -> None:
    lines = tuple(Told(1_000 + number, today(), f"PAYEUR {number}", OTHER_IBAN, "MERCI") for number in range(40))
    content = camt(Paper(today(), 0, lines))
    with works.begin(supplier.supplier_id) as work:
        accept_account(work, IBAN, "person a")
    start = threading.Barrier(6)

    def bring(number: int) -> None:
        file = BankFile("releve.xml", content, f"person {number}")
        start.wait()
        import_file(works, supplier.supplier_id, file)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(bring, range(6)))
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM bank_lines WHERE supplier_id = :supplier") == 40
        assert [each.gap for each in check_bank(work)] == [0, 0, 0]


def test_credit_that_is_used_by_everybody_at_once_is_used_once(desk: Desk) -> None:
    def make(work: Work) -> Any:
        invoices = [issue(work) for _ in range(AT_ONCE)]
        attempt_id = record_payment(
            work,
            RecordPayment(
                payment_ref=f"stray-{new_id()}",
                customer_id=invoices[0].customer_id,
                amount_minor=10_000,
                currency="EUR",
                received_on=today(),
                method="transfer",
                road="bank",
                counter="bank",
                aims={},
                actor="person a",
                chosen_by="collector",
            ),
        )
        return invoices, attempt_id

    invoices, attempt_id = desk.do(make)
    told = at_once(desk, lambda work, n: aim(work, attempt_id, invoices[n].invoice_id, 9_000, "person a"))
    assert sum(each is None for each in told) == 1, told
    assert set(told) <= {None, "aim.too_much"}, told
    assert sum(each.open_minor for each in desk.do(lambda w: available_credits(w, invoices[0].customer_id))) == 1_000


def test_refunds_asked_for_at_once_never_give_back_more_than_came_in(desk: Desk) -> None:
    _, payment = desk.paid()
    wishes = [new_id() for _ in range(AT_ONCE)]

    def ask(work: Work, number: int) -> str:
        wish = NewRefund(wishes[number], payment, 30_000, "provider", "Retour", f"person {number}")
        return ask_refund(work, wish).state

    told = at_once(desk, ask)
    assert sorted(set(told)) == ["refund.too_much", "to_agree", "to_send"], told
    assert (told.count("to_send"), told.count("to_agree")) == (1, 2)


def test_a_mandate_that_is_signed_by_everybody_at_once_is_signed_once(desk: Desk) -> None:
    def make(work: Work) -> UUID:
        set_up(work)
        asked = NewMandate(issue(work).customer_id, "core", once=False, debtor_name="Camille", iban=PAYER_IBAN)
        return draft_mandate(work, KEYRING, asked, "person a").mandate_id

    mandate_id = desk.do(make)
    told = at_once(desk, lambda work, n: sign_mandate(work, mandate_id, f"person {n}", {}, f"{n:064x}").state)
    assert (told.count("usable"), told.count("debit.mandate_not_open")) == (1, AT_ONCE - 1), told
    signer = f"person {told.index('usable')}"
    assert desk.do(lambda work: find_mandate(work, mandate_id)).signed_by == signer


def test_the_same_person_never_confirms_their_own_account_however_often_they_ask(desk: Desk) -> None:
    def make(work: Work) -> UUID:
        adopt_account(work, NewAccount(IBAN, None, "Atelier"), "person a")
        return propose_account(work, NewAccount(OTHER_IBAN, None, "Voleur"), "person a")

    account_id = desk.do(make)
    assert set(at_once(desk, lambda work, _: confirm_account(work, account_id, "person a"), 8)) == {"iban.same_person"}


@pytest.mark.parametrize(("kind", "most"), [("waiver", 2_000), ("discount", 30_000), ("charge", 10_000)])
def test_no_word_for_it_lets_one_person_give_a_claim_away(desk: Desk, kind: str, most: int) -> None:
    def make(work: Work) -> Any:
        invoice = bill(work, 1_000_000, f"Client {new_id().hex[-6:]}")
        line_id = credit_line(work, 100, "SANS REFERENCE", payer="PERSONNE")
        match(work, line_id)
        return invoice, line_id

    invoice, line_id = desk.do(make)

    def give_away(minor: int) -> Any:
        part = Part(invoice.customer_id, 100, {invoice.invoice_id: 100}, waiver=Waiver(kind, minor, invoice.invoice_id))
        return desk.do(lambda work: confirm_line(work, line_id, [part], "person collector"))

    with pytest.raises(ReceivablesError) as refused:
        give_away(most + 1)
    assert refused.value.code == "waiver.too_much"
    assert desk.open_minor(invoice) == 1_000_000
    give_away(most)
    assert desk.open_minor(invoice) == 999_900 - most


# --- giving money back -----------------------------------------------------------------------------------------------


def test_who_asks_as_a_customer_does_not_agree_as_staff(desk: Desk) -> None:
    _, payment = desk.paid()
    person = new_id()
    order = desk.ask(payment, 60_000, actor=str(person))
    with pytest.raises(PaymentError) as refused:
        desk.agree(order, f"person {person}")
    assert refused.value.code == "refund.same_person"
    assert desk.order(order).state == "to_agree"


def test_small_refunds_of_several_payments_of_one_customer_add_up(desk: Desk) -> None:
    (_, first), (_, second) = desk.paid(), desk.paid()
    assert desk.ask(first, 30_000).state == "to_send"
    assert desk.ask(second, 20_001).state == "to_agree"


def went_back(desk: Desk, payment: UUID, minor: int) -> None:
    """The payer's bank takes the money back, whatever we ordered."""

    def tell(work: Work) -> None:
        ref = work.scalar(
            "SELECT reference FROM receivable_items WHERE supplier_id = :supplier AND attempt_id = :id "
            "AND kind = 'receipt'",
            id=payment,
        )
        record_facts(work, [MoneyReturned(f"rt_{new_id().hex}", ref, "return", minor, "EUR", MORNING)])

    desk.do(tell)


def test_a_refund_is_not_agreed_once_the_payers_bank_took_the_money_back(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 60_000)
    went_back(desk, payment, 100_000)
    with pytest.raises(PaymentError) as refused:
        desk.agree(order)
    assert refused.value.code == "refund.money_gone"
    assert desk.send() == 0


def test_a_refund_that_was_agreed_is_not_sent_once_the_money_went_back(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.agree(desk.ask(payment, 60_000))
    went_back(desk, payment, 100_000)
    assert desk.send() == 0
    assert (desk.order(order).state, desk.order(order).failure) == ("failed", "refund.money_gone")
    assert desk.provider.given_back_minor == 0


def test_a_transfer_of_a_refund_does_not_leave_once_the_money_went_back(desk: Desk) -> None:
    (_, gone), (_, held) = desk.paid(), desk.paid()
    orders = [desk.agree(desk.ask(each, 60_000, road="transfer", transfer_iban=IBAN)) for each in (gone, held)]
    went_back(desk, gone, 100_000)
    desk.do(lambda work: adopt_account(work, NewAccount(IBAN, None, "Atelier"), "person a"))
    assert desk.do(lambda work: make_transfer_file(work, transfers_to_make(work), "person b")) is not None
    assert [desk.order(each).state for each in orders] == ["failed", "sent"]


def test_keys_and_secrets_are_not_in_what_is_logged_of_an_account() -> None:
    account = GatewayAccount(new_id(), "stripe", False, None, "rk_live_very_secret", ("whsec_very_secret",))  # noqa: FBT003 -- a row's columns
    assert "very_secret" not in repr(account)
    assert "very_secret" not in f"{account}"


def test_where_a_transfer_goes_never_changes_after_somebody_agreed(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.agree(desk.ask(payment, 60_000, road="transfer", transfer_iban=IBAN))
    with pytest.raises(Exception, match="permission denied"):
        desk.do(
            lambda work: work.execute(
                "UPDATE refund_orders SET transfer_iban = :iban WHERE supplier_id = :supplier AND order_id = :id",
                iban=OTHER_IBAN,
                id=order.order_id,
            )
        )


# --- files that would never be read to an end ------------------------------------------------------------------------

_OFX = b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>FR7630006000011234567890189</BANKACCTFROM>"
_CAMT = (
    b'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Acct>'
    b"<Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy></Acct>%b</Stmt></BkToCstmrStmt></Document>"
)
_ENTRY = (
    b'<Ntry><Amt Ccy="EUR">%b</Amt><Sts>BOOK</Sts><BookgDt><Dt>2026-01-01</Dt></BookgDt>%b<CdtDbtInd>CRDT</CdtDbtInd>'
    b"<NtryDtls>%b</NtryDtls></Ntry>"
)
_MT940 = b":20:X\n:25:FR7630006000011234567890189\n:28C:1/1\n:60F:C260101EUR0,00\n%b\n:62F:C260101EUR0,00\n"
_OF_61 = b":61:260101C1,00NTRFNONREF\n:86:"
_HEAD_05 = b"0530006    00001EUR2 1234567890105010126     LCC"
_CFONB_01 = (b"0130006    00001EUR2 12345678901  010126".ljust(90) + b"0000000000000{").ljust(120)
_CFONB_04 = (b"0430006    00001EUR2 1234567890105010126  010126VIR".ljust(90) + b"0000000000100A").ljust(120)

BOMBS = {
    "groups of OFX that are never closed": _OFX + b"<PAYEE>" * 70_000 + b"</LEDGERBAL>" * 40_000,
    "a text of OFX that is one line": _OFX + b"<STMTTRN><MEMO>" + b"RF12 A B C D E F G H " * 50_000,
    "a field 86 in lines of full width": _MT940 % (_OF_61 + (b"A" * 27 + b"\n") * 36_000),
    "a field 86 of subfields": _MT940 % (_OF_61 + (b"?20" + b"A" * 27) * 33_000),
    "a field 86 of code words": _MT940 % (_OF_61 + b"/REMI/AAAA" * 100_000),
    "remittances of camt without end": _CAMT
    % (
        _ENTRY
        % (
            b"1.00",
            b"",
            b"<TxDtls><RmtInf>" + b"<Ustrd>AAAAAAAAAAAAAAAAAAAAAAAAAAA</Ustrd>" * 24_000 + b"</RmtInf></TxDtls>",
        )
    ),
    "an entry of camt as wide as its payments are many": _CAMT
    % (_ENTRY % (b"10000.00", b"<a/>" * 125_000, b'<TxDtls><Amt Ccy="EUR">1.00</Amt></TxDtls>' * 10_000)),
    "a day of camt for every line": _CAMT
    % (
        (_ENTRY % (b"1.00", b"", b"") + b"</Stmt><Stmt><Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct>")
        * 6_000
    ),
    "a qualifier of CFONB that goes on for ever": b"\n".join(
        [_CFONB_01, _CFONB_04, *[(_HEAD_05 + b"A" * 70).ljust(120)] * 60_000, b"07" + _CFONB_01[2:]]
    ),
    "a million digits of an amount": _MT940 % (b":61:260101C" + b"9" * 1_000_000 + b"NTRFNONREF"),
    "a million digits of an account": _CAMT.replace(b"FR7630006000011234567890189", b"FR" + b"9" * 1_000_000) % b"",
    "a million NULs": b"\0" * 1_000_000,
    "nesting without end": b"<a>" * 300_000,
    "entities that expand": b'<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;">]><Document>&d;</Document>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_bank_file_is_read_or_refused_soon(name: str) -> None:
    began = time.monotonic()
    try:
        found = read_statement(BOMBS[name], "releve")
    except StatementError:
        found = []
    assert time.monotonic() - began < SOON_S
    assert all(len(line.remittance) <= 4_100 for each in found for line in each.lines)
