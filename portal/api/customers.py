"""``/api/v1/customers``: who buys, what they owe and have to their credit, by program; below zero where we owe it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from flask import url_for

from einvoice.codelists.countries import COUNTRIES
from einvoice.composing.parties import check_endpoint, check_siren, check_siret, check_vat_id
from einvoice.document import FRENCH_ADDRESS_SCHEME, FRENCH_VAT_TERRITORY, Identifier
from portal.access.people import clean_email
from portal.api.answers import CallRefusedError, answer
from portal.api.customer_shapes import (
    CustomerChange,
    CustomerLineShape,
    CustomerList,
    CustomerQuery,
    CustomerShown,
    NewCustomer,
)
from portal.api.door import actor, open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import written
from receivables.domain.parties import CustomerKind
from receivables.domain.settlement.payment_terms import CountedFrom, PaymentTerms
from receivables.services.settlement.credits import available_credits
from receivables.store.customer_file.details import (
    CustomerDetails,
    add_customer,
    agree_terms,
    change_customer,
    customer_details,
    customer_terms,
    list_customers,
)

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from receivables.domain.parties import Customer
    from receivables.store.work import Work

customers = open_blueprint("api_customers")

_IN_PLACE = ("siret", "endpoint", "phone", "service_code", "engagement")
_IN_DETAILS = ("name", "kind", "siren", "vat_id", "email", "language")


@customers.get("/customers")
@operation("customers:read", "List customers", "Lister les clients", CustomerList, query=CustomerQuery)
def index(work: Work, query: CustomerQuery) -> CustomerList:
    """Customers by account."""
    kind = CustomerKind(query.kind) if query.kind else None
    rows = list_customers(work, query.q.strip(), kind=kind, after=query.after, limit=query.limit + 1)
    shown = [
        CustomerLineShape(
            customer_id=each.customer_id,
            account_code=each.account_code,
            name=each.name,
            kind=each.kind.value,
            siren=each.siren,
            vat_id=each.vat_id,
            city=each.city,
            email=each.email,
            open=written(each.open_minor, "EUR"),
        )
        for each in rows[: query.limit]
    ]
    return CustomerList(customers=shown, next_after=shown[-1].account_code if len(rows) > query.limit else None)


@customers.post("/customers")
@operation(
    "customers:write",
    "Open a customer",
    "Ouvrir un client",
    CustomerShown,
    status=201,
    body=NewCustomer,
    example={
        "name": "Boulangerie Martin",
        "siren": "732829320",
        "email": "compta@martin.example",
        "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris"},
    },
)
def create(work: Work, body: NewCustomer) -> Response:
    """Open a customer with an auxiliary account; one that is there already is ``customer.exists`` (409)."""
    customer = open_customer(work, body, actor())
    response = answer(_shown(work, customer.customer_id), 201)
    response.headers["Location"] = url_for("api_customers.show_customer", account_code=customer.account_code)
    return response


@customers.get("/customers/<account_code>")
@operation("customers:read", "Show a customer", "Voir un client", CustomerShown)
def show_customer(work: Work, account_code: str) -> dict[str, Any]:
    """One customer by their account (``C00012``) or id: what is open by currency, and their credits, oldest first."""
    return _shown(work, customer_of(work, account_code))


@customers.patch("/customers/<account_code>")
@operation(
    "customers:write",
    "Change a customer",
    "Modifier un client",
    CustomerShown,
    body=CustomerChange,
    example={"email": "factures@martin.example", "terms": {"days": 45}},
)
def change(work: Work, account_code: str, body: CustomerChange) -> dict[str, Any]:
    """Say something else of a customer; what was issued stays as it is."""
    customer_id = customer_of(work, account_code)
    before = customer_details(work, customer_id)
    after = _details(before, body)
    if after != before:
        change_customer(work, customer_id, after, actor())
    if "terms" in body.model_fields_set:
        agree_terms(work, customer_id, _terms(body), actor())
    return _shown(work, customer_id)


def open_customer(work: Work, body: NewCustomer, actor: str) -> Customer:
    """Open a customer.

    Raises:
        ConflictError: ``customer.exists``.
        CallRefusedError, BuildError: see ``_details``.
    """
    customer = add_customer(work, _details(CustomerDetails("", CustomerKind.BUSINESS), body), actor)
    if body.terms:
        agree_terms(work, customer.customer_id, _terms(body), actor)
    return customer


def _details(before: CustomerDetails, said: CustomerChange) -> CustomerDetails:
    """What holds after ``said``, every number judged by its key.

    Raises:
        BuildError: ``party.bad_siren``, ``party.bad_siret``, ``party.bad_vat_id``, ``party.bad_endpoint``.
        CallRefusedError: ``customer.bad_email``, ``customer.bad_country``, ``customer.siren_missing``, ...
    """
    given: dict[str, Any] = {
        name: getattr(said, name) or None for name in said.model_fields_set if name not in {"terms", "address"}
    }
    address: dict[str, Any] = said.address.model_dump() if said.address else {}
    place = replace(before.place, **address, **{name: given[name] for name in _IN_PLACE if name in given})
    details = replace(before, place=place, **{name: given[name] for name in _IN_DETAILS if name in given})
    if details.name is None or details.kind is None or details.language is None:
        raise CallRefusedError(
            400,
            "request.missing_field",
            "name, kind and language cannot be taken away.",
            "name, kind et language ne peuvent pas être retirés.",
        )
    return _judged(details)


def _judged(details: CustomerDetails) -> CustomerDetails:
    place = details.place
    siren = check_siren(details.siren, "siren", "BT-47") if details.siren else None
    siret = check_siret(place.siret, siren or place.siret[:9], "siret", "BT-46") if place.siret else None
    siren = siren or (siret[:9] if siret else None)
    vat_id = check_vat_id(details.vat_id.upper(), siren, "vat_id", "BT-48") if details.vat_id else None
    email = clean_email(details.email) if details.email else None
    if details.email and email is None:
        raise _refused(
            "customer.bad_email", "email is no e-mail address: check it.", "email n'est pas une adresse : vérifiez-la."
        )
    if place.country not in COUNTRIES:
        raise _refused(
            "customer.bad_country",
            "address.country is no country of ISO 3166-1: two letters, such as FR.",
            "address.country n'est pas un pays de l'ISO 3166-1 : deux lettres, comme FR.",
        )
    if place.endpoint:
        check_endpoint(Identifier(place.endpoint, FRENCH_ADDRESS_SCHEME), siren, "endpoint", "BT-49")
    is_consumer = details.kind == CustomerKind.CONSUMER
    if is_consumer and (siren or vat_id):
        raise _refused(
            "customer.consumer_with_number",
            "A consumer has neither SIREN nor VAT number: leave them out, or change kind.",
            "Un particulier n'a ni SIREN ni numéro de TVA : retirez-les, ou changez kind.",
        )
    if not is_consumer and siren is None and place.country in FRENCH_VAT_TERRITORY:
        raise _refused(
            "customer.siren_missing",
            "A French company or public body has a SIREN, which its invoices must name: give siren.",
            "Une entreprise ou administration française a un SIREN, obligatoire sur ses factures : donnez siren.",
        )
    return CustomerDetails(
        details.name,
        CustomerKind(details.kind),
        siren,
        vat_id,
        email,
        details.language,
        replace(place, siret=siret),
    )


def _refused(code: str, sentence: str, sentence_fr: str) -> CallRefusedError:
    return CallRefusedError(422, code, sentence, sentence_fr)


def _terms(said: CustomerChange) -> PaymentTerms | None:
    return PaymentTerms(said.terms.days, CountedFrom(said.terms.counted_from)) if said.terms else None


def _shown(work: Work, customer_id: UUID) -> dict[str, Any]:
    details, terms = customer_details(work, customer_id), customer_terms(work, customer_id)
    row = work.row(
        "SELECT customer_id, account_code, name, siren FROM customers WHERE supplier_id = :supplier "
        "AND customer_id = :id",
        id=customer_id,
    )
    place = asdict(details.place)
    return {
        **(row or {}),
        **{name: getattr(details, name) for name in _IN_DETAILS},
        **{name: place[name] for name in _IN_PLACE},
        "address": {name: place[name] for name in ("line1", "line2", "postcode", "city", "country")},
        "terms": {"days": terms.days, "counted_from": terms.counted_from} if terms else None,
        "open": _open(work, customer_id),
        "credits": _credits(work, customer_id),
    }


def _open(work: Work, customer_id: UUID) -> dict[str, str]:
    """What they owe less their credits, by currency: below zero where they have more credit than debts."""
    rows = work.rows(
        "SELECT currency, sum(CASE WHEN debit THEN open_minor ELSE -open_minor END)::bigint AS minor "
        "FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer AND open_minor > 0 "
        "GROUP BY currency ORDER BY currency",
        customer=customer_id,
    )
    return {row["currency"]: written(row["minor"], row["currency"]) for row in rows}


def _credits(work: Work, customer_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "reference": each.reference,
            "date": each.on,
            "amount": written(each.amount_minor, each.currency),
            "open": written(each.open_minor, each.currency),
            "currency": each.currency,
            "invoice_id": each.invoice_id,
            "payment_id": each.attempt_id,
        }
        for each in available_credits(work, customer_id)
    ]
