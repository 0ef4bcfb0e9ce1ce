"""A supplier with customers, invoices in every state, people who may sign in, and files in the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from directory_builders import keep_directory
from dispute_builders import claim
from ledger_builders import MORNING, attempt, customer_facts, issue, received, refunded
from receiving_builders import file_of, receive_here, sold_to

from config.clock import new_id, now, today
from einvoice.archive import retention_end
from einvoice.keeping import KeptFile
from einvoice.platform.accounts import connect_platform
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from portal.access.people import Person, add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.documents.attachments import Attachments, keep_attachments
from receivables.domain.conversations.disputes import Scope
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.conversations.disputing import note_documents_sent
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import Supplier, create_supplier
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

PROFILE = {
    "name": "Atelier Lumière SARL",
    "iban": "FR7630006000011234567890189",
    "bic": "AGRIFRPP",
    "holder": "Atelier Lumière SARL",
}


@dataclass
class House:
    """One supplier's world; ``invoices`` by the state they are in."""

    services: Services
    supplier: Supplier
    customer_id: UUID
    other_customer_id: UUID
    invoices: dict[str, Invoice]
    document_id: UUID
    mail_id: UUID
    dispute_id: UUID
    sent_id: UUID
    purchase_id: UUID
    check_id: UUID
    links: dict[str, str]
    people: dict[str, Person]

    @property
    def account_id(self) -> UUID:
        """The platform account."""
        with self.services.works.begin(self.supplier.supplier_id) as work:
            found: UUID = work.scalar(
                "SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier AND active"
            )
        return found

    def flow(self, number: int) -> str:
        """The tracking id of a flow: 1 is an invoice that was accepted, 2 a status that was refused."""
        return f"{self.supplier.supplier_id.hex}-Q-{number}"

    def sign_in(self, client: FlaskClient, who: str) -> None:
        """Give ``client`` a session of one of the people."""
        person = self.people[who]
        token = open_session(self.services.database, self.services.settings, person.person_id)
        client.set_cookie("session", token)


def form_token(client: FlaskClient) -> str:
    """The token that this browser's forms carry now."""
    page = client.get("/sign-in").text
    return page.partition('name="form_token" value="')[2].partition('"')[0]


