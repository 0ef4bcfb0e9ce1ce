"""Letters of the former books are read, found and learnt from; the books never see them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from exports_builders import written
from import_builders import fec_of, xlsx_of
from story_builders import Story

from config.clock import today
from portal.imports.kept import keep_brought
from portal.jobs.jobs import job_of, lines_of
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_to_end
from portal.opening.booking import start_opening
from portal.opening.documents import seller_here
from portal.opening.history import HistoryChoices, plan_history
from portal.opening.history_job import give_back, group_from, start_history
from portal.opening.items import Choices
from portal.opening.planning import plan_opening
from receivables.errors import ConflictError
from receivables.services.accounting.checks import run_checks, state_hash
from receivables.services.accounting.closing import validate_entries
from receivables.services.accounting.taking_history import take_history
from receivables.services.accounting.taking_over import book_opening
from receivables.services.accounting.undoing_openings import undo_opening
from receivables.services.measuring.forecasting import forecast_cash
from receivables.services.measuring.indicators import indicators
from receivables.services.risk.exposing import exposures
from receivables.services.risk.scoring import score_on
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.accounting.former_lines import former_lines, former_totals
from receivables.store.accounting.openings import customers_by_alias
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.finding import find
from receivables.store.invoicing.invoices import find_by_number
from receivables.store.measuring.scopes import Scope

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import PlatformHouse

    from portal.jobs.jobs import JobView
    from portal.wiring import Services
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 1)


def opened(work: Work, content: bytes | None = None, day: date = DAY) -> UUID:
    """A FEC whose open lines are booked, without its letters."""
    brought = keep_brought(work, "reprise.txt", content or fec_of(), "test")
    return book_opening(work, plan_opening(work, brought, Choices(day), profile=None, actor="test").opening)


def taken(work: Work, opening_id: UUID, content: bytes, day: date = DAY, *, opens: bool = True) -> list[str]:
    """The letters of a file, taken; what became of each."""
    plan = plan_history(work, content, HistoryChoices(day))
    return [each.state for each in take_history(work, opening_id, plan.groups, file_sha256="f", opens_customers=opens)]


def habits(late: tuple[int, ...], code: str = "CMART", name: str = "Boulangerie Martin") -> bytes:
    """A table of invoices of 100.00, each paid so many days late, the last ones yesterday."""
    head = "Code client;Client;Pièce;Date;Échéance;Nature de pièce;Montant;Lettrage;Date de lettrage\r\n"
    rows = []
    for nth, days in enumerate(late):
        paid_on = today() - timedelta(days=len(late) - nth)
        due = paid_on - timedelta(days=days)
        issued = due - timedelta(days=30)
        letters = f"A{chr(65 + nth)}"
        rows.append(f"{code};{name};FA-{nth};{issued};{due};facture;100,00;{letters};{paid_on}\r\n")
        rows.append(f"{code};{name};VIR-{nth};{paid_on};;règlement;100,00;{letters};{paid_on}\r\n")
    return (head + "".join(rows)).encode()


def martin(work: Work) -> UUID:
    return customers_by_alias(work, ["CMART"])["CMART"]


def test_nothing_of_the_books_changes_by_a_byte_when_letters_of_before_are_taken(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
        validate_entries(work, DAY, "test")

        def books() -> list[object]:
            board = indicators(work, Scope(today()))
            return [
                state_hash(work),
                [(each.code, each.looked_at, each.gap) for each in run_checks(work)],
                written(work, DAY.year),
                sorted(exposures(work).items()),
                repr(board),
                work.scalar("SELECT count(*) FROM outbox WHERE supplier_id = :supplier"),
                work.rows("SELECT * FROM letter_counters WHERE supplier_id = :supplier"),
            ]

        before = books()
        assert taken(work, opening_id, fec_of()) == ["done", "done"]
        assert len(former_lines(work, opening_id=opening_id)[0]) == 4
        assert books() == before


def test_the_same_letters_are_taken_once_and_an_undone_opening_takes_its_history_with_it(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
        taken(work, opening_id, fec_of())
    with works.begin(supplier.supplier_id) as work:
        again = fec_of().replace(b"\r\n", b"\r\n\r\n")  # the same lines at other places
        assert taken(work, opening_id, again) == ["known", "known"]
        totals = former_totals(work, martin(work))
        assert (totals.lines, totals.letters, totals.paid, totals.late_days) == (4, 2, 1, 1)
        (rows, more) = former_lines(work, customer_id=martin(work), uneven=True)
        assert ([row["gap_minor"] for row in rows], more) == ([140_000, 140_000], False)
        known = martin(work)
        undo_opening(work, opening_id, "mauvais fichier", "test")
        assert former_lines(work, customer_id=known) == ([], False)
        assert former_totals(work, known).lines == 0
        with pytest.raises(ConflictError, match="undone"):
            taken(work, opening_id, fec_of())
        assert work.scalar("SELECT count(*) FROM former_lines WHERE supplier_id = :supplier") == 4
        fresh = opened(work)
        assert taken(work, fresh, fec_of()) == ["done", "done"]


def test_an_undone_opening_takes_its_codes_back_unless_another_says_them_too(works: Works, supplier: Supplier) -> None:
    wrong = fec_of().replace(b"Boulangerie Martin", b"Menuiserie Kerouac")
    with works.begin(supplier.supplier_id) as work:
        first = opened(work, wrong)
        mistaken = martin(work)
        undo_opening(work, first, "mauvais nom", "test")
        assert customers_by_alias(work, ["CMART"]) == {}
        second = opened(work)
        assert get_customer(work, martin(work)).name == "Boulangerie Martin"
        assert martin(work) != mistaken
        third = opened(work, fec_of().replace(b"FA-", b"FB-").replace(b"VIR-", b"VIS-").replace(b"AV-", b"AW-"))
        right = martin(work)
        undo_opening(work, second, "en double", "test")
        assert martin(work) == right
        undo_opening(work, third, "en double", "test")
        assert customers_by_alias(work, ["CMART"]) == {}


def test_a_score_learns_from_the_former_books_from_the_day_on_which_they_were_taken(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work, day=today())
        assert score_on(work, today())[martin(work)].score.tenths is None
        plan = plan_history(work, habits((0, 0, 0, 30, 30, 30)), HistoryChoices(today()))
        assert not plan.faults
        take_history(work, opening_id, plan.groups, file_sha256="f", opens_customers=False)
        dated = score_on(work, today())[martin(work)]
        assert (dated.facts.paid, dated.facts.former, dated.facts.latest) == (6, 6, (30, 30, 30, 0, 0, 0))
        # the open rest of FA-2 is overdue besides; the six former ones cost a trend of three out of three
        assert dated.facts.weighed_minor >= 60_000
        assert [part.lost for part in dated.score.parts if part.name == "trend"] == [250]
        yesterday = score_on(work, today() - timedelta(days=1)).get(martin(work))
        assert yesterday is None or yesterday.facts.former == 0
        known = martin(work)
        undo_opening(work, opening_id, "mauvais fichier", "test")
        assert score_on(work, today())[known].facts.former == 0


def test_a_forecast_follows_the_former_habits_of_a_customer(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work, day=today())
        scope = Scope(today())
        assert {each.by for each in forecast_cash(work, scope).expected} == {"due_day"}
        assert taken(work, opening_id, habits((20, 20, 20, 20)), today()) == ["done"] * 4
        by = {each.claim.customer_id: each.by for each in forecast_cash(work, scope).expected}
        assert by.pop(martin(work)) == "own"
        assert set(by.values()) == {"all"}
        past = Scope(today() - timedelta(days=1))
        assert {each.by for each in forecast_cash(work, past).expected} <= {"due_day"}


def test_search_finds_a_former_piece_by_its_beginning_alone(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        taken(work, opened(work), fec_of())
        assert [(each.title, each.customer_id) for each in find(work, "vir 1", None)["former"]] == [
            ("VIR-1", martin(work))
        ]
        assert find(work, "IR-1", None)["former"] == []
        assert [row["piece"] for row in former_lines(work, customer_id=martin(work), piece="fa-")[0]] == [
            "FA-2",
            "FA-1",
        ]


def test_a_fec_brings_its_letters_with_it_and_every_group_is_reported(services: Services, supplier: Supplier) -> None:
    supplier_id = supplier.supplier_id
    with services.works.begin(supplier_id) as work:
        brought = keep_brought(work, "1FEC20260930.txt", fec_of(), "test")
        plan = plan_opening(work, brought, Choices(DAY), profile=None, actor="test")
        job_id = start_opening(work, plan, brought, Choices(DAY), None)
    finished(services, supplier_id, job_id)
    with services.works.begin(supplier_id) as work:
        history = work.scalar("SELECT job_id FROM jobs WHERE supplier_id = :supplier AND kind = 'history'")
    job = finished(services, supplier_id, history)
    assert (job.total, job.done, job.refused) == (2, 2, 0)
    with services.works.begin(supplier_id) as work:
        lines, _ = lines_of(work, history)
        assert [line.code for line in lines] == [None, "history.uneven"]
        assert "1400.00" in (lines[1].sentence or "").replace(",", "").replace(" ", "")


def test_strangers_are_given_back_and_taken_once_they_are_customers(services: Services, supplier: Supplier) -> None:
    supplier_id = supplier.supplier_id
    table = habits((3,)) + habits((4,), "CZOE", "Chez Zoé").split(b"\r\n", 1)[1]
    with services.works.begin(supplier_id) as work:
        opening_id = opened(work, day=today())
        brought = keep_brought(work, "lettres.csv", table + b"X;Y;;hier;;facture;1;AA;\r\n", "test")
        plan = plan_history(work, brought.content, HistoryChoices(today()))
        assert (plan.strangers, len(plan.faults)) == (["Chez Zoé"], 1)
        job_id = start_history(work, opening_id, plan, brought, opens_customers=False, actor="test")
    job = finished(services, supplier_id, job_id)
    assert (job.done, job.refused) == (1, 2)
    with services.works.begin(supplier_id) as work:
        lines, _ = lines_of(work, job_id, state="refused")
        assert [line.code for line in lines] == ["history.stranger", "cell.bad_day"]
        name, content = give_back(job, lines)
        returned = plan_history(work, content, HistoryChoices(today()))
        assert (name, [each.name for each in returned.groups]) == ("lettres-refus.csv", ["Chez Zoé"])
        refused = group_from(lines[0].content)
        assert [each.signed_minor for each in returned.groups[0].lines] == [each.signed_minor for each in refused.lines]
        assert taken(work, opening_id, content, today(), opens=True) == ["done"]


def test_lines_that_cannot_be_kept_are_refused_one_by_one_and_hold_no_job(
    services: Services, supplier: Supplier
) -> None:
    head, rows = habits((3,)).split(b"\r\n", 1)
    odd = "X;Y;{piece};{day};;facture;{amount};BB;;{currency}\r\n"
    table = head + b";Devise\r\n" + rows.replace(b"\r\n", b";EUR\r\n")
    for piece, day, amount, currency in (
        ("FA-1", "2026-01-02", "1", "EURO"),
        ("FA-2", "2026-01-02", "99999999999999999999", "EUR"),
        ("F" * 4_000, "2026-01-02", "1", "EUR"),
        ("FA-4", "9999-12-31", "1", "EUR"),
    ):
        table += odd.format(piece=piece, day=day, amount=amount, currency=currency).encode()
    with services.works.begin(supplier.supplier_id) as work:
        opening_id = opened(work, day=today())
        brought = keep_brought(work, "lettres.csv", table, "test")
        plan = plan_history(work, brought.content, HistoryChoices(today()))
        assert ([each.code for _, each in plan.faults], plan.skipped) == (["history.unread"] * 3, 1)
        job_id = start_history(work, opening_id, plan, brought, opens_customers=True, actor="test")
    job = finished(services, supplier.supplier_id, job_id)
    assert (job.done, job.refused) == (1, 3)


def test_a_workbook_with_debit_and_credit_is_read_like_any_table(works: Works, supplier: Supplier) -> None:
    content = xlsx_of(
        ["CMART", "Boulangerie Martin", "FA-9", date(2026, 7, 1), 120.5, "", "AD"],
        ["CMART", "Boulangerie Martin", "VIR-9", date(2026, 8, 5), "", 120.5, "AD"],
        ["CMART", "Boulangerie Martin", "FA-10", date(2026, 7, 1), 50, "", ""],
        headings=("Code client", "Client", "Pièce", "Date", "Débit", "Crédit", "Lettrage"),
    )
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
        plan = plan_history(work, content, HistoryChoices(DAY, terms_days=30))
        assert (plan.lines, plan.skipped, [each.gap_minor for each in plan.groups]) == (2, 1, [0])
        assert taken(work, opening_id, content) == ["done"]
        assert former_totals(work, martin(work)).late_days == 5


DECLARED = (
    "Code client;Client;SIREN;N° de facture;Date;Échéance;Total TTC;Taux de TVA;TVA à l'encaissement;Déjà déclarée\r\n"
    "CMART;Boulangerie Martin;732829320;FA-101;15/08/2026;14/09/2026;1 200,00;20;oui;oui\r\n"
).encode()


@pytest.mark.parametrize(("told_by", "messages"), [("former", 0), ("here", 1)])
def test_the_212_of_a_taken_over_invoice_is_told_where_the_opening_says(
    services: Services, platform_house: PlatformHouse, told_by: str, messages: int
) -> None:
    story = Story(services, platform_house)
    with services.works.begin(story.id) as work:
        choices = Choices(DAY, receipts_told_by=told_by)
        brought = keep_brought(work, "ouvertes.csv", DECLARED, "test")
        plan = plan_opening(work, brought, choices, profile=seller_here(work), actor="test")
        assert (plan.faults, plan.through_platform, plan.waiting) == ([], 1, 1)
        book_opening(work, plan.opening)
        invoice = find_by_number(work, "FA-101", 2026)
        assert invoice is not None
        paid = RecordPayment(
            payment_ref="bank-1",
            customer_id=invoice.customer_id,
            amount_minor=60_000,
            currency="EUR",
            received_on=max(today(), DAY),
            method="transfer",
            road="bank",
            counter="bank",
            aims={invoice.invoice_id: 60_000},
            actor="test",
        )
        record_payment(work, paid)
        vat = work.scalar(
            "SELECT sum(credit_minor)::bigint FROM postings WHERE supplier_id = :supplier AND account LIKE '44571%'"
        )
        assert vat == 10_000  # half of the 200.00 that waited falls due, whoever tells it
    story.settle()
    assert story.codes("out") == ["212"] * messages
    told = [flow["status"]["amounts"] for flow in story.at_platform() if "status" in flow]
    assert [[(each["kind"], each["amount"]) for each in amounts if each["kind"] == "MEN"] for amounts in told] == [
        [("MEN", "600.00")]
    ] * messages


def test_receipts_are_told_from_here_only_where_both_companies_are_known(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        brought = keep_brought(work, "ouvertes.csv", DECLARED.replace(b";732829320;", b";;"), "test")
        told = Choices(DAY, receipts_told_by="here")
        plan = plan_opening(work, brought, told, profile=None, actor="test")
        assert [error.code for _, error in plan.faults] == ["opening.no_company", "opening.no_siren"]
        assert plan_opening(work, brought, Choices(DAY), profile=None, actor="test").faults == []


def finished(services: Services, supplier_id: UUID, job_id: UUID) -> JobView:
    """A job, done."""
    run_to_end(services, supplier_id, job_id, KINDS, progress=lambda _job: None)
    with services.works.begin(supplier_id) as work:
        return job_of(work, job_id)
