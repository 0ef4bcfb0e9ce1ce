"""Settings: what a supplier says of itself is judged, kept, audited, and shows on what it issues."""

from __future__ import annotations

import base64
import re
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from outside_servers import name_server, vies_stand_in
from portal_house import form_token, press
from settings_builders import settings_things
from story_builders import Story, a_siren

from config.clock import today
from config.outgoing import Reach
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.app import create_app
from portal.vat_numbers.checking import check_vat_number
from portal.vat_numbers.vies import Vies
from receivables.domain.invoicing.number_series import NumberWording
from receivables.errors import ConflictError
from receivables.store.customer_file.details import list_customers
from receivables.store.customer_file.vat_checks import Answer, checks_of
from receivables.store.invoicing.items import list_items
from receivables.store.invoicing.numbers import series_states, word_numbers
from receivables.store.mail.texts import mail_texts_of
from receivables.store.register import create_supplier
from receivables.store.settlement.terms_versions import current_terms

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CLIENT = {
    "kind": "business",
    "name": "Brasserie du Canal",
    "line1": "2 quai des Péniches",
    "postcode": "59000",
    "city": "Lille",
    "country": "FR",
    "language": "fr",
    "terms": "usual",
}
ITEM = {
    "code": "AUDIT-J",
    "name": "Audit, journée",
    "unit": "DAY",
    "nature": "services",
    "price": "1 250,50",
    "vat_category": "S",
    "vat_rate": "20",
}


@pytest.fixture
def story(services: Services) -> Story:
    """A supplier without anything but its profile."""
    return Story(services)


@pytest.fixture
def owner(client: FlaskClient, story: Story) -> FlaskClient:
    """The browser of its owner."""
    return sign_in(client, story)


def sign_in(client: FlaskClient, story: Story) -> FlaskClient:
    person = add_person(story.services.database, f"owner@{story.siren}.example", "Camille Owner")
    add_membership(story.services.database, person.person_id, story.id, Role.OWNER)
    client.set_cookie("session", open_session(story.services.database, story.services.settings, person.person_id))
    return client


def words(answer: TestResponse) -> str:
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))
    return plain.replace("&#39;", "'").replace("\u00a0", " ").replace("\u202f", " ")


def give_file(client: FlaskClient, path: str, field: str, content: bytes, name: str, **fields: str) -> TestResponse:
    data: dict[str, Any] = {"form_token": form_token(client), **fields, field: (BytesIO(content), name)}
    return client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})


def acts(story: Story) -> list[str]:
    with story.services.works.begin(story.id) as work:
        rows = work.rows("SELECT act FROM audit_rows WHERE supplier_id = :supplier ORDER BY audit_id")
    return [row["act"] for row in rows]


def test_every_page_of_settings_opens_in_both_languages(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    places = [f"/s/items/{settings_things(house)['item']}", f"/s/clients/{house.customer_id}"]
    rooms = re.findall(r'class="room" href="([^"]+)"', client.get("/s/settings").text)
    assert len(rooms) > 15
    for path in (*rooms, *places, "/s/clients/new", "/s/items/new", "/s/settings/mail-texts/invoice"):
        for spoken in ("fr", "en"):
            answer = client.get(f"{path}?lang={spoken}")
            assert answer.status_code == 200, (path, words(answer))


def test_a_customer_with_terms_of_its_own_is_invoiced_by_them(owner: FlaskClient, story: Story) -> None:
    siren = a_siren()
    added = press(owner, "/s/clients/new", **CLIENT | {"siren": siren, "terms": "then_month_end", "days": "30"})
    assert added.status_code == 303, words(added)
    again = press(owner, "/s/clients/new", **CLIENT | {"siren": siren})
    assert again.status_code == 422
    assert "est déjà client, sous le code C00001" in words(again)
    buyer = {"name": "Brasserie du Canal", "siren": siren, "address": {"city": "Lille", "postcode": "59000"}}
    invoice = story.issue(buyer=buyer, issue_date=date(2026, 1, 31)).invoice
    assert invoice.due_on == date(2026, 3, 31)
    stated = story.issue(buyer=buyer, issue_date=date(2026, 1, 31), due_date=date(2026, 2, 10)).invoice
    assert stated.due_on == date(2026, 2, 10), "an invoice that states its due date keeps it"
    path = added.location.partition("?")[0]
    assert press(owner, path, **CLIENT | {"siren": siren, "email": "Compta@Canal.example"}).status_code == 303
    assert story.issue(buyer=buyer, issue_date=date(2026, 1, 31)).invoice.due_on == date(2026, 3, 2), "30 days again"
    with story.services.works.begin(story.id) as work:
        (listed,) = list_customers(work, "canal.example")
    assert (listed.email, listed.city, listed.open_minor) == ("compta@canal.example", "Lille", 36000)
    assert {"customer.opened", "customer.terms_agreed", "customer.changed"} <= set(acts(story))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"siren": "123456789"}, "siren-error"),
        ({"siren": ""}, "siren-error"),
        ({"siren": "", "vat_id": "BE0123456789", "country": "BE"}, "vat_id-error"),
        ({"kind": "consumer", "siren": "732829320"}, "kind-error"),
        ({"email": "nobody"}, "email-error"),
        ({"terms": "invoice", "days": "400"}, "days-error"),
        ({"city": ""}, "city-error"),
        ({"country": "ZZ"}, "country-error"),
    ],
)
def test_a_customer_that_could_not_be_invoiced_is_refused_beside_the_field(
    client: FlaskClient, house: House, changed: dict[str, str], field: str
) -> None:
    house.sign_in(client, "owner")
    answer = press(client, "/s/clients/new", **CLIENT | {"siren": "732829320"} | changed)
    assert answer.status_code == 422
    assert f'id="{field}"' in answer.text
    assert 'value="Brasserie du Canal"' in answer.text, "what was typed is not lost"