def press(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form as a browser does: with its token, which is asked for where none is given, from our own page."""
    token = fields.pop("form_token", "") or form_token(client)
    return client.post(path, data={"form_token": token, **fields}, headers={"Sec-Fetch-Site": "same-origin"})


def build_house(services: Services, name: str = "Atelier Lumière") -> House:
    """A house with everything that pages show."""
    siren = f"{new_id().int % 10**9:09d}"
    supplier = create_supplier(services.database, siren, name)
    with services.works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
            "VALUES (:supplier, CAST(:profile AS jsonb), :at)",
            profile=to_json(PROFILE),
            at=now(),
        )
        invoices = _invoices(work)
        document_id = _files(services, work, invoices["paid"])
        mail_id = _mails(work, invoices["due"])
        dispute_id = claim(work, invoices["late"], scope=Scope.AMOUNT, amount_minor=40000).dispute_id
        (sent_id,) = keep_attachments(
            services,
            work,
            invoices["late"].invoice_id,
            Attachments((KeptFile(b"%PDF-1.7 delivery", "bon.pdf", "application/pdf"),)),
        )
        note_documents_sent(work, dispute_id, "house", "", once="house", documents=(sent_id,), told=None)
        _platform(services, work, invoices["paid"], document_id)
        check_id = keep_directory(services, work, invoices["paid"])
        _troubles(work)
        links = {state: services.pay_link(work, each.invoice_id, "mail") for state, each in invoices.items()}
    customer_id, other_id = invoices["due"].customer_id, invoices["foreign"].customer_id
    return House(
        services,
        supplier,
        customer_id,
        other_id,
        invoices,
        document_id,
        mail_id,
        dispute_id,
        sent_id,
        receive_here(services, supplier.supplier_id, file_of(sold_to(siren)), "F2026-0042.xml"),
        check_id,
        {state: link.removeprefix(services.settings.public_url) for state, link in links.items()},
        _people(services, supplier, customer_id, other_id),
    )


def _invoices(work: Work) -> dict[str, Invoice]:
    soon, past = today() + timedelta(days=21), today() - timedelta(days=22)

    def one(due_on: date, scale: int = 1, **changes: Any) -> Invoice:
        rows = (
            VatRow("S", Decimal(20), 5001 * scale, 1000 * scale),
            VatRow("S", Decimal("5.5"), 3791 * scale, 208 * scale),
        )
        total = 10000 * scale
        return issue(
            work,
            issued_on=due_on - timedelta(days=30),
            due_on=due_on,
            total_minor=total,
            payable_minor=total,
            vat_rows=rows,
            **changes,
        )

    due = one(soon, 12)
    late = one(past, 34)
    paid = one(past, 7)
    part = one(soon, 9)
    flight = one(soon, 20)
    mixed = one(soon, 15)
    refund = one(past, 3)
    credit = one(soon, 2, type_code="381")
    foreign = one(past, 5, customer=customer_facts("Garage du Port", "552100554"))
    for invoice, amount in ((paid, 70000), (part, 40000), (refund, 30000)):
        given = attempt(work, invoice, amount)
        record_facts(work, [received(given, amount)])
        if invoice is refund:
            record_facts(work, [refunded(given, 10000)])
    for invoice, amount in ((flight, 200000), (mixed, 50000)):
        record_facts(work, [AttemptMoved(attempt(work, invoice, amount), AttemptState.PROCESSING)])
    record_facts(work, [AttemptMoved(attempt(work, late, 340000), AttemptState.FAILED, None, "card_declined")])
    return {
        "due": due,
        "late": late,
        "paid": paid,
        "part_paid": part,
        "in_flight": flight,
        "mixed": mixed,
        "refunded": refund,
        "credit": credit,
        "foreign": foreign,
    }


def _files(services: Services, work: Work, invoice: Invoice) -> UUID:
    first = new_id()
    for document_id, form, ending, mime in (
        (first, "facturx", "pdf", "application/pdf"),
        (new_id(), "cii", "xml", "application/xml"),
        (new_id(), "cdar", "cdar.xml", "application/xml"),
    ):
        content = f"{form} of {invoice.number} {invoice.invoice_id}".encode()
        work.execute(
            "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
            "retain_until, created_at) "
            "VALUES (:supplier, :id, :invoice, :form, :name, :mime, :sha, :size, :until, :at)",
            id=document_id,
            invoice=invoice.invoice_id,
            form=form,
            name=f"{invoice.number}.{ending}",
            mime=mime,
            sha=services.archive.put(content, retention_end(today())),
            until=retention_end(today()),
            size=len(content),
            at=now(),
        )
    return first


def _mails(work: Work, invoice: Invoice) -> UUID:
    first = new_id()
    for mail_id, key, subject, of in (
        (first, "invoice/1", "Votre facture", invoice.invoice_id),
        (new_id(), "sign-in/1", "Votre lien de connexion", None),
    ):
        work.execute(
            "INSERT INTO mails (supplier_id, mail_id, mail_key, recipient, subject, text_body, html_body, invoice_id, "
            "state, created_at, sent_at) VALUES (:supplier, :id, :key, 'compta@boulangerie.example', :subject, "
            "'Bonjour,\n\nVotre facture : http://127.0.0.1:8000/p/xyz <b>merci</b>', '', :invoice, 'sent', :at, :at)",
            id=mail_id,
            key=key,
            subject=subject,
            invoice=of,
            at=now(),
        )
    return first


def _platform(services: Services, work: Work, invoice: Invoice, document_id: UUID) -> None:
    nowhere = "http://127.0.0.1:9"  # the port of what is thrown away: nobody answers
    driver = PlatformDriver("nowhere", nowhere, f"{nowhere}/token", directory_url=f"{nowhere}/directory")
    access = PlatformSettings(driver, "client", "very-secret")
    account_id = connect_platform(work, services.keyring, "Plateforme", access)
    for tracking, kind, state, refusal in (
        ("1", "invoice", "accepted", None),
        ("2", "status", "refused", '[{"reason": "REJ_SEMAN", "message": "Le montant par taux manque."}]'),
    ):
        work.execute(
            "INSERT INTO platform_flows (supplier_id, tracking_id, account_id, invoice_id, kind, document_id, state, "
            "refusal, sends, created_at, changed_at) VALUES (:supplier, :tracking, :account, :invoice, :kind, "
            ":document, :state, CAST(:refusal AS jsonb), 1, :at, :at)",
            tracking=f"{work.supplier_id.hex}-Q-{tracking}",
            account=account_id,
            invoice=invoice.invoice_id,
            kind=kind,
            document=document_id,
            state=state,
            refusal=refusal,
            at=now(),
        )
    for message, code, direction, reasons in (
        ("m-1", "203", "in", []),
        ("m-2", "205", "in", []),
        ("m-3", "212", "out", []),
        ("m-4", "207", "in", [{"code": "QTE_ERR"}]),
    ):
        work.execute(
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, reasons, created_at) "
            "VALUES (:supplier, :invoice, :message, :code, :direction, :at, CAST(:reasons AS jsonb), :at)",
            invoice=invoice.invoice_id,
            message=message,
            code=code,
            direction=direction,
            reasons=to_json(reasons),
            at=MORNING,
        )


def _troubles(work: Work) -> None:
    work.execute(
        "INSERT INTO inbox (supplier_id, source, external_id, body, state, tries, reason) VALUES (:supplier, 'stripe', "
        "'evt_1', '{}', 'buried', 1, 'payment.unknown_attempt: this supplier never began the payment named here.')"
    )
    work.execute(
        "INSERT INTO outbox (supplier_id, kind, event_key, payload, state, tries, reason) VALUES (:supplier, "
        "'invoice.issued', 'x', '{}', 'buried', 400, 'ConnectError: [Errno 111] Connection refused')"
    )


def _people(services: Services, supplier: Supplier, customer_id: UUID, other_id: UUID) -> dict[str, Person]:
    people = {}
    for who, role, customer in (
        ("customer", Role.CUSTOMER, customer_id),
        ("other_customer", Role.CUSTOMER, other_id),
        ("owner", Role.OWNER, None),
        ("accountant", Role.ACCOUNTANT, None),
        ("collector", Role.COLLECTOR, None),
        ("credit_manager", Role.CREDIT_MANAGER, None),
        ("sales", Role.SALES, None),
        ("auditor", Role.AUDITOR, None),
    ):
        person = add_person(services.database, f"{who}@{supplier.siren}.example", f"Camille {who.title()}")
        add_membership(services.database, person.person_id, supplier.supplier_id, role, customer)
        people[who] = person
    return people
