"""The collector's day, told through the pages: from the list to a call, a promise, a dispute, a message, a reminder."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts
from portal_house import build_house, press
from promise_builders import owed
from sqlalchemy import event
from sqlalchemy.engine import Engine
from test_pay_link import words

from config.clock import today
from config.law.days import on_or_after
from portal.staff.account import acts
from portal.staff.worklist import reminding
from receivables.services.collecting.dunning import adopt_usual_scenarios
from receivables.services.collecting.tasking import NewTask, open_task, open_tasks
from receivables.store.customer_file.contacts import set_customer_files
from receivables.store.customer_file.journal import journal_of

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice


@pytest.fixture(autouse=True)
def _open_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reminders go on open days: these tests run on the next one where today is none."""
    for module in (acts, reminding):
        monkeypatch.setattr(module, "today", lambda: on_or_after(today()))


@pytest.fixture(scope="module")
def desk(services: Services) -> House:
    """A supplier of this module's own, with the usual scenarios."""
    house = build_house(services, "Recouvrement")
    with services.works.begin(house.supplier.supplier_id) as work:
        adopt_usual_scenarios(work, "test")
    return house


def late_customer(house: House, name: str, *minors: int) -> list[Invoice]:
    """A customer of the collector's with late invoices."""
    facts = customer_facts(name, None)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        found = [owed(work, minor, late_days=20 + place, customer=facts) for place, minor in enumerate(minors)]
        me = house.people["collector"].person_id
        set_customer_files(work, [found[0].customer_id], "test", collector_id=me)
    return found


def names_in_order(page: str) -> list[str]:
    """The accounts of the list, from the top."""
    return re.findall(r'<a class="key" href="/s/customers/[^"]+">([^<]+)</a>', page)


