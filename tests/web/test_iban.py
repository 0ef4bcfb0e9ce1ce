"""The supplier's account number: shown from the pay link, changed by two people over 72 hours, files checked."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from portal_house import build_house, form_token, press

from config import clock
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from payments import bank_accounts
from payments.bank_accounts import NewAccount, active_account_of, change_under_way
from payments.errors import PaymentError
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.background import quarantine
from portal.background.quarantine import confirm_key, name_of, run_quarantine
from portal.profiles import save_profile
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

OLD, NEW = "FR7630006000011234567890189", "FR1420041010050500013M02606"
HOURS = 73


@pytest.fixture
def own(services: Services) -> House:
    """A house of its own: accounts are changed here."""
    return build_house(services, "Fonderie Marchand")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets time pass for everything that asks the clock."""
    passed = timedelta()
    real = clock.now

    def move(hours: float) -> None:
        nonlocal passed
        passed += timedelta(hours=hours)

    for module in (bank_accounts, quarantine):
        monkeypatch.setattr(module, "now", lambda: real() + passed)
    return move


def propose(client: FlaskClient, own: House, who: str = "owner", **changes: str) -> Any:
    own.sign_in(client, who)
    return press(client, "/s/iban", **{"holder": "Fonderie Marchand SAS", "iban": NEW, "bic": "", **changes})


def change_of(own: House) -> Any:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        return change_under_way(work)


def active_iban(own: House) -> str:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        account = active_account_of(work)
        named = work.scalar("SELECT profile->>'iban' FROM supplier_profiles WHERE supplier_id = :supplier")
    assert account is not None
    assert account.iban == named, "the profile, from which invoices are composed, follows"
    return account.iban


def seen(client: FlaskClient, own: House) -> str:
    """The number that the public page shows, without blanks."""
    return re.sub(r"\s", "", client.get(f"{own.links['due']}/iban").text)


def mails(own: House, like: str) -> list[dict[str, Any]]:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT mail_key, recipient, text_body FROM mails "
            "WHERE supplier_id = :supplier AND mail_key LIKE :like ORDER BY mail_key",
            like=like,
        )
        return [dict(row) for row in rows]


def test_the_page_behind_a_pay_link_shows_the_account_its_bank_and_how_fraud_works(
    client: FlaskClient, own: House
) -> None:
    page = client.get(f"{own.links['due']}/iban")
    assert page.status_code == 200
    assert "FR76 3000 6000 0112 3456 7890 189" in page.text
    assert "AGRIFRPP" in page.text
    assert "Crédit Agricole" in page.text or "CREDIT AGRICOLE" in page.text.upper()
    assert "Comment marche la fraude" in page.text
    assert "How the fraud works" in client.get(f"{own.links['due']}/iban?lang=en").text
    assert client.get("/p/nonsense/iban").status_code == 404


def test_a_change_counts_after_two_people_and_72_hours_and_not_before(
    client: FlaskClient, own: House, later: Any
) -> None:
    assert propose(client, own).status_code == 303
    change = change_of(own)
    later(1)
    own.sign_in(client, "accountant")
    assert press(client, f"/s/iban/{change.bank_account_id}/confirm").status_code == 303
    assert active_iban(own) == OLD
    assert NEW not in seen(client, own)
    later(HOURS - 3)
    assert not run_quarantine(own.services, own.supplier.supplier_id)
    assert OLD in seen(client, own)
    later(3)
    assert run_quarantine(own.services, own.supplier.supplier_id)
    assert active_iban(own) == NEW
    assert NEW in seen(client, own)
    assert OLD not in seen(client, own)
    assert not run_quarantine(own.services, own.supplier.supplier_id)


def test_nobody_confirms_their_own_change(client: FlaskClient, own: House, later: Any) -> None:
    propose(client, own)
    change = change_of(own)
    later(HOURS)
    refused = press(client, f"/s/iban/{change.bank_account_id}/confirm")
    assert refused.status_code == 422
    assert "une autre personne doit le confirmer" in refused.text
    run_quarantine(own.services, own.supplier.supplier_id)
    assert active_iban(own) == OLD


def test_a_planted_bug_that_skips_the_quarantine_is_caught(
    client: FlaskClient, own: House, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_accounts, "QUARANTINE", timedelta())
    with pytest.raises(AssertionError):
        test_a_change_counts_after_two_people_and_72_hours_and_not_before(client, own, later)


