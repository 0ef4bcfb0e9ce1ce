"""Promises and payment plans on both sides: proposed on a phone, agreed to by a click with its proof, paid, ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts
from portal_house import build_house, press
from promise_builders import owed, pay, plan_for
from test_pay_link import words

from config.clock import today
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.background.plan_duties import judge_all, review_all
from portal.demo.promises import add_promises
from receivables.domain.collecting.promises import Source
from receivables.services.collecting.plan_reviews import review_plans
from receivables.store.collecting.plans import get_plan, signature_of
from receivables.store.collecting.promises import promises_of

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services
    from receivables.domain.collecting.plans import Plan
    from receivables.domain.invoicing.invoices import Invoice


@pytest.fixture(scope="module")
def delays(services: Services) -> House:
    """A supplier of this module's own."""
    return build_house(services, "Délais")


class Debtor:
    """A customer with two late invoices, 900.00 and 300.00, and somebody who signs in."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        with house.services.works.begin(house.supplier.supplier_id) as work:
            facts = customer_facts(name, None)
            self.invoices: list[Invoice] = [
                owed(work, 900_00, late_days=30, customer=facts),
                owed(work, 300_00, late_days=10, customer=facts),
            ]
        self.customer_id = self.invoices[0].customer_id
        self.person = add_person(house.services.database, f"{self.customer_id.hex}@debtor.example", "Dominique Payet")
        supplier_id = house.supplier.supplier_id
        add_membership(house.services.database, self.person.person_id, supplier_id, Role.CUSTOMER, self.customer_id)
        house.people[name] = self.person
        self.name = name

    def sign_in(self, client: FlaskClient) -> None:
        self.house.sign_in(client, self.name)

    def asked(self, **changes: str) -> str:
        """The address of the preview of a plan over both invoices."""
        picks = "".join(f"&pick={each.invoice_id}" for each in self.invoices)
        terms = {"count": "3", "first_on": (today() + timedelta(days=7)).isoformat(), "rhythm": "monthly", **changes}
        return "/c/plans/review?" + "&".join(f"{k}={v}" for k, v in terms.items()) + picks

    def plan(self) -> Plan:
        with self.house.services.works.begin(self.house.supplier.supplier_id) as work:
            plan_id: UUID = work.scalar(
                "SELECT plan_id FROM plans WHERE supplier_id = :supplier AND customer_id = :customer "
                "ORDER BY proposed_at DESC LIMIT 1",
                customer=self.customer_id,
            )
            return get_plan(work, plan_id)

    def mails(self) -> list[str]:
        with self.house.services.works.begin(self.house.supplier.supplier_id) as work:
            rows = work.rows(
                "SELECT mail_key FROM mails WHERE supplier_id = :supplier AND (mail_key LIKE :plan "
                "OR mail_key LIKE 'promise/%') ORDER BY created_at, mail_key",
                plan=f"plan/{self.plan().plan_id}/%",
            )
        return [row["mail_key"].split("/")[2] for row in rows]


def fields_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of a form."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    del found["form_token"]
    return found


def test_a_customer_proposes_reads_clicks_and_it_holds_at_once_with_its_proof(
    client: FlaskClient, delays: House
) -> None:
    debtor = Debtor(delays, "Clic")
    debtor.sign_in(client)
    assert "Accepté tout de suite" in client.get("/c/plans/new").text
    review = client.get(debtor.asked())
    assert "400,00" in words(review.text)
    assert "Accepté dès que vous cliquez" in words(review.text)
    done = press(client, "/c/plans", **fields_of(review.text, "/c/plans"))
    assert done.status_code == 303
    plan = debtor.plan()
    assert (plan.state, plan.decided_by, plan.left_minor) == ("accepted", "policy", 1200_00)
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        signed = signature_of(work, plan.plan_id)
    assert signed is not None
    assert signed.person_id == debtor.person.person_id
    assert "article 1330" in signed.words
    assert signed.words_sha256 == fields_of(review.text, "/c/plans")["sha256"]
    shown = words(client.get(done.location).text)
    assert signed.words_sha256 in shown
    assert "Payer 400,00 €" in shown
    assert debtor.mails() == ["agreed"]


def test_the_next_instalment_goes_to_the_basket_invoice_by_invoice(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Panier")
    debtor.sign_in(client)
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        plan = plan_for(work, debtor.invoices, 2, first_on=today() + timedelta(days=3))
        pay(work, debtor.customer_id, {debtor.invoices[0].invoice_id: 600_00})
    page = client.get(f"/c/plans/{plan.plan_id}").text
    address = re.search(r'href="(/c/pay/review\?[^"]+)"', page)
    assert address is not None
    basket = words(client.get(address[1].replace("&amp;", "&")).text)
    assert "600,00" in basket
    assert debtor.invoices[0].number in basket
    assert debtor.invoices[1].number in basket
    assert "restera" not in basket, "the last instalment settles both"
    home = words(client.get("/c/").text)
    assert "Dû aujourd'hui" not in home, "time was granted: nothing of it is due today"


def test_what_changed_since_it_was_read_is_shown_again_and_not_signed(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Bouge")
    debtor.sign_in(client)
    fields = fields_of(client.get(debtor.asked()).text, "/c/plans")
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        pay(work, debtor.customer_id, {debtor.invoices[0].invoice_id: 100_00})
    again = press(client, "/c/plans", **fields)
    assert again.status_code == 409
    assert "Quelque chose a changé" in words(again.text)
    forged = press(client, "/c/plans", **{**fields_of(again.text, "/c/plans"), "sha256": "0" * 64})
    assert forged.status_code == 409
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        assert not work.scalar(
            "SELECT count(*) FROM plans WHERE supplier_id = :supplier AND customer_id = :customer",
            customer=debtor.customer_id,
        )


def test_beyond_the_policy_a_collector_answers_and_the_customer_is_told(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Long")
    debtor.sign_in(client)
    review = client.get(debtor.asked(count="12"))
    assert "demande notre accord" in words(review.text)
    sent = press(client, "/c/plans", **fields_of(review.text, "/c/plans"))
    assert "Proposition envoyée" in client.get(sent.location).text
    plan = debtor.plan()
    assert (plan.state, plan.beyond) == ("proposed", ("count", "length", "first_amount"))
    delays.sign_in(client, "collector")
    page = words(client.get(f"/s/promises/plans/{plan.plan_id}").text)
    assert "il y a trop d'échéances" in page
    assert "Échéanciers (1)" in words(client.get("/s/promises").text)
    agreed = press(client, f"/s/promises/plans/{plan.plan_id}/agree")
    assert agreed.status_code == 303
    assert debtor.plan().state == "accepted"
    twice = press(client, f"/s/promises/plans/{plan.plan_id}/agree")
    assert twice.status_code == 409
    assert sorted(debtor.mails()) == ["agreed", "received"]


def test_a_collector_proposes_and_nothing_is_granted_before_the_customers_click(
    client: FlaskClient, delays: House
) -> None:
    debtor = Debtor(delays, "Offre")
    delays.sign_in(client, "collector")
    base = f"/s/promises/plans/new/{debtor.customer_id}"
    address = debtor.asked(interest="yes", grace="5").replace("/c/plans/review", f"{base}/review")
    sent = press(client, base, **fields_of(client.get(address).text, base))
    plan = debtor.plan()
    assert sent.status_code == 303
    assert (plan.state, plan.interest, plan.grace_days) == ("proposed", True, 5)
    debtor.sign_in(client)
    page = client.get(f"/c/plans/{plan.plan_id}").text
    assert "continuent de courir" in page
    accept = f"/c/plans/{plan.plan_id}/accept"
    assert press(client, accept, sha256="0" * 64).status_code == 409
    assert press(client, accept, **fields_of(page, accept)).status_code == 303
    assert debtor.plan().state == "accepted"
    assert debtor.mails() == ["offered", "agreed"]


def test_a_customer_refuses_an_offer_or_takes_a_proposal_back(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Refus")
    debtor.sign_in(client)
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        offered = plan_for(work, debtor.invoices, source=Source.COLLECTOR)
    assert press(client, f"/c/plans/{offered.plan_id}/refuse", said=" ").status_code == 409
    assert press(client, f"/c/plans/{offered.plan_id}/refuse", said="Trop long").status_code == 303
    assert (debtor.plan().state, debtor.plan().reason) == ("refused", "Trop long")


def test_an_unpaid_instalment_is_told_of_and_after_its_grace_the_whole_falls_due(
    client: FlaskClient, delays: House
) -> None:
    debtor = Debtor(delays, "Rompu")
    works, supplier_id = delays.services.works, delays.supplier.supplier_id
    with works.begin(supplier_id) as work:
        plan = plan_for(work, debtor.invoices)
        told = [
            [
                each.what
                for each in review_plans(work, today() + timedelta(days=days))
                if each.plan.plan_id == plan.plan_id
            ]
            for days in (0, 5, 5, 20)
        ]
    assert told == [["soon"], ["late"], [], ["broken"]]
    assert review_all(delays.services, supplier_id) >= 0
    debtor.sign_in(client)
    page = words(client.get(f"/c/plans/{plan.plan_id}").text)
    assert "une échéance n'a pas été réglée" in page
    assert "Dû aujourd'hui" in words(client.get("/c/").text)
    delays.sign_in(client, "owner")
    assert "Rompu" in client.get("/s/promises/plans?show=broken").text


def test_a_customer_promises_on_the_phone_and_the_collector_sees_it(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Promet")
    debtor.sign_in(client)
    first = debtor.invoices[0].invoice_id
    day = (today() + timedelta(days=3)).isoformat()
    wrong = press(client, "/c/plans/promise", pick=str(first), promised_on=day, **{f"a.{first}": "beaucoup"})
    assert wrong.status_code == 422
    assert "« beaucoup » n'est pas un montant" in words(wrong.text)
    done = press(client, "/c/plans/promise", pick=str(first), promised_on=day, **{f"a.{first}": "450,00"})
    assert "C'est noté" in client.get(done.location).text
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        (promise,) = promises_of(work, debtor.customer_id)
        assert promise.amount_minor == 450_00
        pay(work, debtor.customer_id, {first: 450_00})
    assert judge_all(delays.services, delays.supplier.supplier_id) == 1
    delays.sign_in(client, "collector")
    assert "Promet" in client.get("/s/promises?show=kept").text


def test_a_collector_notes_a_promise_and_withdraws_it_with_a_reason(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Appel")
    delays.sign_in(client, "collector")
    assert "Appel" in client.get("/s/promises/customers?q=Appel").text
    address = f"/s/promises/new/{debtor.customer_id}"
    assert "Mme Roux" not in client.get(address).text
    sent = press(
        client,
        address,
        pick=str(debtor.invoices[0].invoice_id),
        promised_on=(today() + timedelta(days=30)).isoformat(),
        said_by="Mme Roux",
    )
    assert sent.status_code == 303
    with delays.services.works.begin(delays.supplier.supplier_id) as work:
        (promise,) = promises_of(work, debtor.customer_id)
    assert (promise.amount_minor, promise.said_by, promise.source) == (900_00, "Mme Roux", "collector")
    assert press(client, f"/s/promises/{promise.promise_id}/withdraw", said="").status_code == 422
    assert press(client, f"/s/promises/{promise.promise_id}/withdraw", said="Erreur").status_code == 303


def test_the_owner_sets_the_policy_as_a_new_version_and_others_only_read_it(
    client: FlaskClient, neighbour: House
) -> None:
    neighbour.sign_in(client, "owner")
    page = client.get("/s/promises/policy").text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.partition("<form class=")[2]))
    saved = press(client, "/s/promises/policy", **{**fields, "max_minor": "1 000,00", "automatic": "yes"})
    assert saved.status_code == 303
    assert "Version 1" in client.get("/s/promises/policy").text
    stale = press(client, "/s/promises/policy", **{**fields, "version": "0"})
    assert stale.status_code == 422
    bad = press(client, "/s/promises/policy", **{**fields, "version": "1", "grace_days": "0"})
    assert "grace_days" in bad.text
    neighbour.sign_in(client, "collector")
    assert press(client, "/s/promises/policy", **fields).status_code in (403, 404)


def test_the_demonstration_shows_an_offer_plans_and_promises(client: FlaskClient, delays: House) -> None:
    debtor = Debtor(delays, "Vitrine")
    for number in range(4):
        Debtor(delays, f"Vitrine {number}")
    add_promises(delays.services, delays.supplier.supplier_id, debtor.customer_id)
    assert (debtor.plan().state, debtor.plan().source) == ("proposed", "collector")
    debtor.sign_in(client)
    assert "Un échéancier attend votre réponse" in client.get("/c/").text
