"""The customers' portal: people and their rights, several suppliers, terms, advices, company data, export, opening."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from customer_builders import add_lesser_people, customer_things
from invoicing_builders import invoicing_things
from ledger_builders import issue
from portal_house import build_house, form_token, press
from sqlalchemy import text
from treasury_till import words

from config.clock import new_id, today
from einvoice.kept import issued_document
from payments.banking.by_hand import printed_reference
from portal.access.invitations import over
from portal.access.people import add_membership, add_person, find_person, memberships_of
from portal.access.roles import Right, Role
from portal.customer.people import pages
from portal.customer.people.register import change_rights, colleagues_of, let_go, let_in
from portal.telling.references import told_reference
from portal.words import colon, country, speaking
from receivables.errors import ConflictError
from receivables.store.customer_file.details import customer_details
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.register import create_supplier
from receivables.store.settlement.terms_shown import note_terms_shown, shown_version, terms_of_payment
from receivables.store.settlement.terms_versions import publish_terms

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: they change who may do what in it."""
    built = build_house(services, "Atelier des Clients")
    customer_things(built)
    return built


def as_(house: House, app: Flask, who: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    house.sign_in(client, who)
    return client


@pytest.mark.parametrize(
    ("who", "offered", "hidden"),
    [
        ("viewer", (), ("/pay", "/dispute", "Tout payer")),
        ("payer", ("/pay",), ("/dispute",)),
        ("disputer", ("/dispute",), ("/pay",)),
    ],
)
def test_what_somebody_may_not_do_is_not_offered(
    app: Flask, house: House, who: str, offered: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    client = as_(house, app, who)
    path = f"/c/invoices/{house.invoices['late'].invoice_id}"
    page = client.get(path).text + client.get("/c/").text
    with house.services.works.begin(house.supplier.supplier_id) as work:
        online = work.scalar("SELECT count(*) FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    for each in offered:
        assert f"{path}{each}" in page or (each == "/pay" and not online)
    for each in hidden:
        assert (f"{path}{each}" if each.startswith("/") else f">{each}<") not in page


def test_a_right_at_one_supplier_is_none_at_another(
    app: Flask, house: House, neighbour: House, services: Services
) -> None:
    person = add_person(services.database, f"twice@{house.supplier.siren}.example", "Alex Deux")
    for each, rights in ((house, frozenset[Right]()), (neighbour, frozenset({Right.PAY}))):
        supplier_id = each.supplier.supplier_id
        add_membership(services.database, person.person_id, supplier_id, Role.CUSTOMER, each.customer_id, rights=rights)
    house.people["twice"] = person
    client = as_(house, app, "twice")
    press(client, "/switch", place=f"{house.supplier.supplier_id}.{house.customer_id}")
    assert client.get("/c/pay").status_code == 404
    press(client, "/switch", place=f"{neighbour.supplier.supplier_id}.{neighbour.customer_id}")
    assert client.get("/c/pay").status_code == 200
    overview = client.get("/c/all").text
    assert house.supplier.name in overview
    assert neighbour.supplier.name in overview


def let_in_and_fail(*given: Any) -> None:
    let_in(*given)
    raise over()


def test_an_invited_colleague_accepts_by_a_click_and_signs_in_by_a_link_of_their_own(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = f"new@{house.supplier.siren}.example"
    admin = as_(house, app, "customer")
    assert press(admin, "/c/people", name="Noa", email=email, language="fr", right="pay").status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        mail = work.row(
            "SELECT text_body FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'invitation/%' "
            "AND recipient = :email",
            email=email,
        )
    assert mail is not None
    token = mail["text_body"].partition("/join/")[2].split()[0]
    stranger = app.test_client()
    assert stranger.get(f"/join/{token}").status_code == 200
    assert find_person(house.services.database, email) is None, "looking lets nobody in"
    with monkeypatch.context() as patch:
        patch.setattr(pages, "let_in", let_in_and_fail)
        assert press(stranger, f"/join/{token}").status_code == 422
    assert find_person(house.services.database, email) is None, "what the trail does not hold did not happen"
    accepted = press(stranger, f"/join/{token}")
    assert (accepted.status_code, accepted.location) == (303, "/sign-in/sent")
    assert stranger.get("/c/").status_code == 303, "accepting opens no session"
    person = find_person(house.services.database, email)
    assert person is not None
    (membership,) = memberships_of(house.services.database, person.person_id)
    assert (membership.customer_id, membership.rights) == (house.customer_id, frozenset({Right.PAY}))
    assert stranger.get(f"/join/{token}").status_code == 410
    assert press(stranger, f"/join/{token}").status_code == 410
    again = press(admin, "/c/people", name="Noa", email=email.upper(), language="fr", right="pay")
    assert again.status_code == 422
    assert "a déjà accès" in words(again.text)


def test_who_is_signed_in_reads_of_a_missing_page_in_their_own_language(app: Flask, house: House) -> None:
    english = {"Accept-Language": "en"}
    for address in ("/c/nothing", f"/s/customers/{house.customer_id}"):
        missing = as_(house, app, "viewer").get(address, headers=english)
        assert missing.status_code == 404
        assert "Partez de l'accueil" in words(missing.text), address
    assert "Page not found" in app.test_client().get("/nothing", headers=english).text


def test_an_account_never_loses_its_last_administrator(services: Services) -> None:
    database = services.database
    supplier_id = create_supplier(database, f"{new_id().int % 10**9:09d}", "Atelier").supplier_id
    with services.works.begin(supplier_id) as work:
        customer_id = issue(work).customer_id

    def person(email: str, *rights: Right) -> UUID:
        return let_in(database, supplier_id, customer_id, (email, "", "fr"), frozenset(rights)).person_id

    only = person("solo@x.example", *Right)
    payer, viewer = person("payer@x.example", Right.PAY, Right.DISPUTE), person("viewer@x.example")
    standing = {only: frozenset(Right), payer: frozenset({Right.PAY, Right.DISPUTE}), viewer: frozenset()}

    def rights() -> dict[UUID, frozenset[Right]]:
        return {each.person_id: each.rights for each in colleagues_of(database, supplier_id, customer_id)}

    with pytest.raises(ConflictError, match="administer"):
        change_rights(database, supplier_id, customer_id, only, frozenset({Right.PAY}))
    with pytest.raises(ConflictError, match="administer"):
        let_go(database, supplier_id, customer_id, only)
    assert rights() == standing
    change_rights(database, supplier_id, customer_id, viewer, frozenset({Right.ADMINISTER}))
    let_go(database, supplier_id, customer_id, only)
    assert rights() == {payer: standing[payer], viewer: frozenset({Right.ADMINISTER})}
    with pytest.raises(ConflictError, match="administer"):
        let_go(database, supplier_id, customer_id, viewer)


def test_two_administrators_who_remove_each_other_at_once_leave_one(services: Services) -> None:
    database = services.database
    supplier_id = create_supplier(database, f"{new_id().int % 10**9:09d}", "Atelier").supplier_id
    with services.works.begin(supplier_id) as work:
        customer_id = issue(work).customer_id
    both = [
        let_in(database, supplier_id, customer_id, (f"{name}@x.example", "", "fr"), frozenset(Right)).person_id
        for name in ("anne", "bob")
    ]
    start = Barrier(2)

    def remove(person_id: UUID) -> bool:
        start.wait()
        try:
            let_go(database, supplier_id, customer_id, person_id)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as hands:
        gone = list(hands.map(remove, both))
    assert sorted(gone) == [False, True]
    assert [each.person_id for each in colleagues_of(database, supplier_id, customer_id)] == [both[gone.index(False)]]


def test_the_list_of_invoices_is_narrowed_by_state_day_and_amount(app: Flask, house: House) -> None:
    client = as_(house, app, "viewer")
    due, late = house.invoices["due"].number, house.invoices["late"].number

    def shown(query: str) -> set[str]:
        page = client.get(f"/c/invoices?{query}").text
        return {each.number for each in house.invoices.values() if f">{each.number}<" in page}

    assert late in shown("show=late")
    assert due not in shown("show=late")
    assert shown("least=3400&most=3400") == {late}
    assert shown("least=3400,01") == set()
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert shown(f"from={tomorrow}") == set()
    assert due in shown("from=nonsense&least=abc")
    assert "« nonsense » n'est ni un montant ni une date" in words(client.get("/c/invoices?from=nonsense&least=1").text)
    assert "n'est ni un montant" not in words(client.get(f"/c/invoices?from={tomorrow}&least=1").text)


def test_an_issued_invoice_is_read_with_prices_in_its_currency_its_terms_and_nothing_technical(
    app: Flask, house: House
) -> None:
    invoice_id = invoicing_things(house)["written_before"]
    with house.services.works.begin(house.supplier.supplier_id) as work:
        invoice = get_invoice(work, invoice_id)
    reader = ("reader@x.example", "Rita", "fr")
    house.people["reader"] = let_in(
        house.services.database, house.supplier.supplier_id, invoice.customer_id, reader, frozenset()
    )
    client = as_(house, app, "reader")
    page = client.get(f"/c/invoices/{invoice_id}/read").text
    line = issued_document(invoice).lines[0]
    assert line.net_price is not None
    shown = f"{line.net_price.quantize(Decimal('0.01')):f} €".replace(".", ",").replace(" ", "\u00a0")
    assert shown in page.replace("\u202f", "")
    assert "indemnité forfaitaire" in page
    assert ">B2B<" not in page
    assert "RCS Lyon" in page
    assert f'href="/c/invoices/{invoice_id}/read"' in client.get(f"/c/invoices/{invoice_id}").text
    assert invoice.customer_id != house.customer_id
    assert as_(house, app, "customer").get(f"/c/invoices/{invoice_id}/read").status_code == 404


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("hand:cheque:01a204e6-4afb-7e6f-b7dd-4f47f6beef87:04 : 81", "04 : 81"),
        ("hand:other:x:04", "hand:other:x:04"),
        ("pi_1", "pi_1"),
    ],
)
def test_a_reference_is_told_as_it_stands_on_the_paper(key: str, told: str) -> None:
    assert printed_reference(key) == told


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("pi_3OqXy7abc", ""),
        ("PM8QZ4K7W2N6T1V9X3", ""),
        ("PM000123ABC", ""),
        ("RF18539007547034", "RF18539007547034"),
        ("0481516", "0481516"),
        ("replaced", "replaced"),
        ("PM20260001", "PM20260001"),
        ("PMT202601", "PMT202601"),
        ("re_2026_12", "re_2026_12"),
    ],
)
def test_a_list_shows_no_id_of_a_provider(reference: str, told: str) -> None:
    assert told_reference(reference) == told


