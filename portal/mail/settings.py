"""What a supplier wants of its mails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Whether the invoice goes with its mail as a PDF, and whether staff get the digest of the week."""

    attach_invoice: bool = False
    digest: bool = True


def mail_settings_of(work: Work) -> MailSettings:
    """What this work's supplier has chosen; the house's choice before that."""
    row = work.row("SELECT attach_invoice, digest FROM mail_settings WHERE supplier_id = :supplier")
    return MailSettings(**row) if row else MailSettings()


def keep_mail_settings(work: Work, settings: MailSettings, actor: str) -> None:
    """Keep the supplier's choice."""
    work.execute(
        "INSERT INTO mail_settings (supplier_id, attach_invoice, digest, changed_by, changed_at) "
        "VALUES (:supplier, :attach, :digest, :actor, :at) ON CONFLICT (supplier_id) DO UPDATE SET "
        "attach_invoice = excluded.attach_invoice, digest = excluded.digest, changed_by = excluded.changed_by, "
        "changed_at = excluded.changed_at",
        attach=settings.attach_invoice,
        digest=settings.digest,
        actor=actor,
        at=now(),
    )
    work.audit(
        actor,
        "mail_settings.kept",
        str(work.supplier_id),
        attach_invoice=settings.attach_invoice,
        digest=settings.digest,
    )
