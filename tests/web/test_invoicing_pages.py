"""Invoices by hand without any script: begin, write, look, review, issue; and what follows an issued one."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from invoicing_builders import BUYER, Writer
from portal_house import press

from config.clock import today
from portal.invoicing.recurring import run_recurring
from receivables.domain.invoicing.recurrence import Rhythm, date_at
from receivables.store.invoicing.drafts import get_draft, list_drafts
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.invoicing.items import ItemFacts, add_item
from receivables.store.invoicing.recurring import NewRecurring, begin_recurring, dates_of, get_recurring

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice


@pytest.fixture(scope="module")
def writer(services: Services) -> Writer:
    """A supplier of its own, with one invoice of 192 EUR."""
    built = Writer(services)
    built.issue()
    return built


@pytest.fixture
def desk(client: FlaskClient, writer: Writer) -> FlaskClient:
    """A browser of its accountant."""
    writer.sign_in(client)
    return client


def last_invoice(writer: Writer) -> Invoice:
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        return get_invoice(
            work,
            work.scalar(
                "SELECT invoice_id FROM invoices WHERE supplier_id = :supplier ORDER BY invoice_id DESC LIMIT 1"
            ),
        )


def count(writer: Writer) -> int:
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        found: int = work.scalar("SELECT count(*) FROM invoices WHERE supplier_id = :supplier")
    return found


def begin(desk: FlaskClient, **fields: str) -> str:
    """The address of a new draft."""
    answer = press(desk, "/s/invoicing/drafts", **fields)
    assert answer.status_code == 303, answer.text
    return answer.location


def begin_for_known(desk: FlaskClient, writer: Writer, **fields: str) -> str:
    return begin(desk, customer=str(last_invoice(writer).customer_id), **fields)


def revision(desk: FlaskClient, draft: str) -> str:
    return re.search(r'name="revision" value="(\d+)"', desk.get(draft).text)[1]  # type: ignore[index]


def write(desk: FlaskClient, draft: str, act: str = "save", **typed: str) -> TestResponse:
    fields = {name.replace("__", "-"): text for name, text in typed.items()}
    return press(desk, draft, act=act, revision=revision(desk, draft), **fields)


LINE = {"line__0__name": "Pose", "line__0__quantity": "3", "line__0__unit": "H87", "line__0__vat": "S:20"}


def issue(desk: FlaskClient, draft: str) -> TestResponse:
    return press(desk, f"{draft}/issue", revision=revision(desk, draft))


def test_a_draft_is_kept_reviewed_and_issued_once_however_often_the_button_is_pressed(
    desk: FlaskClient, writer: Writer
) -> None:
    draft = begin_for_known(desk, writer)
    assert write(desk, draft, **LINE, line__0__price="1 250,50 €").status_code == 303
    page = desk.get(draft).text
    assert "Prête à émettre" in page
    assert "4\u202f501,80" in page
    assert write(desk, draft, "review").location.endswith("/review")
    assert desk.get(f"{draft}/page-1.png").data.startswith(b"\x89PNG")
    assert desk.get(f"{draft}/page-9.png").status_code == 404
    assert "Émettre la facture" in desk.get(f"{draft}/review").text
    before, kept = count(writer), revision(desk, draft)
    first = press(desk, f"{draft}/issue", revision=kept)
    second = press(desk, f"{draft}/issue", revision=kept)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert "C'est émis" in desk.get(first.location).text
    assert desk.get(draft).location == first.location.removesuffix("?told=issued")
    assert count(writer) == before + 1
    assert last_invoice(writer).total_minor == 450180


def test_what_is_wrong_is_said_at_its_field_and_what_is_missing_is_no_reproach(
    desk: FlaskClient, writer: Writer
) -> None:
    draft = begin_for_known(desk, writer)
    page = desk.get(draft).text
    assert "Encore une chose à remplir" in page
    assert 'aria-invalid="true"' not in page
    write(desk, draft, **LINE, line__0__price="douze")
    page = desk.get(draft).text
    assert "Une chose à corriger" in page
    assert re.search(r'id="line-0-price-error">.*?«\sdouze\s»\s: écrivez un nombre', page)
    refused = write(desk, draft, "review", **LINE, line__0__price="")
    assert refused.status_code == 422
    assert re.search(r'id="line-0-price-error">.*?Le prix hors taxes', refused.text)
    assert press(desk, f"{draft}/issue", revision=revision(desk, draft)).status_code == 409


def test_two_windows_do_not_overwrite_each_other_unseen(desk: FlaskClient, writer: Writer) -> None:
    draft = begin_for_known(desk, writer)
    old = revision(desk, draft)
    write(desk, draft, **LINE, line__0__price="10")
    late = press(desk, draft, act="save", revision=old, **{"line-0-name": "Autre", "line-0-price": "99"})
    assert late.status_code == 409
    assert "une autre fenêtre" in late.text
    assert 'value="Autre"' in late.text
    assert 'value="10"' in desk.get(draft).text
    asked = press(desk, f"{draft}/look", revision=old)
    assert asked.status_code == 409


def test_the_script_is_told_the_verdict_and_the_price_of_an_item(desk: FlaskClient, writer: Writer) -> None:
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        add_item(work, ItemFacts("ETU", "Étude", "DAY", "services", "S", Decimal(10), price=Decimal("600.5")), "test")
    draft = begin_for_known(desk, writer)
    fields = {"line-0-name": "etu", "line-0-quantity": "2", "line-0-unit": "HUR", "line-0-vat": "S:20"}
    told = press(desk, f"{draft}/look", revision=revision(desk, draft), **fields).get_json()
    assert told["lines"][0] == {"name": "Étude", "unit": "DAY", "price": "600,5", "vat": "S:10", "code": "ETU"}
    assert told["faults"] == {}
    assert "Prête à émettre" in told["aside"]
    assert "1\u202f321,10" in told["aside"]
    assert revision(desk, draft) == str(told["revision"])


def test_a_known_customer_stays_the_same_customer_whatever_the_form_says(desk: FlaskClient, writer: Writer) -> None:
    customer = last_invoice(writer).customer_id
    draft = begin_for_known(desk, writer)
    write(desk, draft, **LINE, line__0__price="5", buyer__name="Quelqu'un", buyer__siren="732829320")
    write(desk, draft, "save", buyer__line1="99 rue Neuve")
    invoice_of = issue(desk, draft)
    assert invoice_of.status_code == 303
    found = last_invoice(writer)
    assert found.customer_id == customer
    assert found.document["document"]["buyer"]["address"]["line1"] == "99 rue Neuve"
    assert found.document["document"]["buyer"]["name"] == BUYER["name"]


def test_a_new_company_is_begun_by_its_number_and_a_wrong_number_is_said(desk: FlaskClient) -> None:
    draft = begin(desk, number="732 829 320")
    page = desk.get(draft).text
    assert 'value="732829320"' in page
    assert "FR44732829320" in page
    wrong = press(desk, "/s/invoicing/drafts", number="12")
    assert wrong.status_code == 422
    assert 'id="number-error"' in wrong.text


def test_a_company_of_the_union_is_asked_for_its_number_before_it_is_invoiced_without_vat(desk: FlaskClient) -> None:
    draft = begin(desk, kind="abroad")
    write(
        desk,
        draft,
        "review",
        **LINE,
        line__0__price="100",
        buyer__kind="abroad",
        buyer__name="Licht GmbH",
        buyer__line1="Weg 1",
        buyer__city="Berlin",
        buyer__country="DE",
    )
    write(desk, draft, line__0__vat="AE", **{k: v for k, v in LINE.items() if k != "line__0__vat"}, line__0__price="1")
    assert "il faut le numéro de TVA de votre client" in desk.get(draft).text
    write(desk, draft, buyer__vat_id="DE136695976")
    assert "Prête à émettre" in desk.get(draft).text
    assert issue(desk, draft).status_code == 303


def test_a_line_is_added_and_taken_away(desk: FlaskClient, writer: Writer) -> None:
    draft = begin_for_known(desk, writer)
    write(desk, draft, "add", **LINE, line__0__price="5")
    assert 'id="line-1-name"' in desk.get(draft).text
    second = {name.replace("__0__", "__1__"): text for name, text in LINE.items()}
    write(desk, draft, "remove-0", **LINE, line__0__price="5", **{**second, "line__1__name": "Reste"})
    page = desk.get(draft).text
    assert 'value="Reste"' in page
    assert 'id="line-1-name"' not in page


def test_a_deposit_is_deducted_by_the_final_invoice(desk: FlaskClient, writer: Writer) -> None:
    deposit = begin_for_known(desk, writer, type="386")
    write(desk, deposit, **{**LINE, "line__0__quantity": "1"}, line__0__price="100", kind="386")
    issue(desk, deposit)
    invoice = last_invoice(writer)
    assert (invoice.type_code, invoice.total_minor) == ("386", 12000)
    final = press(desk, f"/s/invoicing/invoices/{invoice.invoice_id}/final").location
    page = desk.get(final).text
    assert f"Acompte {invoice.number}" in page
    write(
        desk,
        final,
        **{**LINE, "line__0__quantity": "1"},
        line__0__price="500",
        deposit__0__taken="yes",
        deposit__0__amount="120",
    )
    assert "Acomptes déduits" in desk.get(final).text
    assert issue(desk, final).status_code == 303
    done = last_invoice(writer)
    assert (done.prepaid_minor, done.payable_minor) == (12000, 48000)
    assert "Acomptes à déduire" not in desk.get(begin_for_known(desk, writer)).text


def test_the_same_again_and_its_credit_note_take_two_presses(desk: FlaskClient, writer: Writer) -> None:
    first = writer.issue()
    again = press(desk, f"/s/invoicing/invoices/{first.invoice_id}/again").location
    assert issue(desk, again).status_code == 303
    copy = last_invoice(writer)
    assert copy.total_minor == first.total_minor
    page = desk.get(f"/s/invoicing/invoices/{copy.invoice_id}/credit").text
    once = re.search(r'name="once" value="(\w+)"', page)[1]  # type: ignore[index]
    before = count(writer)
    answers = [
        press(desk, f"/s/invoicing/invoices/{copy.invoice_id}/credit", once=once, scope="whole") for _ in range(2)
    ]
    assert {each.status_code for each in answers} == {303}
    assert answers[0].location == answers[1].location
    assert count(writer) == before + 1
    assert last_invoice(writer).type_code == "381"
    more = press(desk, f"/s/invoicing/invoices/{copy.invoice_id}/credit", once="x", scope="whole")
    assert more.status_code == 409
    assert press(desk, f"/s/invoicing/invoices/{copy.invoice_id}/correct").status_code == 409


def test_an_amount_and_lines_are_credited(desk: FlaskClient, writer: Writer) -> None:
    path = f"/s/invoicing/invoices/{writer.issue().invoice_id}/credit"
    assert press(desk, path, once="a", scope="amount", amount="12").status_code == 422
    assert press(desk, path, once="a", scope="amount", amount="12,00", reason="Geste").status_code == 303
    assert last_invoice(writer).total_minor == 1200
    assert press(desk, path, once="b", scope="lines").status_code == 422
    assert press(desk, path, once="b", scope="lines", lines="1", **{"line-1": "1"}).status_code == 303
    assert last_invoice(writer).total_minor == 9600


def test_a_corrective_invoice_takes_the_place_of_the_wrong_one(desk: FlaskClient, writer: Writer) -> None:
    wrong = writer.issue()
    draft = press(desk, f"/s/invoicing/invoices/{wrong.invoice_id}/correct").location
    page = desk.get(draft).text
    assert f"Corriger {wrong.number}" in page
    assert 'name="kind"' not in page
    write(desk, draft, **LINE, line__0__price="10", kind="380")
    assert issue(desk, draft).status_code == 303
    right = last_invoice(writer)
    assert (right.type_code, right.total_minor) == ("384", 3600)
    assert press(desk, f"/s/invoicing/invoices/{wrong.invoice_id}/correct").status_code == 409


def test_a_template_keeps_the_lines_and_not_the_customer(desk: FlaskClient, writer: Writer) -> None:
    draft = begin_for_known(desk, writer)
    write(desk, draft, **LINE, line__0__price="7", order="CMD-1")
    press(desk, "/s/invoicing/templates", draft=draft.rpartition("/")[2], name="Forfait")
    template = re.search(r"template=([\w-]{36})", desk.get("/s/invoicing/templates").text)[1]  # type: ignore[index]
    page = desk.get(begin(desk, kind="consumer", template=template)).text
    assert 'value="Pose"' in page
    assert str(BUYER["name"]) not in page
    assert "CMD-1" not in page
    press(desk, f"/s/invoicing/templates/{template}/remove")
    assert "Forfait" not in desk.get("/s/invoicing/templates").text


def plan(writer: Writer, typed: dict[str, object], **changed: object) -> UUID:
    said = {"rhythm": Rhythm.MONTH, "starts_on": today(), "ends_on": None, "automatic": True, **changed}
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        new = NewRecurring(last_invoice(writer).customer_id, "Forfait", typed, actor="test", **said)  # type: ignore[arg-type]
        return begin_recurring(work, new)


def typed_of(desk: FlaskClient, writer: Writer, **fields: str) -> dict[str, object]:
    draft = begin_for_known(desk, writer)
    write(desk, draft, **{**LINE, "line__0__name": "Loyer de {mois}", "line__0__quantity": "1"}, **fields)
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        newest = list_drafts(work)[0]
        return get_draft(work, newest.draft_id).typed


def test_dates_missed_in_a_stop_are_caught_up_each_once(desk: FlaskClient, writer: Writer) -> None:
    starts_on = date_at(today(), Rhythm.MONTH, -2)
    recurring_id = plan(writer, typed_of(desk, writer, line__0__price="50"), starts_on=starts_on)
    before = count(writer)
    run_recurring(writer.services, writer.supplier.supplier_id)
    run_recurring(writer.services, writer.supplier.supplier_id)
    assert count(writer) == before + 3
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        told = dates_of(work, recurring_id)
        names = [get_invoice(work, each.invoice_id).document["document"]["lines"][0]["name"] for each in told]  # type: ignore[arg-type]
        assert get_recurring(work, recurring_id).next_on == date_at(starts_on, Rhythm.MONTH, 3)
    assert [each.state for each in told] == ["issued"] * 3
    assert len(set(names)) == 3


def test_a_crash_after_issuing_asks_for_the_same_invoice_again(desk: FlaskClient, writer: Writer) -> None:
    recurring_id = plan(writer, typed_of(desk, writer, line__0__price="51"), ends_on=today())
    run_recurring(writer.services, writer.supplier.supplier_id)
    before = count(writer)
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        work.execute(
            "UPDATE recurring_dates SET state = 'planned', invoice_id = NULL WHERE supplier_id = :supplier "
            "AND recurring_id = :id",
            id=recurring_id,
        )
    run_recurring(writer.services, writer.supplier.supplier_id)
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        (told,) = dates_of(work, recurring_id)
        assert get_recurring(work, recurring_id).state == "ended"
    assert told.state == "issued"
    assert count(writer) == before


def test_what_cannot_be_issued_becomes_a_draft_that_says_why(desk: FlaskClient, writer: Writer) -> None:
    recurring_id = plan(writer, typed_of(desk, writer, line__0__price=""))
    run_recurring(writer.services, writer.supplier.supplier_id)
    with writer.services.works.begin(writer.supplier.supplier_id) as work:
        (told,) = dates_of(work, recurring_id)
        draft = get_draft(work, told.draft_id)  # type: ignore[arg-type]
    assert told.state == "drafted"
    assert "prix" in draft.reason["fr"]  # type: ignore[index]
    assert "N&#39;a pas pu partir seule" in desk.get("/s/invoicing").text.replace("'", "&#39;")


def test_a_recurring_invoice_is_begun_paused_resumed_and_ended_on_its_pages(desk: FlaskClient, writer: Writer) -> None:
    draft = begin_for_known(desk, writer)
    path = f"/s/invoicing/recurring/new/{draft.rpartition('/')[2]}"
    assert press(desk, path, rhythm="month", starts_on=today().isoformat()).status_code == 422
    write(desk, draft, **LINE, line__0__price="9")
    starts_on = today() + timedelta(days=3)
    shown = press(desk, path, rhythm="month", starts_on=starts_on.isoformat(), automatic="no", name="Loyer")
    assert shown.status_code == 303
    page = shown.location
    assert "Loyer" in desk.get(page).text
    for act, state in (("pause", "En pause"), ("resume", "En cours"), ("keep", "En cours"), ("end", "Terminée")):
        assert press(desk, page, act=act).status_code == 303
        assert state in desk.get(page).text
    assert press(desk, page, act="pause").status_code == 409
    assert "Loyer" in desk.get("/s/invoicing/recurring").text


def test_a_draft_is_thrown_away_and_no_number_is_missing(desk: FlaskClient, writer: Writer) -> None:
    draft = begin_for_known(desk, writer)
    assert press(desk, f"{draft}/discard").status_code == 303
    assert desk.get(draft).location.endswith("/s/invoicing")
    assert press(desk, draft, act="save", revision="1").status_code == 303


def test_a_company_whose_profile_is_empty_is_sent_to_its_settings(client: FlaskClient, services: Services) -> None:
    blank = Writer(services)
    with services.works.begin(blank.supplier.supplier_id) as work:
        work.execute('UPDATE supplier_profiles SET profile = \'{"name": "X"}\' WHERE supplier_id = :supplier')
    blank.sign_in(client)
    answer = press(client, "/s/invoicing/drafts", kind="consumer")
    assert answer.status_code == 409
    assert "Réglages" in answer.text