def test_an_item_is_added_changed_retired_and_its_code_is_its_own(owner: FlaskClient, story: Story) -> None:
    added = press(owner, "/s/items/new", **ITEM)
    assert added.status_code == 303, words(added)
    assert press(owner, "/s/items/new", **ITEM | {"code": "audit-j"}).status_code == 422
    free = press(owner, "/s/items/new", **ITEM | {"code": "FORM", "vat_category": "E", "vat_exemption": ""})
    assert 'id="vat_exemption-error"' in free.text
    path = added.location.partition("?")[0]
    assert press(owner, path, **ITEM | {"price": "", "account": "706000"}).status_code == 303
    with story.services.works.begin(story.id) as work:
        (item,) = list_items(work, "journée")
    assert (item.facts.price, item.facts.account, str(item.facts.vat_rate)) == (None, "706000", "20")
    press(owner, f"{path}/retire")
    assert "Le catalogue est vide" in words(owner.get("/s/items"))
    assert "Audit, journée" in words(owner.get("/s/items?show=all"))


def test_a_new_prefix_counts_from_the_first_year_without_numbers(owner: FlaskClient, story: Story) -> None:
    assert press(owner, "/s/settings/series", series="F", prefix="lyon", digits="4").status_code == 303
    assert story.issue().invoice.number == f"LYON{today().year}-0001"
    assert story.issue().invoice.number == f"LYON{today().year}-0002"
    assert press(owner, "/s/settings/series", series="F", prefix="FA", digits="5").status_code == 303
    assert story.issue().invoice.number == f"LYON{today().year}-0003", "a year that began keeps its form"
    taken = press(owner, "/s/settings/series", series="A", prefix="FA", digits="5")
    assert "deux documents auraient le même numéro" in words(taken)
    with story.services.works.begin(story.id) as work:
        (state,) = [each for each in series_states(work, today().year + 1) if each.series == "F"]
        assert state.next_number == f"FA{today().year + 1}-00001"
        with pytest.raises(ConflictError, match="given already"):
            word_numbers(work, "F", today().year, NumberWording("X"), "test")


def test_terms_are_published_once_and_counted(owner: FlaskClient, story: Story) -> None:
    page = "/s/settings/terms"
    on = today().isoformat()
    assert press(owner, page, effective_on=on, wording="Nos conditions").status_code == 303
    assert (
        give_file(owner, page, "file", b"%PDF-1.7 terms", "CGV 2099.pdf", effective_on="2099-01-01").status_code == 303
    )
    assert press(owner, page, effective_on="2020-01-01", wording="Avant").status_code == 422
    assert press(owner, page, effective_on=on).status_code == 422
    assert give_file(owner, page, "file", b"MZ", "CGV.pdf", effective_on=on).status_code == 422
    with story.services.works.begin(story.id) as work:
        now, later = current_terms(work, today()), current_terms(work, date(2099, 6, 1))
    assert now is not None
    assert later is not None
    assert (now.version, now.wording, later.version, later.filename) == (1, "Nos conditions", 2, "CGV 2099.pdf")
    assert story.services.archive.get(later.sha256) == b"%PDF-1.7 terms"
    shown = words(owner.get(page))
    assert "En vigueur" in shown
    assert "À venir" in shown