def test_a_planted_bug_that_lets_one_person_do_it_is_caught(
    client: FlaskClient, own: House, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bank_accounts.confirm_account
    monkeypatch.setattr(
        "portal.staff.iban.pages.confirm_account", lambda work, key, actor: real(work, key, f"{actor} again")
    )
    with pytest.raises(AssertionError):
        test_nobody_confirms_their_own_change(client, own, later)


def test_payers_with_open_invoices_are_told_once_and_no_mail_carries_the_number(
    client: FlaskClient, own: House, later: Any
) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        work.execute("UPDATE customers SET email = 'compta@client.example' WHERE supplier_id = :supplier")
    propose(client, own)
    change = change_of(own)
    own.sign_in(client, "accountant")
    press(client, f"/s/iban/{change.bank_account_id}/confirm")
    assert mails(own, f"iban/{change.bank_account_id}/0%") == []
    later(HOURS)
    run_quarantine(own.services, own.supplier.supplier_id)
    told = mails(own, f"iban/{change.bank_account_id}/0%")
    assert told
    assert {each["recipient"] for each in told} == {"compta@client.example"}
    assert len({each["mail_key"] for each in told}) == len(told)
    everything = mails(own, "iban/%")
    assert all(NEW not in re.sub(r"\s", "", each["text_body"]) for each in everything)
    assert all(NEW[-4:] in each["text_body"] for each in told)
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert quarantine.tell_payers(work, change, "https://portal.example") == 0


def test_the_second_person_is_told_that_a_change_waits(client: FlaskClient, own: House) -> None:
    propose(client, own, "accountant")
    waiting = mails(own, "iban/%/proposed/%")
    assert own.people["owner"].email in {each["recipient"] for each in waiting}
    assert own.people["accountant"].email not in {each["recipient"] for each in waiting}


def test_a_change_is_refused_or_withdrawn_with_a_reason_and_all_of_it_is_audited(
    client: FlaskClient, own: House, later: Any
) -> None:
    propose(client, own)
    change = change_of(own)
    own.sign_in(client, "accountant")
    assert press(client, f"/s/iban/{change.bank_account_id}/refuse", reason=" ").status_code == 422
    assert press(client, f"/s/iban/{change.bank_account_id}/refuse", reason="Jamais demandé").status_code == 303
    assert change_of(own) is None
    propose(client, own, "accountant")
    second = change_of(own)
    press(client, f"/s/iban/{second.bank_account_id}/refuse", reason="Faute de frappe")
    later(HOURS)
    run_quarantine(own.services, own.supplier.supplier_id)
    assert active_iban(own) == OLD
    assert press(client, f"/s/iban/{second.bank_account_id}/confirm").status_code == 422
    with own.services.works.begin(own.supplier.supplier_id) as work:
        acts = work.rows(
            "SELECT act FROM audit_rows WHERE supplier_id = :supplier AND act LIKE 'bank_account.%' ORDER BY audit_id"
        )
    assert [row["act"] for row in acts] == [
        "bank_account.adopted",
        "bank_account.proposed",
        "bank_account.refused",
        "bank_account.proposed",
        "bank_account.withdrawn",
    ]
    assert "Jamais demandé" in client.get("/s/iban").text


def test_one_change_at_a_time_and_only_a_real_other_account(client: FlaskClient, own: House) -> None:
    assert (
        "L&#39;IBAN" in propose(client, own, iban="FR00").text or propose(client, own, iban="FR00").status_code == 422
    )
    assert propose(client, own, iban=OLD).status_code == 422
    assert propose(client, own).status_code == 303
    assert propose(client, own, iban="DE89370400440532013000").status_code == 422
    own.sign_in(client, "collector")
    assert press(client, "/s/iban", holder="X", iban=NEW, bic="").status_code == 404
    assert client.get("/s/iban").status_code == 200


def test_a_lone_owner_confirms_by_a_mailed_link_after_72_hours_only(
    client: FlaskClient, services: Services, later: Any
) -> None:
    supplier = create_supplier(services.database, f"{clock.new_id().int % 10**9:09d}", "Atelier seul")
    person = add_person(services.database, f"seule-{clock.new_id().hex[:8]}@atelier.example", "Ada Seule")
    add_membership(services.database, person.person_id, supplier.supplier_id, Role.OWNER)
    client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    with services.works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
            "VALUES (:supplier, CAST(:profile AS jsonb), now())",
            profile=f'{{"name": "Atelier seul", "iban": "{OLD}"}}',
        )
    assert press(client, "/s/iban", holder="Atelier seul", iban=NEW, bic="").status_code == 303
    with services.works.begin(supplier.supplier_id) as work:
        change = change_under_way(work)
        assert change is not None
    path, key = f"/s/iban/{change.bank_account_id}/confirm", confirm_key(services, change)
    assert press(client, path, key=key).status_code == 422, "not before the 72 hours"
    later(HOURS)
    assert press(client, path, key="").status_code == 422, "not without the mail"
    run_quarantine(services, supplier.supplier_id)
    with services.works.begin(supplier.supplier_id) as work:
        body = work.scalar("SELECT text_body FROM mails WHERE supplier_id = :supplier AND mail_key LIKE '%/alone'")
    assert key in body
    assert "Confirmer ce compte" in client.get(f"/s/iban?key={key}").text
    assert press(client, path, key=key).status_code == 303
    with services.works.begin(supplier.supplier_id) as work:
        active = active_account_of(work)
    assert active is not None
    assert active.iban == NEW
    assert active.confirmed_by == f"{name_of(person)}, by a mailed link"


