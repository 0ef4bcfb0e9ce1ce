"""What every call of the API has in common: its parameters, its answer, lists and their pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import shapes
from portal.sandboxes.payments.parameters import Several, either, text, whole
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.parameters import Specification

MOST_PER_PAGE, USUAL_PER_PAGE = 100, 10

EXPAND: dict[str, Specification] = {"expand": Several(text)}
SPAN: Specification = either(whole, {"gt": whole, "gte": whole, "lt": whole, "lte": whole})
PAGED: dict[str, Specification] = EXPAND | {"limit": whole, "starting_after": text, "ending_before": text}
LISTING: dict[str, Specification] = PAGED | {"created": SPAN}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets: the books (locked), the ids in the path, the parameters, and our public address."""

    books: Books
    ids: Mapping[str, str]
    params: Mapping[str, Any]
    base_url: str
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def own(self, prefix: str) -> Json:
        """The object that the path names."""
        return self.books.get(prefix, self.ids["id"])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of the API.

    Attributes:
        resource: What a restricted key needs a permission for, as in ``rak_<resource>_write``.
    """

    method: str
    rule: str
    takes: Mapping[str, Specification]
    answer: Callable[[Call], Json]
    resource: str


def listing(prefix: str, *filters: str) -> Callable[[Call], Json]:
    """The handler that lists objects, newest first, by creation span, ``filters`` and cursor."""
    return lambda call: page(filtered(call, prefix, *filters), call)


def filtered(call: Call, prefix: str, *filters: str) -> list[Json]:
    """The objects that the call asks for, newest first."""
    wanted = {name: call.params[name] for name in filters if name in call.params}
    return [
        thing
        for thing in reversed(call.books.objects[prefix].values())
        if in_span(thing["created"], call.params.get("created", {}))
        and all(thing[name] == value for name, value in wanted.items())
    ]


def one(prefix: str) -> Callable[[Call], Json]:
    """The handler that retrieves one object."""
    return lambda call: call.own(prefix)


def in_span(moment: int, span: Mapping[str, int] | int) -> bool:
    """Whether a moment is in the span that a parameter names: a second, or bounds."""
    if isinstance(span, int):
        return moment == span
    return (
        moment > span.get("gt", -1)
        and moment >= span.get("gte", 0)
        and moment < span.get("lt", moment + 1)
        and moment <= span.get("lte", moment)
    )


def page(found: list[Json], call: Call) -> Json:
    """One page of ``found`` (newest first), after or before the cursor."""
    limit = call.params.get("limit", USUAL_PER_PAGE)
    if not 0 < limit <= MOST_PER_PAGE:
        raise StripeRefusal(f"limit must be 1 to {MOST_PER_PAGE}.", param="limit")
    ids = [thing["id"] for thing in found]
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    for cursor in filter(None, (after, before)):
        if cursor not in ids:
            raise StripeRefusal(f"No such object: '{cursor}'", code="resource_missing", param="starting_after")
    rest = found[ids.index(after) + 1 :] if after else found
    if before:
        rest = found[max(0, ids.index(before) - limit) : ids.index(before)]
    return shapes.page([shapes.public(thing) for thing in rest[:limit]], "", has_more=len(rest) > limit)
