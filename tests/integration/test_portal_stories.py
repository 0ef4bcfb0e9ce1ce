"""Stories through the joints of the rooms: going live, writing by hand, bringing files, agreeing to pay, advising."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from builders import line
from debit_builders import KEYRING, announce, come_near, due_invoice, set_up
from dispute_builders import claim as dispute_it
from exports_builders import written
from import_builders import HEADINGS, _entry, csv_of, fec_of, row
from ledger_builders import attempt, customer_facts, issue, received, refunded
from matching_builders import bill, credit_line, first_proposal, match
from promise_builders import plan_for
from test_advices import advise
from test_imports import brought, lines

from config.clock import now, today
from einvoice.errors import BuildError
from payments.advices.keeping import Confirmed, confirm_advice, lines_of
from payments.debits.batching import make_files
from payments.debits.mandates import NewMandate, draft_mandate, sign_mandate
from payments.proving import prove_money
from portal.app import create_app
from portal.documents.crediting import CreditOrder, credit_invoice
from portal.documents.issuing import IssueOptions
from portal.imports.kept import keep_brought
from portal.imports.planning import plan_import
from portal.invoicing.typed import TypedBuyer, TypedDeposit, TypedInvoice, repeated
from portal.opening.items import Choices
from portal.opening.planning import plan_opening
from portal.staff.settings.readiness import points_of
from receivables.domain.accounting.fec_checking import check_fec
from receivables.domain.conversations.disputes import Scope
from receivables.domain.invoicing.number_series import NumberWording
from receivables.domain.settlement.collected import VatRow
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.closing import close_period, validate_entries
from receivables.services.accounting.statements import open_lines, statements_of
from receivables.services.accounting.taking_over import book_opening, start_series
from receivables.services.accounting.undoing_openings import undo_opening
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.reckoning import set_terms
from receivables.services.risk.exposing import exposure_of
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.risk.opening import Opening as AccountOpening
from receivables.services.risk.opening import Wish, approve_request, confirm_request, hold_request, set_opening
from receivables.services.settlement.receipts import record_facts
from receivables.store.collecting.claims import InterestTerms
from receivables.store.invoicing.invoices import find_by_number, get_invoice
from receivables.store.invoicing.numbers import word_numbers
from receivables.store.settlement.terms_shown import terms_of_payment
from receivables.store.settlement.terms_versions import current_terms, publish_terms

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import Story

    from portal.opening.planning import OpeningPlan
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 1)
TABLE = (
    "Code client;Client;N° de facture;Date;Échéance;Total TTC;Reste dû;Taux de TVA;TVA à l'encaissement;Type\r\n"
    "CMART;Boulangerie Martin;FA-101;15/08/2026;14/09/2026;1 200,00;900,00;20;oui;facture\r\n"
    "CMART;Boulangerie Martin;FA-102;20/09/2026;20/10/2026;600,00;;20;non;facture\r\n"
    "CMART;Boulangerie Martin;AV-7;22/09/2026;;120,00;;20;non;avoir\r\n"
    "CMART;Boulangerie Martin;VIR-3;25/09/2026;;50,00;;;;règlement\r\n"
).encode()
MARTIN = {
    "name": "Boulangerie Martin",
    "siren": "732829320",
    "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris", "country": "FR"},
}


def plan(work: Work, content: bytes = TABLE, opened_on: date = DAY) -> OpeningPlan:
    """The dry run of a file of open items."""
    brought_in = keep_brought(work, "ouvertes.csv", content, "test")
    return plan_opening(work, brought_in, Choices(opened_on), profile=None, actor="test")


def opened(work: Work, content: bytes = TABLE) -> UUID:
    """A file of open items, booked."""
    return book_opening(work, plan(work, content).opening)


def item(work: Work, number: str) -> Invoice:
    """An invoice that was taken over."""
    found = find_by_number(work, number, 2026)
    assert found is not None
    return found


def proved(work: Work) -> dict[str, int]:
    """Debit less credit by account, once nothing is amiss and every statement equals its exposure, then and now."""
    assert [(each.code, each.gap) for each in prove_money(work) if each.gap] == []
    for known in work.rows("SELECT customer_id FROM customers WHERE supplier_id = :supplier"):
        for day in (today(), DAY + timedelta(days=3), DAY - timedelta(days=1)):
            told = sum(each.closing_minor for each in statements_of(work, known["customer_id"], date(2026, 1, 1), day))
            open_then = sum(each.open_minor for each in open_lines(work, day, known["customer_id"]))
            assert told == open_then == exposure_of(work, known["customer_id"], "EUR", day).total_minor
    rows = work.rows(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
        "WHERE supplier_id = :supplier GROUP BY account HAVING sum(debit_minor - credit_minor) <> 0"
    )
    return {each["account"]: each["minor"] for each in rows}


def fec_with(*sides: list[tuple[Any, ...]], piece: str) -> bytes:
    """A FEC of one entry for each of ``sides``, all under one piece."""
    head = fec_of().split(b"\r\n", 1)[0].decode()
    told = [each for n, side in enumerate(sides, 1) for each in _entry("VE", str(n), "20260701", piece, side)]
    return "\r\n".join([head, *told, ""]).encode("iso8859-15")


def test_a_balance_of_before_is_paid_refunded_credited_and_told_to_the_auditor(plain_story: Story) -> None:
    story, services = plain_story, plain_story.services
    options = IssueOptions(supplier=story.siren, actor="test")
    with services.works.begin(story.id) as work:
        opening_id = opened(work)
        one, two = item(work, "FA-101"), item(work, "FA-102")
        assert proved(work) == {"411000": 133_000, "445740": -15_000, "890000": -118_000}
    story.give_back(story.pay(one, 40_000), 10_000)
    order = CreditOrder(amount=Decimal("120.00"), reason="Remise")
    with pytest.raises(BuildError, match="SIREN"):
        credit_invoice(services, story.supplier, two, order, options)
    new = story.issue(buyer=MARTIN).invoice
    assert new.customer_id == one.customer_id, "the SIREN of the first invoice is that of the account taken over"
    credit = credit_invoice(services, story.supplier, two, order, options).invoice
    assert (credit.type_code, credit.total_minor, credit.vat_rows[0].tax_minor) == ("381", 12_000, 2_000)
    whole = credit_invoice(services, story.supplier, one, CreditOrder(), options).invoice
    with services.works.begin(story.id) as work:
        assert proved(work) == {
            "411000": 103_000 - 12_000 + 12_000 - 120_000,
            "445710": -5_000 + 2_000,  # FA-102 had its VAT on debits
            "445740": -10_000 - 2_000 + 20_000,  # what is given back of FA-101 brings the rest when it is refunded
            "511500": 30_000,
            "706000": -10_000 + 10_000 + 100_000,
            "890000": -118_000,
        }
        assert whole.customer_id == one.customer_id
        validate_entries(work, today(), "test")
        verdict = check_fec(*written(work, 2026))
        assert (verdict.accepted, verdict.counts) == (True, {})
    with services.works.begin(story.id) as work, pytest.raises(ConflictError, match="FA-101, FA-102"):
        undo_opening(work, opening_id, "trop tard", "test")


def test_what_stands_on_an_opened_item_keeps_the_opening_from_being_undone(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
        one, two = item(work, "FA-101"), item(work, "FA-102")
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "owner")

    def paid_and_refunded(work: Work) -> None:
        begun = attempt(work, one, 10_000)
        record_facts(work, [received(begun, 10_000)])
        record_facts(work, [refunded(begun, 10_000)])

    def disputed(work: Work) -> None:
        dispute_it(work, two, scope=Scope.AMOUNT, amount_minor=10_000)

    def planned(work: Work) -> None:
        plan_for(work, [two])

    def claimed(work: Work) -> None:
        make_claim(work, MakeClaim(one.customer_id, (one.invoice_id,), today(), "test"))

    for act in (paid_and_refunded, disputed, planned, claimed):
        with pytest.raises(ConflictError) as refused, works.begin(supplier.supplier_id) as work:  # noqa: PT012 -- one transaction, rolled back
            act(work)
            undo_opening(work, opening_id, "essai", "test")
        assert refused.value.code == "opening.in_use", act.__name__
    with works.begin(supplier.supplier_id) as work:
        source = NewInsolvency(one.customer_id, "redressement", DAY + timedelta(days=1), "BODACC", "test")
        note_insolvency(work, source)
        undo_opening(work, opening_id, "mauvais fichier", "test")
        assert proved(work) == {}, "416 too goes back to nothing"


def test_two_accounts_of_one_name_and_pieces_that_many_share_stay_apart(works: Works, supplier: Supplier) -> None:
    sides = [
        [("411000", "Clients", code, "Martin", minor, ""), ("890000", "Bilan", "", "", -minor, "")]
        for code, minor in (("C1", 120_000), ("C2", 60_000))
    ]
    with works.begin(supplier.supplier_id) as work:
        opened(work, fec_with(*sides, piece="AN"))
        assert {each.number for each in (item(work, "AN-C1"), item(work, "AN-C2"))} == {"AN-C1", "AN-C2"}
        assert item(work, "AN-C1").customer_id != item(work, "AN-C2").customer_id
        asked = issue(work, customer=customer_facts("Martin"))
        assert asked.customer_id not in {item(work, f"AN-C{n}").customer_id for n in (1, 2)}, "either could be meant"
        proved(work)


def test_vat_of_several_rates_waits_whole_and_vat_that_waits_is_never_lost(works: Works, supplier: Supplier) -> None:
    sides = [("411000", "Clients", "C1", "Un", 22_500, ""), ("706000", "P", "", "", -20_000, "")]
    sides += [("445740", "TVA 20", "", "", -2_000, ""), ("445741", "TVA 5,5", "", "", -500, "")]
    with works.begin(supplier.supplier_id) as work:
        opened(work, fec_with(sides, piece="FA-9"))
        assert proved(work)["445740"] == -2_500
        record_facts(work, [received(attempt(work, item(work, "FA-9")), 22_500)])
        assert proved(work) == {"445710": -2_500, "511500": 22_500, "890000": -20_000}
        told = plan(work, TABLE.replace(b"900,00;20;oui", b"900,00;;oui"))
        assert [error.code for _, error in told.faults] == ["opening.vat_unknown"]


def test_no_number_is_given_twice_by_an_opening_and_a_series(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        told = plan(work, TABLE.replace(b"FA-102", b"F2026-00017"))
        assert [error.code for _, error in told.faults] == ["opening.number_to_come"]
        word_numbers(work, "F", 2026, NumberWording("F"), "test")
        start_series(work, "F", 2026, 17, "test")
        opened(work, TABLE.replace(b"FA-102", b"F2026-00017").replace(b"FA-101", b"X2026-00018"))
    with pytest.raises(ConflictError) as refused, works.begin(supplier.supplier_id) as work:  # noqa: PT012 -- rolled back
        work.execute(  # words of before this rule, so that the number is there and the series runs into it
            "UPDATE series_wordings SET prefix = 'X' WHERE supplier_id = :supplier AND series = 'F'"
        )
        issue(work)
    assert refused.value.code == "series.number_taken"
    with works.begin(supplier.supplier_id) as work:
        assert issue(work).number == "F2026-00018"


def test_an_opening_in_a_closed_period_is_booked_on_its_first_open_day(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        close_period(work, DAY + timedelta(days=1), "test")
        opened(work)
        booked = work.rows("SELECT DISTINCT booked_on FROM entries WHERE supplier_id = :supplier")
        assert [each["booked_on"] for each in booked] == [DAY + timedelta(days=2)]
        proved(work)


def test_a_claim_stays_a_claim_however_its_numbers_look(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "owner")
        word_numbers(work, "N", today().year, NumberWording("DEB"), "test")
        late = issue(work, issued_on=date(2026, 5, 1), due_on=date(2026, 5, 31))
        claim = make_claim(work, MakeClaim(late.customer_id, (late.invoice_id,), today(), "test"))
        assert claim.number.startswith("DEB")
        assert get_invoice(work, claim.claim_id).is_claim
        assert not get_invoice(work, late.invoice_id).is_claim


def test_a_deposit_is_deducted_once_also_after_its_final_invoice_was_credited(plain_story: Story) -> None:
    story = plain_story
    deposit = story.issue(type_code="386").invoice
    story.pay(deposit)

    def final(amount: str) -> Invoice:
        named = {"number": deposit.number, "issue_date": deposit.issued_on, "amount": amount}
        return story.issue(line(net_price="500.00", quantity="1"), deposits=[named]).invoice

    first = final("70.00")
    assert (first.total_minor, first.payable_minor) == (60_000, 53_000)
    with pytest.raises(BuildError, match=r"has 50\.00 left"):
        final("50.01")
    assert final("50.00").payable_minor == 55_000
    order = IssueOptions(supplier=story.siren, actor="test")
    assert credit_invoice(story.services, story.supplier, first, CreditOrder(), order).invoice.total_minor == 60_000
    with pytest.raises(BuildError, match=r"has 0\.00 left"):
        final("70.00")
    with story.services.works.begin(story.id) as work:
        assert "419100" not in proved(work)


def test_credit_notes_in_a_file_find_their_invoice_whatever_their_sign_and_place(plain_story: Story) -> None:
    story, buyer = plain_story, {"Client": "Boulangerie Martin", "SIREN": "732829320"}
    of = {"Facture d'origine": "Z-1", **buyer}
    rows = [
        row("Z-2", Type="avoir", Qté="-0,5", **of),
        row("Z-3", Qté="-0,25", **of),
        row("Z-1", **buyer),
        row("Z-4", Type="avoir", **{"Facture d'origine": "inconnue"}, **buyer),
    ]
    job = brought(story, csv_of(*rows))
    assert (job.done, job.refused) == (3, 1)
    assert lines(story, job)["Z-4"].code == "import.unknown_original"
    with story.services.works.begin(story.id) as work:
        told = work.rows("SELECT type_code, total_minor FROM invoices WHERE supplier_id = :supplier ORDER BY number")
        assert [tuple(each.values()) for each in told] == [("381", 3_000), ("381", 1_500), ("380", 12_000)]
        assert proved(work)["411000"] == 7_500
    again = brought(story, csv_of(*rows))
    assert (again.done, again.known, again.refused) == (0, 3, 1)


def test_a_file_that_writes_the_month_first_is_refused_whole(works: Works, supplier: Supplier) -> None:
    headings = (*HEADINGS, "Date")
    months = [[*row("D-1"), "05/06/2026"], [*row("D-2"), "11/20/2026"]]
    with works.begin(supplier.supplier_id) as work:
        with pytest.raises(ReceivablesError) as refused:
            plan_import(work, csv_of(*months, headings=headings), "us.csv")
        assert refused.value.code == "table.month_first"
        mixed = plan_import(work, csv_of(*months, [*row("D-3"), "20/11/2026"], headings=headings), "slip.csv")
        assert [(reference, error.code) for reference, error in mixed.faults] == [("D-2", "cell.bad_day")]


def test_what_comes_back_keeps_no_day_and_no_deposit_of_one_invoice() -> None:
    of_one = {
        "due_on": "2026-12-31",
        "delivered_on": "2026-11-30",
        "period_start": "2026-11-01",
        "rate_on": "2026-11-20",
    }
    buyer, deposit = TypedBuyer(name="Martin"), TypedDeposit("D2026-1", "2026-09-01")
    typed = TypedInvoice(
        "384", buyer, terms="on", order="BC-7", deposits=(deposit,), corrects_number="F2026-1", **of_one
    )
    assert repeated(typed) == TypedInvoice(buyer=TypedBuyer(name="Martin"), terms="usual", order="BC-7")


def test_a_debit_carries_the_terms_that_its_payer_saw_when_signing(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_up(work)
        publish_terms(work, today() - timedelta(days=9), "owner", wording="Première version")
        seen = current_terms(work, today())
        assert seen is not None
        invoice = due_invoice(work)
        wish = NewMandate(
            invoice.customer_id, "core", once=False, debtor_name="Martin", iban="FR7630006000011234567890189"
        )
        drafted = draft_mandate(work, KEYRING, wish, "customer")
        proof = {"text": "...", "language": "fr", "person_id": str(drafted.mandate_id), "at": now().isoformat()}
        proof["terms"] = {"version_id": str(seen.version_id), "version": 1, "sha256": seen.sha256}  # type: ignore[assignment]
        sign_mandate(work, drafted.mandate_id, "customer", proof, "0" * 64)
        publish_terms(work, today(), "owner", wording="Deuxième version")
        come_near(work, announce(work, invoice))
        assert make_files(work, KEYRING, "accountant").debits == 1
        attempt_id = work.scalar("SELECT attempt_id FROM debits WHERE supplier_id = :supplier")
        carried = terms_of_payment(work, attempt_id)
        assert carried is not None
        assert (carried.version, carried.wording) == (1, "Première version")


def test_two_advices_of_one_total_and_day_are_never_added_up(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        bills = [bill(work, minor) for minor in (100_000, 110_000, 140_000, 70_000)]
        for pair in (bills[:2], bills[2:]):
            said = advise(work, pair[0].customer_id, {each.number: f"{each.payable_minor // 100},00" for each in pair})
            amounts = {each.invoice_id: each.payable_minor for each in pair}
            confirm_advice(work, said, Confirmed(amounts, today()), "test")
        came = match(work, credit_line(work, 210_000, "VIREMENT", payer="DUPONT ET FILS SARL", booked_on=today()))
        proposal = first_proposal(work, came.line_id)
        assert [each.amount_minor for each in proposal.aims] == [100_000, 110_000]
        assert "ref.advice" in {each.code for each in proposal.reasons}


def test_an_advice_in_yen_has_no_cents(works: Works, supplier: Supplier) -> None:
    export = {"total_minor": 12_000, "payable_minor": 12_000, "vat_rows": (VatRow("G", Decimal(0), 12_000, 0),)}
    with works.begin(supplier.supplier_id) as work:
        owed = issue(work, currency="JPY", vat_on_collection=False, **export)
        for told in ("12 000", "12000,00"):
            said = advise(work, owed.customer_id, {owed.number: told})
            assert [each.amount_minor for each in lines_of(work, said.advice_id)] == [12_000]


def test_who_asks_for_an_account_never_gets_one_that_was_taken_over(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opened(work)
        set_opening(work, AccountOpening(is_open=True), "owner")
        wish = Wish("Boulangerie Martin", "Un inconnu", "qui@ailleurs.example", "fr", siren="732829320")
        held = hold_request(work, wish, item(work, "FA-101").invoice_id, b"0" * 32)
        confirm_request(work, held)
        approved = approve_request(work, held.request_id, 100_000, "test", "")
        assert approved.customer_id not in {None, item(work, "FA-101").customer_id}


def test_the_check_list_says_that_nothing_with_vat_can_be_issued_without_its_number(plain_story: Story) -> None:
    story = plain_story
    told = []
    taxed, free = ('\'{"vat_regime": "monthly"}\'', '\'{"vat_regime": "franchise"}\'')
    for change in (f"profile || {taxed}", "profile - 'vat_id'", f"profile || {free}"):
        with create_app(story.services).test_request_context("/"), story.services.works.begin(story.id) as work:
            work.execute(f"UPDATE supplier_profiles SET profile = {change} WHERE supplier_id = :supplier")  # noqa: S608 -- our own words
            told.append(points_of(work)[0].done)
    assert told == [True, False, True]
