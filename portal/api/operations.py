"""An operation of the API: one statement from which it is guarded, read, done once, answered and published.

``@operation("disputes:read", ...)`` marks the view for the access table, demands the scope, reads address and body by
Pydantic models, and keeps what the published schema (:mod:`portal.api.schema`) says of it.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response, g, request, url_for
from pydantic import BaseModel

from portal.access.context import services
from portal.access.forms import SAFE_METHODS
from portal.access.roles import api_clients
from portal.api.answers import answer
from portal.api.door import demand_scope
from portal.api.inputs import read_body, read_query
from portal.api.once import once_in_one_work, once_in_several_works

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from receivables.store.work import Work

MARK = "operation"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one operation takes and gives."""

    scope: str
    """Empty where the view itself finds out which one it takes."""
    summary: str
    summary_fr: str
    answers: Mapping[int, type[BaseModel] | str]
    """By status: the model of the JSON, or the media type of a file; empty text where the JSON has no model."""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    files: tuple[str, ...] = ()
    """Media types of a body that is a file; its own reader judges it."""
    json_body: type[BaseModel] | None = None
    """The model of a JSON body among ``files``, which has a reader of its own."""
    headers: Mapping[str, str] | None = None
    """More headers that are read: name and meaning."""
    example: Any = None
    """An example of the body."""
    description: str = ""


def operation(
    scope: str,
    summary: str,
    summary_fr: str,
    gives: type[BaseModel] | str = "",
    *,
    status: int = 200,
    more: Mapping[int, type[BaseModel] | str] | None = None,
    **rest: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """State what a view is. It is called with ``work``, ``query`` and ``body`` where it names them.

    A view that names ``work`` is one transaction, and its ``Idempotency-Key`` stands in it; a writing view that does
    not takes several, and must be such that doing it again has no second effect.
    """
    stated = Operation(scope, summary, summary_fr, {status: gives, **(more or {})}, **rest)

    def guard(view: Callable[..., Any]) -> Callable[..., Response]:
        named = set(inspect.signature(view).parameters)

        @wraps(view)
        def called(**given: Any) -> Response:
            if stated.scope:
                demand_scope(stated.scope)
            if stated.query is not None:
                found = read_query(stated.query)
                given |= {"query": found} if "query" in named else {}
            if stated.body is not None:
                given["body"] = read_body(stated.body)
            if "work" in named:
                return _in_one_work(lambda work: _respond(view(work=work, **given), status))
            if request.method in SAFE_METHODS:
                return _respond(view(**given), status)
            return once_in_several_works(lambda: _respond(view(**given), status))

        called.__dict__[MARK] = stated
        return api_clients(called)

    return guard


def operation_of(view: Callable[..., Any] | None) -> Operation | None:
    """What a view states, or ``None``."""
    return getattr(view, MARK, None)


def _in_one_work(run: Callable[[Work], Response]) -> Response:
    if request.method in SAFE_METHODS:
        with services().works.begin(g.supplier_id) as work:
            return run(work)
    return once_in_one_work(run)


def _respond(value: Any, status: int) -> Response:
    """What a view gave, as an answer; a page of a list names the next one in ``Link`` too."""
    if isinstance(value, Response):
        return value
    response = answer(value.model_dump(mode="json") if isinstance(value, BaseModel) else value, status)
    following = getattr(value, "next_after", None)
    if following is not None:
        asked: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict(flat=False), "after": following}
        path = url_for(request.endpoint or "", **asked)
        response.headers["Link"] = f'<{path}>; rel="next"'
    return response