def test_a_logo_is_kept_as_a_drawing_that_can_do_nothing(owner: FlaskClient, story: Story) -> None:
    page = "/s/settings/branding"
    assert give_file(owner, page, "logo", PIXEL, "logo.png", colour="#7a1f5f").status_code == 303
    drawn = owner.get(f"{page}/logo.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert "sandbox" in drawn.headers["Content-Security-Policy"]
    evil = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    refused = give_file(owner, page, "logo", evil, "logo.svg", colour="#7a1f5f")
    assert refused.status_code == 422
    assert 'id="logo-error"' in refused.text
    assert press(owner, page, colour="red").status_code == 422
    assert press(owner, page, colour="#ffee00", remove="1").status_code == 303
    assert owner.get(f"{page}/logo.svg").status_code == 404
    assert "Trop clair pour du texte" in words(owner.get(page))
    with story.services.works.begin(story.id) as work:
        profile = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier")
    assert profile["colour"] == "#ffee00"
    assert profile["siren"] == story.siren, "the rest of the profile is untouched"


def test_own_words_of_mails_know_only_their_places(owner: FlaskClient, story: Story) -> None:
    page = "/s/settings/mail-texts/invoice"
    refused = press(owner, page, subject_fr="Facture {facture}", opening_fr="Bonjour {prenom}")
    assert refused.status_code == 422
    assert "ne connaît pas {prenom}" in words(refused)
    assert press(owner, page, subject_fr="Facture {facture}", opening_fr="Bonjour {client}").status_code == 303
    assert press(owner, "/s/settings/mail-texts/every", closing_en="Kind regards").status_code == 303
    assert owner.get("/s/settings/mail-texts/sign_in").status_code == 404, "safety keeps the house's words"
    with story.services.works.begin(story.id) as work:
        texts = mail_texts_of(work)
    assert texts.of("invoice", "fr").subject == "Facture {facture}"
    assert (texts.signature("en"), texts.signature("fr")) == ("Kind regards", "")
    press(owner, page)
    with story.services.works.begin(story.id) as work:
        assert mail_texts_of(work).of("invoice", "fr").is_empty


def test_a_new_supplier_becomes_ready_page_by_page(client: FlaskClient, services: Services) -> None:
    siren = a_siren()
    supplier = create_supplier(services.database, siren, "Studio Neuf")
    person = add_person(services.database, f"owner@{siren}.example", "Lou Neuf")
    add_membership(services.database, person.person_id, supplier.supplier_id, Role.OWNER)
    client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    assert "Il manque 4 points" in words(client.get("/s/settings"))
    identity = {"name": "Studio Neuf SAS", "line1": "1 rue Neuve", "postcode": "69001", "city": "Lyon", "country": "FR"}
    identity |= {"language": "fr", "nature": "services", "vat_on_debits": "no", "iban": "FR7630006000011234567890189"}
    wrong = press(client, "/s/company/identity", **identity | {"siret": "12345678901234"})
    assert wrong.status_code == 422
    assert 'id="siret-error"' in wrong.text
    kept = press(client, "/s/company/identity", **identity)
    assert kept.status_code == 303, words(kept)
    assert "Il manque 2 points" in words(client.get("/s/settings")), "the first account counts at once"
    law = {"size": "micro", "vat_regime": "franchise", "year_end_day": "31", "year_end_month": "12", "pause_days": "3"}
    assert press(client, "/s/company", **law).status_code == 303
    terms = {"terms_days": "45", "discount_percent": "1,5", "discount_days": "8", "penalty_rate": "12"}
    assert press(client, "/s/company/terms", **terms).status_code == 303
    assert 'id="discount_percent-error"' in press(client, "/s/company/terms", **terms | {"discount_days": ""}).text
    assert "Il manque un point" in words(client.get("/s/settings"))
    with services.works.begin(supplier.supplier_id) as work:
        profile = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier")
    assert (profile["terms_days"], profile["discount_percent"], profile["size"]) == (45, "1.5", "micro")


def test_vies_is_asked_once_a_day_and_silence_says_nothing(services: Services, story: Story) -> None:
    with vies_stand_in() as vies:
        asked = services.settings.model_copy(update={"vies_url": vies.url})
        house = Story(_with_settings(services, asked)).services
        vies.answer = {"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}
        silent = check_vat_number(house, story.id, "BE0428759497", "test")
        assert silent.told.answer is Answer.UNANSWERED
        vies.answer = {"valid": True, "name": "BREWERY NV", "requestIdentifier": "WAPI1"}
        first, second = (check_vat_number(house, story.id, "BE0428759497", "test") for _ in range(2))
        assert first.told.answer is second.told.answer is Answer.VALID
        assert len(vies.asked) == 2, "silence is asked about again, an answer is not"
        assert vies.asked[0] | {} == {
            "path": "/check-vat-number",
            "countryCode": "BE",
            "vatNumber": "0428759497",
            "requesterMemberStateCode": "FR",
            "requesterNumber": (story.profile.vat_id or "")[2:],
        }
        vies.status = 302
        assert Vies(vies.url, Reach.PRIVATE).ask("DE123456789", None).answer is Answer.UNANSWERED, "not followed"
        assert {each["path"] for each in vies.asked} == {"/check-vat-number"}
        assert Vies(vies.url, Reach.PUBLIC).ask("DE123456789", None).reason == "AddressRefusedError"
    with services.works.begin(story.id) as work:
        assert [each.told.consultation for each in checks_of(work, "BE0428759497")] == ["WAPI1", None]


def test_an_own_domain_shows_payment_pages_once_its_dns_proves_it(services: Services) -> None:
    with name_server() as dns:
        changes = {
            "public_url": "https://house.test",
            "dns_server": "127.0.0.1",
            "dns_port": dns.port,
            "secure_cookies": False,
        }
        house = _with_settings(services, services.settings.model_copy(update=changes))
        story, stranger = Story(house), Story(house)
        before = story.issue()
        assert before.pay_url.startswith("https://house.test/p/")
        browser = sign_in(create_app(house).test_client(), story)
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        host = f"factures.a{story.siren}.example"
        assert press(browser, "/s/settings/domain", host="localhost").status_code == 422
        assert press(browser, "/s/settings/domain", host=host).status_code == 303
        assert browser.get("/", base_url=f"https://{host}").status_code == 400, "nobody has proven it"
        challenge = re.search(r"quittance-site=[0-9a-f]{32}", browser.get("/s/settings/domain").text)
        assert challenge is not None
        for entries, said in (
            ({}, "n'est pas encore visible"),
            ({(f"_quittance.{host}", "TXT"): [f'"{challenge[0]}"']}, "ne mène pas encore ici"),
            ({(host, "A"): ["192.0.2.9"], ("house.test", "A"): ["192.0.2.1"]}, "ne mène pas encore ici"),
            ({(host, "A"): ["192.0.2.1"]}, "est à vous"),
        ):
            dns.entries |= entries
            press(browser, "/s/settings/domain/check")
            assert said in words(browser.get("/s/settings/domain"))
        path = before.pay_url.removeprefix("https://house.test")
        assert browser.get(path, base_url=f"https://{host}").status_code == 200
        foreign = stranger.issue().pay_url.removeprefix("https://house.test")
        for other in (foreign, "/sign-in", "/s/settings", "/"):
            answer = browser.get(other, base_url=f"https://{host}")
            assert (answer.status_code, answer.location) == (303, f"https://house.test{other}"), other
        with house.works.begin(story.id) as work:
            assert house.pay_link(work, before.invoice.invoice_id, "mail").startswith(f"https://{host}/p/")
            assert house.pay_link(work, before.invoice.invoice_id, "document") == before.pay_url
        press(browser, "/s/settings/domain/end")
        assert browser.get(path, base_url=f"https://{host}").status_code == 400
        assert [a for a in acts(story) if a.startswith("domain")] == [
            "domain.asked",
            "domain.proven",
            "domain.given_up",
        ]


def test_the_audit_trail_is_searched_narrowed_and_taken_out(owner: FlaskClient, story: Story) -> None:
    press(owner, "/s/items/new", **ITEM)
    press(owner, "/s/settings/mail-texts/every", closing_fr="Camille")
    shown = words(owner.get("/s/settings/audit?area=item"))
    assert "Article ajouté" in shown
    assert "Texte de courriel changé" not in shown.partition("Acte Qui")[2], "narrowed to an area"
    assert "Camille Owner" in shown
    assert "Article ajouté" in words(owner.get("/s/settings/audit?q=audit-j")), "details are searched as well"
    assert "Article ajouté" in words(owner.get("/s/settings/audit?q=article+ajout")), "and the words of acts"
    assert "Item added" in words(owner.get("/s/settings/audit?area=item&lang=en"))
    assert 'href="/s/items/' in owner.get("/s/settings/audit?area=item&lang=fr").text.partition("<tbody")[2]
    assert "Aucun acte ne correspond" in words(owner.get("/s/settings/audit?until=2020-01-01"))
    assert owner.get("/s/settings/audit?before=nothing&since=x&actor=%00").status_code == 200
    table = owner.get("/s/settings/audit/trail.csv?area=item")
    assert "item.added" in table.text, "the code stays, beside its words"
    assert "Article ajouté" in table.text
    assert "mail_text.kept" not in table.text
    assert acts(story)[-1] == "audit.fetched"


def _with_settings(services: Services, settings: Any) -> Services:
    """The same house under other settings."""
    kept = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return type(services)(**{**kept, "settings": settings})
