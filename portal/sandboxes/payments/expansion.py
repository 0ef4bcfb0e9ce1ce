"""Answers for the outside: copies without our private names, with ids replaced by objects where the call asks."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from flask import request

from portal.sandboxes.payments import cash, shapes
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.endpoints.calls import Call

DEEPEST_EXPANSION = 4


def expanded(answer: Json, call: Call) -> Json:
    """A copy of ``answer``, with everything in it that ``expand`` names.

    Raises:
        StripeRefusal: It names too deep, or what cannot be expanded.
    """
    told = shapes.public(copy.deepcopy(answer))
    if told.get("object") == "list" and not told["url"]:
        told["url"] = request.path
    for path in call.params.get("expand", ()):
        steps = path.split(".")
        if len(steps) > DEEPEST_EXPANSION + 1:
            raise StripeRefusal(f"You cannot expand more than {DEEPEST_EXPANSION} levels.", param="expand")
        if steps[0] == "data" and told.get("object") == "list":
            for thing in told["data"]:
                _expand(thing, steps[1:], call.books)
        else:
            _expand(told, steps, call.books)
    return told


def _expand(thing: Json, steps: list[str], books: Books) -> None:
    if not steps:
        return
    name, value = steps[0], thing.get(steps[0])
    included = _included(thing, name, books)
    if included is not None:
        thing[name] = included
        return
    if isinstance(value, str):
        found = books.find(value)
        if found is not None:
            thing[name] = shapes.public(copy.deepcopy(found))
    elif name not in thing:
        raise StripeRefusal(f"This property cannot be expanded ({name}).", param="expand")
    if isinstance(thing[name], dict):
        _expand(thing[name], steps[1:], books)


def _included(thing: Json, name: str, books: Books) -> Any:
    """What an object only has when it is asked for; None for everything else."""
    kind = thing.get("object")
    if (kind, name) == ("checkout.session", "line_items"):
        lines = books.get("cs", thing["id"])["_lines"]
        return shapes.page([shapes.public(line) for line in lines], "", has_more=False)
    if (kind, name) == ("charge", "refunds"):
        refunds = [refund for refund in books.objects["re"].values() if refund["charge"] == thing["id"]]
        url = f"/v1/charges/{thing['id']}/refunds"
        return shapes.page([shapes.public(refund) for refund in reversed(refunds)], url, has_more=False)
    if (kind, name) == ("customer", "cash_balance"):
        return cash.balance_of(books.get("cus", thing["id"]))
    return None
