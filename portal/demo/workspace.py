"""The collector's desk in the demonstration: whom to call at the late customers, what was said, what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import today
from config.law.days import on_or_after
from portal.access.people import find_person
from receivables.services.collecting.speaking import Call, note_call, note_remark
from receivables.services.collecting.tasking import NewTask, open_task
from receivables.services.collecting.worklist import Wanted, worklist
from receivables.store.customer_file.contacts import Contact, add_contact, contacts_of
from receivables.store.customer_file.saved_views import keep_view

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

PEOPLE = (
    ("Sophie Lambert", "payment", "01 99 00 12 34"),
    ("Marc Tessier", "manager", "01 99 00 56 78"),
    ("Nadia Benali", "billing", "02 61 91 10 20"),
    ("Julien Roche", "payment", "03 53 01 44 55"),
    ("Élise Fournier", "payment", "04 65 71 66 77"),
    ("Paul Girard", "purchasing", "05 36 49 88 99"),
)
"""Invented people; the numbers are of the ranges that ARCEP keeps for fiction."""
LOOKED_AT = 8
"""Customers of the collector: those with most to ask for."""
WITH_PEOPLE = 4


def add_workspace(services: Services, supplier_id: UUID, collector_email: str) -> None:
    """Contacts at the collector's customers, two calls, a remark, tasks and a view; who has which is known before."""
    collector = find_person(services.database, collector_email)
    assert collector is not None  # noqa: S101 -- the story lets everybody in before
    actor = f"person {collector.person_id}"
    with services.works.begin(supplier_id) as work:
        ranked = worklist(work, today(), Wanted(collector.person_id))
        mine = list(dict.fromkeys(each.account.customer_id for each in ranked))[:LOOKED_AT]
        if not mine:
            return
        _add_people(work, mine, actor)
        _talk(work, mine, actor)
        keep_view(work, collector.person_id, "Mes grands comptes", "whose=mine&segment=grands+comptes")


def _add_people(work: Work, customers: list[UUID], actor: str) -> None:
    """Two people at the first customers, one at the next; mails go where they went before."""
    places = [*customers[:2], *customers[:WITH_PEOPLE]]
    known = contacts_of(work, customers)
    for customer_id, (name, role, phone) in zip(places, PEOPLE, strict=False):
        if not any(each.role == role for each in known[customer_id]):
            add_contact(work, Contact(None, customer_id, name, role, None, phone, "fr"), actor)


def _talk(work: Work, customers: list[UUID], actor: str) -> None:
    """A call with a day to call again, one that nobody took, a remark, and what to do today."""
    first, *others = customers
    again = on_or_after(today() + timedelta(days=2))
    said = "Attend la validation de son directeur ; rappeler avant la fin de la semaine."
    note_call(work, Call(first, "reached", actor, said, again_on=again))
    for customer_id in others[:1]:
        note_call(work, Call(customer_id, "voicemail", actor, "Message laissé au standard.", again_on=today()))
        note_remark(work, customer_id, "Comptabilité fermée le mercredi : appeler le matin, avant 11 h.", actor)
    for customer_id in others[1:2]:
        note = "Vérifier le numéro de commande avec l'administration des ventes"
        open_task(work, NewTask(f"demo/{customer_id}", "call_again", today(), customer_id, facts={"note": note}))