def test_a_country_and_the_sign_before_what_is_named_follow_the_language() -> None:
    with speaking("en"):
        assert (country("DE"), country("ZZ9"), colon()) == ("Germany", "ZZ9", ":")
    with speaking("fr"):
        assert (country("DE"), colon()) == ("Allemagne", "\u00a0:")


def test_the_terms_that_were_shown_are_kept_with_the_payment(house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        shown = shown_version(work, customer_things(house)["terms"])
        assert shown is not None
        later = publish_terms(work, today(), "test", wording="Paiement à 45 jours.")
        assert shown_version(work, "none").version_id == later.version_id  # type: ignore[union-attr]
        ahead = publish_terms(work, today() + timedelta(days=9), "test", wording="Paiement à 60 jours.")
        assert shown_version(work, str(ahead.version_id)).version_id == later.version_id  # type: ignore[union-attr]
        attempt = work.scalar("SELECT attempt_id FROM payment_attempts WHERE supplier_id = :supplier LIMIT 1")
        for _ in range(2):
            note_terms_shown(work, attempt, house.customer_id, shown, ("payer", "fr"))
        kept = terms_of_payment(work, attempt)
        assert kept is not None
        assert (kept.version, kept.sha256) == (shown.version, shown.sha256)


def test_every_customer_page_says_whom_to_call(app: Flask, house: House, client: FlaskClient) -> None:
    for page in (as_(house, app, "viewer").get("/c/statement"), client.get(house.links["due"])):
        assert "tel:0123456789" in page.text
    english = client.get(f"{house.links['due']}?lang=en").text
    assert "9 to 12" in english
    assert "tel:" not in as_(house, app, "collector").get("/s/").text


def test_an_advice_is_sent_as_a_file_confirmed_and_seen_by_the_supplier(app: Flask, house: House) -> None:
    client = as_(house, app, "payer")
    due = house.invoices["due"]
    sent = client.post(
        "/c/advices",
        data={
            "form_token": form_token(client),
            "file": (io.BytesIO(f"Facture;Montant\n{due.number};12,34\nweb;\n".encode()), "avis.csv"),
        },
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert sent.status_code == 303
    assert due.number in client.get(sent.location).text
    wrong = press(client, sent.location, pick=str(due.invoice_id), **{f"a.{due.invoice_id}": "douze"})
    assert wrong.status_code == 422
    fields = {f"a.{due.invoice_id}": "12,34", "paid_on": today().isoformat(), "reference": "LOT 7"}
    done = press(client, sent.location, pick=str(due.invoice_id), **fields)
    assert done.status_code == 303
    assert "LOT 7" in client.get(sent.location).text
    advice_id = sent.location.rpartition("/")[2]
    staff = as_(house, app, "collector")
    assert due.number in staff.get(f"/s/requests/advices/{advice_id}").text
    assert b"12,34" in staff.get(f"/s/requests/advices/{advice_id}/file").data
    assert as_(house, app, "other_customer").get(sent.location).status_code == 404


def test_a_change_of_company_data_waits_for_the_supplier(app: Flask, house: House) -> None:
    admin = as_(house, app, "customer")
    assert press(admin, "/c/company", city="Brest", name="Garage du Test").status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert customer_details(work, house.customer_id).place.city != "Brest"
        change_id = work.scalar(
            "SELECT change_id FROM company_changes WHERE supplier_id = :supplier AND state = 'asked' "
            "AND customer_id = :customer",
            customer=house.customer_id,
        )
    assert press(as_(house, app, "collector"), f"/s/requests/changes/{change_id}/take").status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        details = customer_details(work, house.customer_id)
        assert (details.name, details.place.city) == ("Garage du Test", "Brest")
        told = work.scalar(
            "SELECT recipient FROM mails WHERE supplier_id = :supplier AND mail_key = :key",
            key=f"company-change/{change_id}",
        )
    assert told == house.people["customer"].email


def test_the_export_holds_what_the_customer_sees_and_nothing_of_anybody_else(app: Flask, house: House) -> None:
    answer = as_(house, app, "customer").get("/c/export/file.zip")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as exported:
        names = exported.namelist()
        data = json.loads(exported.read("data.json"))
        everything = b"".join(exported.read(name) for name in names)
    own = {each.number for state, each in house.invoices.items() if state != "foreign"}
    assert {each["number"] for each in data["invoices"]} >= own
    assert house.invoices["foreign"].number not in {each["number"] for each in data["invoices"]}
    assert f"documents/{house.invoices['paid'].number}/{house.invoices['paid'].number}.pdf" in names
    assert not [name for name in names if "cdar" in name]
    assert str(house.invoices["foreign"].invoice_id).encode() not in everything
    assert as_(house, app, "payer").get("/c/export/file.zip").status_code == 404


def test_an_account_is_asked_for_confirmed_by_its_mailbox_and_opened_with_a_limit(app: Flask, house: House) -> None:
    visitor, reference = app.test_client(), house.supplier.reference
    fields = {"company": "Neuve SAS", "person": "Ama", "email": "ama@neuve.example", "wanted": "5 000"}
    assert press(visitor, f"/open/{reference}", **fields).status_code == 422, "the terms were not agreed to"
    assert press(visitor, f"/open/{reference}", agreed="yes", **fields).status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        row = work.row(
            "SELECT request_id, state FROM account_requests WHERE supplier_id = :supplier AND company = 'Neuve SAS'"
        )
        body = work.scalar(
            "SELECT text_body FROM mails WHERE supplier_id = :supplier AND recipient = 'ama@neuve.example'"
        )
    assert row is not None
    owner, path = as_(house, app, "credit_manager"), f"/s/requests/accounts/{row['request_id']}"
    assert press(owner, f"{path}/approve").status_code == 404, "its mailbox has not confirmed it"
    token = body.partition("/opening/")[2].split()[0]
    assert press(visitor, f"/opening/{token}").status_code == 200
    assert press(owner, f"{path}/approve", limit="3 000", reason="Bienvenue").status_code == 303
    person = find_person(house.services.database, "ama@neuve.example")
    assert person is not None
    (membership,) = memberships_of(house.services.database, person.person_id)
    assert membership.rights == frozenset(Right)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        limit = work.scalar(
            "SELECT amount_minor FROM credit_limits WHERE supplier_id = :supplier AND customer_id = :customer",
            customer=membership.customer_id,
        )
        assert limit == 300_000
        assert customer_details(work, UUID(str(membership.customer_id))).name == "Neuve SAS"
    assert press(owner, f"{path}/approve").status_code == 422, "decided, and somebody is in"
    with house.services.database.register() as connection:  # as after a crash between the account and its first person
        connection.execute(
            text("UPDATE memberships SET ended_at = now() WHERE person_id = :p"), {"p": person.person_id}
        )
    assert "Donner l'accès à Ama" in owner.get(path).text
    assert press(owner, f"{path}/approve").status_code == 303
    (again,) = memberships_of(house.services.database, person.person_id)
    assert again.customer_id == membership.customer_id


def test_a_closed_opening_page_is_no_page(client: FlaskClient, neighbour: House) -> None:
    add_lesser_people(neighbour)
    assert client.get(f"/open/{neighbour.supplier.reference}").status_code == 404
    assert press(client, f"/open/{neighbour.supplier.reference}", company="X").status_code == 404
