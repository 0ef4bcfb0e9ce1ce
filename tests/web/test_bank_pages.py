"""The pages of the bank: drop a statement, see what each line became, say otherwise; payments written down by hand."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from portal_house import form_token, press
from statement_builders import OTHER_IBAN, Paper, Told, camt, cfonb

from config.clock import new_id, today
from payments.banking.checks import check_bank
from payments.banking.lines import LineFilter, list_lines
from portal.documents.bank_files import go_on_importing

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from payments.banking.lines import BankLine


def drop(client: FlaskClient, content: bytes, path: str = "/s/bank", name: str = "releve.xml") -> TestResponse:
    """Send a file by the form of a page."""
    data = {"form_token": form_token(client), "file": (BytesIO(content), name)}
    return client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})


def one_line(house: House, wanted: str) -> BankLine:
    """The line that a search finds."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        (found,) = list_lines(work, LineFilter(wanted=wanted))[0]
    return found


def paper(*told: Told) -> Paper:
    """A statement of today."""
    return Paper(today(), 0, told)


@pytest.fixture
def name(client: FlaskClient, house: House) -> str:
    """A payer that nobody knows, whose line is imported; the accountant looks."""
    payer = f"INCONNU{new_id().hex[-8:].upper()}"
    house.sign_in(client, "accountant")
    dropped = drop(client, camt(paper(Told(12_345, today(), payer, OTHER_IBAN, f"MERCI {payer}"))))
    assert dropped.status_code == 303
    return payer


def check(house: House) -> None:
    """512 is what the bank says."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert [each.gap for each in check_bank(work)] == [0, 0, 0]


def test_a_dropped_statement_ends_in_its_report(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    answer = drop(client, cfonb(paper(Told(777, today(), new_id().hex[:12].upper(), text="X"))), name="mars.txt")
    page = client.get(answer.location, follow_redirects=True).text
    for said in ("mars.txt", "CFONB 120", "Non identifiée", "7,77"):
        assert said in page, said
    listed = client.get("/s/bank").text
    assert "FR76 3000 6000 0112 3456 7890 189" in listed
    assert "mars.txt" in listed


def test_a_file_that_is_no_statement_is_refused_with_the_sentence(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    answer = drop(client, b"%PDF-1.7 ...", name="releve.pdf")
    assert answer.status_code == 422
    assert "releve.pdf est un PDF" in answer.text.replace("\u00a0", " ")


def test_an_unknown_account_is_asked_about_and_imported_once_somebody_says_yes(
    client: FlaskClient, house: House
) -> None:
    house.sign_in(client, "accountant")
    told = Paper(today(), 0, (Told(-500, today(), new_id().hex, text="X"),), iban="FR7610278000010001234567841")
    asked = drop(client, camt(told))
    page = client.get(asked.location).text
    assert "Est-ce votre compte" in page
    assert "FR76 1027 8000 0100 0123 4567 841" in page
    yes = press(client, asked.location)
    assert yes.status_code == 303
    assert "Hors clients" in client.get(yes.location, follow_redirects=True).text


def test_the_page_of_a_line_says_everything_and_a_person_sets_it_aside_and_brings_it_back(
    client: FlaskClient, house: House, name: str
) -> None:
    line = one_line(house, name)
    page = client.get(f"/s/bank/lines/{line.line_id}").text
    for said in (name, "Non identifiée", "123,45", "FR14 2004 1010 0505 0001 3M02 606", "471000", "512000"):
        assert said in page.replace("\u00a0", " "), said
    assert press(client, f"/s/bank/lines/{line.line_id}/aside", reason="").status_code == 422
    assert press(client, f"/s/bank/lines/{line.line_id}/aside", reason="prêt de la banque").status_code == 303
    page = client.get(f"/s/bank/lines/{line.line_id}").text
    assert "Hors clients" in page
    assert "prêt de la banque" in page
    check(house)
    assert press(client, f"/s/bank/lines/{line.line_id}/bring", reason="c'était un client").status_code == 303
    assert one_line(house, name).state == "unidentified"
    check(house)


def test_the_list_is_narrowed_and_searched_and_english_too(client: FlaskClient, house: House, name: str) -> None:
    assert name in client.get("/s/bank/lines?show=todo").text
    assert name not in client.get("/s/bank/lines?show=matched").text
    assert name in client.get("/s/bank/lines?q=123,45").text
    assert name not in client.get("/s/bank/lines?q=999999").text
    page = client.get(f"/s/bank/lines/{one_line(house, name).line_id}?lang=en").text
    inside = page.partition("<main")[2].partition("</main>")[0]
    assert "What the bank says" in inside
    assert "Ce que" not in inside


def test_who_only_reads_has_no_buttons_and_may_not_press_them(client: FlaskClient, house: House, name: str) -> None:
    line = one_line(house, name)
    house.sign_in(client, "auditor")
    page = client.get(f"/s/bank/lines/{line.line_id}").text
    assert "/aside" not in page
    assert press(client, f"/s/bank/lines/{line.line_id}/aside", reason="x").status_code == 404


def test_a_large_file_is_registered_and_the_worker_goes_through_it(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.documents.bank_files.AT_ONCE_LINES", 1)
    house.sign_in(client, "accountant")
    mark = new_id().hex[-10:].upper()
    moves = tuple(Told(-100 - n, today(), f"{mark}{n}", text="X") for n in range(3))
    answer = drop(client, camt(paper(*moves)))
    assert "en cours" in client.get(answer.location, follow_redirects=True).text
    go_on_importing(house.services, house.supplier.supplier_id)
    assert "en cours" not in client.get(answer.location, follow_redirects=True).text
    assert one_line(house, f"{mark}2").state == "not_ours"


def write_cheque(client: FlaskClient, house: House, number: str, **fields: str) -> TestResponse:
    """Write a cheque of the house's customer down."""
    typed = {"kind": "cheque", "amount": "120,00", "currency": "EUR", "on": today().isoformat(), "reference": number}
    return press(client, f"/s/receipts/new/{house.customer_id}", **{**typed, **fields})