def test_the_mailed_link_of_a_lone_owner_is_nothing_where_somebody_else_could_confirm(
    client: FlaskClient, own: House, later: Any
) -> None:
    propose(client, own)
    change = change_of(own)
    later(HOURS)
    key = confirm_key(own.services, change)
    assert press(client, f"/s/iban/{change.bank_account_id}/confirm", key=key).status_code == 422


def test_a_profile_from_the_command_line_cannot_change_the_account(own: House) -> None:
    profile = SellerProfile("Fonderie Marchand", own.supplier.siren or "", Address(country="FR"), iban=NEW)
    with own.services.works.begin(own.supplier.supplier_id) as work:
        proposed = save_profile(work, profile)
    assert proposed is not None
    assert proposed.state == "proposed"
    assert active_iban(own) == OLD
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert save_profile(work, profile) == proposed


def test_the_table_itself_refuses_one_person_and_two_active_accounts(own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        account_id = bank_accounts.propose_account(work, NewAccount(NEW, None, "X"), "person a")
    with (
        pytest.raises(Exception, match="violates check constraint"),
        own.services.works.begin(own.supplier.supplier_id) as work,
    ):
        work.execute(
            "UPDATE bank_accounts SET confirmed_by = 'person a' "
            "WHERE supplier_id = :supplier AND bank_account_id = :id",
            id=account_id,
        )
    with (
        pytest.raises(Exception, match="one_active_bank_account"),
        own.services.works.begin(own.supplier.supplier_id) as work,
    ):
        work.execute(
            "UPDATE bank_accounts SET state = 'active' WHERE supplier_id = :supplier AND bank_account_id = :id",
            id=account_id,
        )
    with pytest.raises(PaymentError) as refused, own.services.works.begin(own.supplier.supplier_id) as work:
        bank_accounts.activate_account(work, account_id)
    assert refused.value.code == "iban.in_quarantine"


def drop(client: FlaskClient, own: House, content: bytes, state: str = "due", name: str = "facture.pdf") -> Any:
    token = form_token(client)
    return client.post(
        f"{own.links[state]}/iban",
        data={"form_token": token, "file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def test_a_dropped_file_of_ours_is_recognised_to_the_byte(client: FlaskClient, own: House) -> None:
    content = b"%PDF-1.7 the very file"
    with own.services.works.begin(own.supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
            "created_at) VALUES (:supplier, :id, :invoice, 'facturx', 'same.pdf', 'application/pdf', :sha, 1, now())",
            id=clock.new_id(),
            invoice=own.invoices["due"].invoice_id,
            sha=hashlib.sha256(content).hexdigest(),
        )
    assert "exactement notre document" in drop(client, own, content).text
    assert "Ce n&#39;est pas un fichier que nous avons émis" in drop(client, own, content + b" ").text


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 cut", b"<not xml", b"\x89PNG\r\n", b"{}"])
def test_what_cannot_be_read_is_answered_without_an_error(client: FlaskClient, own: House, content: bytes) -> None:
    assert drop(client, own, content).status_code in {200, 422}


def test_a_file_too_large_is_refused(client: FlaskClient, own: House) -> None:
    assert drop(client, own, b"%PDF" + b"0" * (11 * 1024 * 1024)).status_code == 413
