"""``/s/mails/settings``, ``/s/mails/mine``: what the supplier wants of its mails, and what each of the staff wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import BOOKKEEPING, READERS, allow
from portal.digests.gathering import READERS as DIGEST_READERS
from portal.digests.sending import KIND
from portal.mail.settings import MailSettings, keep_mail_settings, mail_settings_of
from receivables.store.mail.senders import PROVEN, sender_of
from receivables.store.mail.wishes import address_hash, note_wish, unwanted

if TYPE_CHECKING:
    from werkzeug import Response

blueprint = Blueprint("mail_wishes", __name__, url_prefix="/s/mails")


@blueprint.get("/settings")
@allow(*BOOKKEEPING)
def settings() -> str:
    """What the supplier wants of its mails, and how they leave the house."""
    house = services().settings
    with work_here() as work:
        kept, own = mail_settings_of(work), sender_of(work)
    return render_template(
        "mails/settings.html",
        kept=kept,
        has_server=house.smtp_url is not None,
        sender=house.mail_from,
        own=own.address if own and own.state == PROVEN else None,
        signed_by=house.dkim_domain,
        answers=house.mail_reply_address is not None,
    )


@blueprint.post("/settings")
@allow(*BOOKKEEPING)
def keep_settings() -> Response:
    """Keep the supplier's choice."""
    chosen = MailSettings("attach_invoice" in request.form, "digest" in request.form)
    with work_here() as work:
        keep_mail_settings(work, chosen, actor())
    return redirect(url_for("mail_wishes.settings", kept=1), 303)


@blueprint.get("/mine")
@allow(*READERS)
def mine() -> str:
    """What the caller gets by mail."""
    email = caller().person.email
    with work_here() as work:
        wanted = email not in unwanted(work, [email], KIND)
        sent = mail_settings_of(work).digest
    return render_template(
        "mails/mine.html", wanted=wanted, sent=sent, is_reader=place().role in DIGEST_READERS, email=email
    )


@blueprint.post("/mine")
@allow(*READERS)
def keep_mine() -> Response:
    """Keep what the caller wants."""
    person = caller().person
    with work_here() as work:
        note_wish(work, address_hash(person.email), KIND, f"person {person.person_id}", wanted="digest" in request.form)
    return redirect(url_for("mail_wishes.mine", kept=1), 303)
