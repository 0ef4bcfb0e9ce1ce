"""``/s/webhooks``: which addresses are told, how that goes, and what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from portal.access.context import place, work_here
from portal.access.roles import BOOKKEEPING, OWNERS, allow
from portal.access.step_up import fresh_proof
from portal.fields import id_in
from portal.webhooks.endpoints import BOTH_SIGN, get_endpoint, list_endpoints
from portal.webhooks.log import CHOICES, PAGE, attempts_of, get_delivery, list_deliveries
from portal.webhooks.payloads import body_of, name_of, test_body
from portal.webhooks.planning import MOST_REPLAYED
from portal.webhooks.words import answer_words, cause_name, event_name, families, reason_words, state_of
from portal.words import gettext, note_text
from receivables.domain.told import KINDS
from receivables.store.event_log import events_before, find_event

if TYPE_CHECKING:
    from uuid import UUID

    from portal.webhooks.endpoints import EndpointWish

blueprint = Blueprint("webhooks", __name__, url_prefix="/s/webhooks")

HOME = "/s/webhooks"
NARROWED = {"all": note_text("Tous"), "waiting": note_text("En attente"), "failed": note_text("Abandonnés")}


@blueprint.get("")
@allow(*BOOKKEEPING)
def index() -> str:
    """Every address with how it does."""
    with work_here() as work:
        endpoints = list_endpoints(work)
    return render_template(
        "webhooks/index.html", endpoints=endpoints, may_act=place().role in OWNERS, reason_words=reason_words
    )


@blueprint.get("/new")
@allow(*OWNERS)
@fresh_proof
def ask() -> str:
    """The form of a new address."""
    return form_page(None, None)


@blueprint.get("/<uuid:endpoint_id>/change")
@allow(*OWNERS)
@fresh_proof
def ask_change(endpoint_id: UUID) -> str:
    """The form of an address that is there."""
    return form_page(endpoint_id, None)


def form_page(endpoint_id: UUID | None, typed: EndpointWish | None, wrong: str = "") -> str:
    """The form, with what was typed where it was wrong."""
    with work_here() as work:
        endpoint = get_endpoint(work, endpoint_id) if endpoint_id else None
    shown = typed or endpoint
    return render_template(
        "webhooks/form.html",
        endpoint=endpoint,
        label=shown.label if shown else "",
        url=shown.url if shown else "",
        chosen=set(shown.kinds) if shown else set(),
        families=families(),
        wrong=wrong,
    )


@blueprint.get("/<uuid:endpoint_id>")
@allow(*BOOKKEEPING)
def show(endpoint_id: UUID) -> str:
    """One address: its standing, what can be done with it, and its deliveries."""
    return endpoint_page(endpoint_id)


def endpoint_page(endpoint_id: UUID, *, secret: str = "", wrong: str = "", said: str = "") -> str:
    """The page of an address; ``secret`` is shown on the one answer that made it."""
    narrowed = request.args.get("show", "all")
    narrowed = narrowed if narrowed in CHOICES else "all"
    with work_here() as work:
        endpoint = get_endpoint(work, endpoint_id)
        rows = list_deliveries(work, endpoint_id, narrowed, id_in(request.args.get("after", "")))
    return render_template(
        "webhooks/show.html",
        endpoint=endpoint,
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        narrowed=narrowed,
        choices={key: gettext(name) for key, name in NARROWED.items()},
        secret=secret,
        wrong=wrong,
        said=said,
        hours=int(BOTH_SIGN.total_seconds() // 3600),
        most=MOST_REPLAYED,
        may_act=place().role in OWNERS,
        state_of=state_of,
        event_name=event_name,
        cause_name=cause_name,
        answer_words=answer_words,
        reason_words=reason_words,
    )


@blueprint.get("/deliveries/<uuid:delivery_id>")
@allow(*BOOKKEEPING)
def delivery(delivery_id: UUID) -> str:
    """One delivery: what was sent, and every answer."""
    with work_here() as work:
        found = get_delivery(work, delivery_id)
        endpoint = get_endpoint(work, found.endpoint_id)
        event = find_event(work, found.event_id) if found.event_id else None
        attempts = attempts_of(work, delivery_id)
    body = body_of(event) if event else test_body(delivery_id, found.created_at)
    return render_template(
        "webhooks/delivery.html",
        delivery=found,
        endpoint=endpoint,
        attempts=attempts,
        webhook_id=name_of(found.event_id or delivery_id),
        body=json.dumps(json.loads(body), indent=2, ensure_ascii=False),
        may_act=place().role in OWNERS,
        state=state_of(found),
        event_name=event_name,
        cause_name=cause_name,
        answer_words=answer_words,
    )


@blueprint.get("/events")
@allow(*BOOKKEEPING)
def events() -> str:
    """The log: everything that programs may know of, the newest first."""
    kind = request.args.get("kind", "")
    before = request.args.get("before", "")
    with work_here() as work:
        rows = events_before(
            work, int(before) if before.isdecimal() else None, PAGE + 1, kind=kind if kind in KINDS else None
        )
    return render_template(
        "webhooks/events.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        kind=kind if kind in KINDS else "",
        families=families(),
        event_name=event_name,
        name_of=name_of,
    )
