"""``/api/v1/directory``: whether a customer can be reached and at which address, by program."""

from __future__ import annotations

from flask import Blueprint, g, request
from werkzeug.wrappers import Response  # noqa: TC002 -- read where the view is registered

from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.customer_file import identify
from portal.access.context import services
from portal.access.roles import api_clients
from portal.api.answers import REFUSALS, CallRefusedError, answer, refuse
from portal.api.invoices import know_the_caller

directory = Blueprint("api_directory", __name__, url_prefix="/api/v1")
directory.before_request(know_the_caller)
for _kind in REFUSALS:
    directory.register_error_handler(_kind, refuse)

MAX_TYPED = 125
"""Longest number, code or address asked about."""


@directory.get("/directory/<number>")
@api_clients
def look_up(number: str) -> Response:
    """What the directory says of a company (SIREN, SIRET or French VAT number), and the address to put into BT-49.

    ``siret``, ``code`` and ``address`` in the query say more of the receiver; ``address`` is one in use, to be judged.
    """
    known = identify(number[:MAX_TYPED])
    if known.siren is None:
        french, english = known.problem or (
            "Ce numéro n'est pas français : l'annuaire ne liste que des SIREN.",
            "This number is not French: the directory lists SIREN only.",
        )
        raise CallRefusedError(422, "directory.bad_number", english, french)
    siret, code, stated = (request.args.get(name, "")[:MAX_TYPED] or None for name in ("siret", "code", "address"))
    reach = services().directory.reach(g.supplier_id, known.siren)
    choice = choose_address(reach.answer, Wanted(siret or known.siret, code, stated)) if reach.answer else None
    return answer(reach.to_json() | (choice.to_json() if choice else {"address": None}))
