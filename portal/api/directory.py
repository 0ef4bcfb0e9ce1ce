"""``/api/v1/directory``: whether a customer can be reached and at which address, by program."""

from __future__ import annotations

from typing import Annotated, Any

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.customer_file import identify
from portal.access.context import services
from portal.api.answers import CallRefusedError
from portal.api.door import open_blueprint
from portal.api.operations import operation
from portal.api.shapes import Input, Text

directory = open_blueprint("api_directory")

MAX_TYPED = 125
"""Longest number, code or address asked about."""


class ReceiverQuery(Input):
    """More of the receiver."""

    siret: Annotated[Text | None, Field(max_length=MAX_TYPED)] = None
    code: Annotated[Text | None, Field(max_length=MAX_TYPED, description="Routing code.")] = None
    address: Annotated[Text | None, Field(max_length=MAX_TYPED, description="One in use, to be judged.")] = None


class ReachShape(BaseModel):
    """What the directory says of a company, and the address to put into BT-49."""

    model_config = ConfigDict(extra="allow")

    siren: str
    state: str
    reason: str
    sentence: str
    sentence_fr: str
    address: str | None
    lines: list[dict[str, Any]]


@directory.get("/directory/<number>")
@operation(
    "customers:read",
    "Can this company be reached?",
    "Cette entreprise est-elle joignable ?",
    ReachShape,
    query=ReceiverQuery,
)
def look_up(number: str, query: ReceiverQuery) -> dict[str, Any]:
    """What the directory says of a company (SIREN, SIRET or French VAT number), and the address to put into BT-49."""
    known = identify(number[:MAX_TYPED])
    if known.siren is None:
        french, english = known.problem or (
            "Ce numéro n'est pas français : l'annuaire ne liste que des SIREN.",
            "This number is not French: the directory lists SIREN only.",
        )
        raise CallRefusedError(422, "directory.bad_number", english, french)
    wanted = Wanted(query.siret or known.siret, query.code or None, query.address or None)
    reach = services().directory.reach(g.supplier_id, known.siren)
    choice = choose_address(reach.answer, wanted) if reach.answer else None
    return reach.to_json() | (choice.to_json() if choice else {"address": None})
