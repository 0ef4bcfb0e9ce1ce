"""Mails in the demonstration: a supplier's own words and signature, and the digest of last week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.digests.sending import send_digests
from receivables.store.mail.texts import EVERY_MAIL, MailText, keep_mail_text

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

ACTOR = "demo"
_TEXTS = (
    MailText(EVERY_MAIL, "fr", closing="Le service comptabilité"),
    MailText(EVERY_MAIL, "en", closing="Accounts receivable"),
    MailText("receipt_paid", "fr", opening="Merci pour votre règlement de {montant} : votre reçu vous attend."),
)


def add_mails(services: Services, supplier_id: UUID) -> None:
    """Let a supplier speak in its own words, and write to its staff about their week."""
    with services.works.begin(supplier_id) as work:
        for text in _TEXTS:
            keep_mail_text(work, text, ACTOR)
    send_digests(services, supplier_id)