def events_of(house: House, customer_id: UUID) -> list[str]:
    """The kinds of events in the journal of an account, the newest first."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return [each.kind for each in journal_of(work, customer_id, internal=True)]


def test_a_collector_begins_with_the_list_and_the_others_with_the_figures(client: FlaskClient, desk: House) -> None:
    for who, start in (("collector", "/s/work"), ("owner", "/s/"), ("customer", "/c/")):
        desk.sign_in(client, who)
        assert client.get("/").location == start


def test_a_morning_goes_from_the_list_to_a_call_to_tomorrows_task_to_done(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Aube", 800_00)
    page, base = "/s/work", f"/s/customers/{invoice.customer_id}"
    desk.sign_in(client, "collector")
    assert "Aube" in names_in_order(client.get(page).text)
    assert "Noter un appel" in client.get(base).text
    later = today() + timedelta(days=1)
    done = press(client, f"{base}/call", outcome="reached", note="Rappeler Mme Duval", again_on=later.isoformat())
    assert done.location == f"{base}#call"
    shown = words(client.get(base).text)
    assert "Rappeler le client. Rappeler Mme Duval" in shown
    assert "person " not in shown, "people have names"
    assert "Camille Collector" in shown
    assert "Contacté aujourd'hui" in words(client.get(page).text)
    with desk.services.works.begin(desk.supplier.supplier_id) as work:
        (task,) = open_tasks(work, customer_id=invoice.customer_id)
    assert task.due_on == later
    press(client, f"{base}/tasks/{task.task_id}", act="done", note="Payé par virement demain")
    assert "Rappeler le client" not in words(client.get(base).text).partition("Derniers événements")[0]
    assert events_of(desk, invoice.customer_id)[:2] == ["task.done", "call.made"]


def test_a_task_of_the_day_is_finished_or_put_off_in_place(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Tâche", 100_00)
    with desk.services.works.begin(desk.supplier.supplier_id) as work:
        for name in ("un", "deux"):
            facts = {"note": f"Numéro {name}"}
            open_task(work, NewTask(f"desk/{name}", "call_again", today(), invoice.customer_id, facts=facts))
        first, second = open_tasks(work, customer_id=invoice.customer_id)
    desk.sign_in(client, "collector")
    shown = words(client.get("/s/work").text)
    assert "Numéro un" in shown
    assert "Numéro deux" in shown
    assert press(client, f"/s/work/tasks/{first.task_id}", act="done", note="Fait").location == "/s/work#tasks"
    press(client, f"/s/work/tasks/{second.task_id}", act="later")
    again = words(client.get("/s/work").text)
    assert "Numéro un" not in again
    assert "Numéro deux" not in again
    with desk.services.works.begin(desk.supplier.supplier_id) as work:
        (left,) = open_tasks(work, customer_id=invoice.customer_id)
    assert left.due_on == on_or_after(today() + timedelta(days=1))
    assert press(client, f"/s/work/tasks/{first.task_id}", act="done").status_code == 409, "done once"


def test_a_promise_is_noted_in_place_and_the_account_sinks(client: FlaskClient, desk: House) -> None:
    small, large = late_customer(desk, "Promet peu", 250_00)[0], late_customer(desk, "Promet tout", 990_00)[0]
    base = f"/s/customers/{large.customer_id}"
    desk.sign_in(client, "collector")
    order = [each for each in names_in_order(client.get("/s/work").text) if each.startswith("Promet")]
    assert order == ["Promet tout", "Promet peu"]
    day = (today() + timedelta(days=6)).isoformat()
    promised = {"pick": str(large.invoice_id), "promised_on": day, "said_by": "Mme Duval"}
    refused = press(client, f"{base}/promise", **{**promised, f"a.{large.invoice_id}": "beaucoup"})
    assert refused.status_code == 422
    assert "« beaucoup » n'est pas un montant" in words(refused.text)
    assert 'value="Mme Duval"' in refused.text, "what was typed is still there"
    assert press(client, f"{base}/promise", **promised).location == f"{base}#promises"
    shown = words(client.get(base).text)
    assert "Mme Duval" in shown
    assert "Attendue" in shown
    page = client.get("/s/work").text
    order = [each for each in names_in_order(page) if each.startswith("Promet")]
    assert order == ["Promet peu", "Promet tout"]
    assert "990,00 € promis" in words(page)
    assert small.customer_id != large.customer_id


def test_a_dispute_is_noted_in_place_and_the_list_says_why_it_waits(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Conteste", 700_00)
    (foreign,) = late_customer(desk, "Voisin", 50_00)
    base = f"/s/customers/{invoice.customer_id}"
    desk.sign_in(client, "collector")
    noted = {"about": str(invoice.invoice_id), "reason": "QTE_ERR", "amount": "200", "said": "Deux cartons manquent."}
    wrong = press(client, f"{base}/dispute", **{**noted, "reason": ""})
    assert wrong.status_code == 422
    assert "Choisissez ce qui ne va pas" in words(wrong.text)
    assert "Deux cartons manquent." in wrong.text
    assert press(client, f"{base}/dispute", **{**noted, "about": str(foreign.invoice_id)}).status_code == 422
    assert press(client, f"{base}/dispute", **noted).location == f"{base}#disputes"
    assert "La quantité facturée n'est pas la bonne" in words(client.get(base).text)
    assert "200,00 € contestés" in words(client.get("/s/work").text)


def test_a_message_goes_to_the_customer_once_and_stands_on_the_page(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Écrit", 60_00)
    base = f"/s/customers/{invoice.customer_id}"
    desk.sign_in(client, "collector")
    once = re.search(r'name="once" value="([^"]+)"', client.get(base).text)
    assert once is not None
    said = {"about": str(invoice.invoice_id), "said": "Bonjour, où en est votre paiement ?", "once": once[1]}
    for _ in range(2):
        assert press(client, f"{base}/message", **said).location == f"{base}#messages"
    assert "Nous : Bonjour, où en est votre paiement ?" in words(client.get(base).text)
    assert events_of(desk, invoice.customer_id).count("message.sent") == 1
    assert press(client, f"{base}/message", said=" ").status_code == 422


def test_reminders_are_sent_stopped_and_resumed_on_the_page_with_reasons(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Relance", 400_00)
    base = f"/s/customers/{invoice.customer_id}"
    desk.sign_in(client, "collector")
    assert press(client, f"{base}/stop", why="", until=(today() + timedelta(days=9)).isoformat()).status_code == 422
    assert press(client, f"{base}/stop", why="Congés", until="hier").status_code == 422
    press(client, f"{base}/stop", why="Congés", until=(today() + timedelta(days=9)).isoformat())
    held = press(client, f"{base}/remind")
    assert held.status_code == 422
    assert "Relances arrêtées pour ce client" in words(held.text)
    press(client, f"{base}/resume")
    sent = press(client, f"{base}/remind")
    assert sent.location == f"{base}?told=reminded#dunning"
    assert "La relance est écrite" in words(client.get(sent.location).text)
    again = press(client, f"{base}/remind")
    assert again.status_code == 422, "not twice in a day"


def test_ticked_accounts_are_reminded_after_a_look_at_who_gets_what(client: FlaskClient, desk: House) -> None:
    (ready,), (held,) = late_customer(desk, "Part", 410_00), late_customer(desk, "Retenu", 420_00)
    desk.sign_in(client, "collector")
    stop = {"why": "Congés", "until": (today() + timedelta(days=9)).isoformat()}
    press(client, f"/s/customers/{held.customer_id}/stop", **stop)
    ticked = f"customer={ready.customer_id}&customer={held.customer_id}"
    chosen = press(client, "/s/work/bulk", act="remind", customer=str(held.customer_id))
    assert chosen.location == f"/s/work/remind?customer={held.customer_id}"
    shown = words(client.get(f"/s/work/remind?{ticked}&customer=none").text)
    assert "Retenu Relances arrêtées pour ce client" in shown
    assert "Envoyer 1 relance" in shown
    done = press(client, "/s/work/remind", customer=str(ready.customer_id))
    assert done.location == "/s/work?reminded=1"
    assert "1 relance écrite" in words(client.get(done.location).text)
    assert events_of(desk, ready.customer_id) == ["dunning.sent"]
    assert events_of(desk, held.customer_id) == []


def test_the_search_opens_what_it_finds(client: FlaskClient, desk: House) -> None:
    (invoice,) = late_customer(desk, "Xylophone", 77_31)
    desk.sign_in(client, "auditor")
    for wanted in ("xylo", invoice.number, "77,31"):
        shown = client.get("/s/search", query_string={"q": wanted}).text
        assert "Xylophone" in shown, wanted
    assert "Rien ne correspond à « introuvable »" in words(client.get("/s/search?q=introuvable").text)
    found = re.findall(
        r'href="(/s/(?:customers|invoices|payments|bank|messages)/[^"#]+)', client.get("/s/search?q=Boulangerie").text
    )
    assert found
    for path in dict.fromkeys(found):
        assert client.get(path).status_code == 200, path


def statements_of(client: FlaskClient, path: str) -> int:
    """How many statements a page asks the database, once what is read once for all is read."""
    client.get(path)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    page = client.get(path)
    event.remove(Engine, "before_cursor_execute", note)
    assert page.status_code == 200
    assert len(page.data) < 100 * 1024
    return len(asked)


def test_a_page_asks_as_often_for_one_invoice_as_for_twenty(client: FlaskClient, desk: House) -> None:
    (alone,), many = late_customer(desk, "Seule", 10_00), late_customer(desk, "Vingt", *range(10_00, 30_00, 1_00))
    desk.sign_in(client, "collector")
    one, twenty = (statements_of(client, f"/s/customers/{each.customer_id}") for each in (alone, many[0]))
    assert twenty <= one <= 33


PAGES = {
    "owner, home": ("owner", "/s/", 35),
    "owner, invoices": ("owner", "/s/invoices", 8),
    "owner, invoice": ("owner", "/s/invoices/{late}", 25),
    "owner, account": ("owner", "/s/customers/{customer}", 35),
    "collector, worklist": ("collector", "/s/work", 18),
    "owner, messages": ("owner", "/s/messages", 8),
    "owner, disputes": ("owner", "/s/disputes", 9),
    "customer, home": ("customer", "/c/", 21),
    "customer, invoices": ("customer", "/c/invoices", 10),
    "customer, invoice": ("customer", "/c/invoices/{late}", 31),
    "payer, pay page": (None, "{link}", 34),
}
"""The main pages of the three kinds of people, with who looks and how many statements are enough."""


@pytest.mark.parametrize("page", PAGES)
def test_no_main_page_asks_more_often_when_there_is_more_to_show(client: FlaskClient, desk: House, page: str) -> None:
    who, path, most = PAGES[page]
    links = {"late": desk.invoices["late"].invoice_id, "customer": desk.customer_id, "link": desk.links["late"]}
    if who:
        desk.sign_in(client, who)
    before = statements_of(client, path.format(**links))
    with desk.services.works.begin(desk.supplier.supplier_id) as work:
        for place in range(4):
            owed(work, 50_00 + place, late_days=place - 1)
    late_customer(desk, f"Plus {page}", 20_00, 21_00)
    after = statements_of(client, path.format(**links))
    assert after <= before + 1, "what exists now and did not before is asked for once"
    assert after <= most