def test_a_cheque_is_written_down_brought_to_the_bank_and_cleared_by_its_line(
    client: FlaskClient, house: House
) -> None:
    house.sign_in(client, "accountant")
    number = new_id().hex[-9:]
    written = write_cheque(client, house, number)
    assert written.status_code == 303
    assert write_cheque(client, house, number).location == written.location, "the same paper is one payment"
    receipt_id = written.location.rpartition("/")[2]
    assert "En caisse" in client.get(written.location).text
    reference = f"BORD{number.upper()}"
    made = press(client, "/s/receipts/deposit", kind="cheque", paper=receipt_id, reference=reference)
    assert made.status_code == 303
    assert "À la banque" in client.get(made.location).text
    drop(client, cfonb(paper(Told(12_000, today(), "", text=f"REMISE CHEQUES {reference}"))))
    assert "Encaissé" in client.get(written.location).text
    line = one_line(house, reference)
    assert line.state == "matched"
    assert f"Remise {reference}" in client.get(f"/s/bank/lines/{line.line_id}").text
    check(house)


def test_a_wrong_form_keeps_what_was_typed(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    answer = write_cheque(client, house, "CHQ-KEPT", amount="douze")
    assert answer.status_code == 422
    assert 'value="douze"' in answer.text
    assert 'value="CHQ-KEPT"' in answer.text


def test_cash_above_the_limit_is_recorded_with_a_warning(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    written = write_cheque(client, house, new_id().hex, kind="cash", amount="1500,00")
    assert "D112-3" in client.get(written.location).text


def test_a_list_of_cheques_is_written_down_and_wrong_rows_are_told(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    with house.services.works.begin(house.supplier.supplier_id) as work:
        code = work.scalar(
            "SELECT account_code FROM customers WHERE supplier_id = :supplier AND customer_id = :id",
            id=house.customer_id,
        )
    number = new_id().hex[-8:]
    rows = ["type;client;montant;date;référence", f"chèque;{code};50,00;{today():%d/%m/%Y};{number}"]
    page = drop(client, "\r\n".join(rows).encode("cp1252"), "/s/receipts/list", "liste.csv")
    assert page.status_code == 200
    assert "1 saisis" in page.text
    rows += [f"chèque;NEMO;50,00;{today():%d/%m/%Y};Z", f"chèque;{code};beaucoup;{today():%d/%m/%Y};Y"]
    page = drop(client, "\r\n".join(rows).encode("cp1252"), "/s/receipts/list", "liste.csv")
    assert page.status_code == 422
    told = page.text.replace("\u00a0", " ")
    assert "0 saisis, 1 déjà connus, 2 refusés" in told
    assert "l. 3" in told
    assert "l. 4" in told


def test_a_line_that_went_out_is_named_the_return_of_a_cheque(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    number = new_id().hex[-9:]
    written = write_cheque(client, house, number, amount="87,65")
    press(
        client, "/s/receipts/deposit", kind="cheque", paper=written.location.rpartition("/")[2], reference=f"S{number}"
    )
    drop(client, camt(paper(Told(8_765, today(), "", text=f"REM CHQ S{number}"))))
    mark = f"IMPAYE{number.upper()}"
    drop(client, camt(paper(Told(-10_265, today(), "", text=f"{mark} CHEQUE"))))
    line = one_line(house, mark)
    page = client.get(f"/s/bank/lines/{line.line_id}").text
    found = re.search(rf'value="(hand:cheque:[^"]+{number})"', page)
    assert found, "the cheque is offered"
    said = press(
        client,
        f"/s/bank/lines/{line.line_id}/return",
        payment=found[1],
        kind="bounced",
        fee="15,00",
        reason="sans provision",
    )
    assert said.status_code == 303
    assert one_line(house, mark).state == "returned"
    assert "Impayé" in client.get(written.location).text
    check(house)


def test_pages_that_do_not_exist_are_not_found(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    nobody: UUID = new_id()
    for path in (
        f"/s/bank/lines/{nobody}",
        f"/s/bank/statements/{nobody}",
        f"/s/bank/files/{'0' * 64}",
        "/s/bank/files/x/question",
        f"/s/receipts/{nobody}",
        f"/s/receipts/deposits/{nobody}",
        f"/s/receipts/new?customer={nobody}",
    ):
        assert client.get(path).status_code == 404, path
