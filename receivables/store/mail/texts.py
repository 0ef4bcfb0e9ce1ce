"""What a supplier says in its mails in its own words, in PostgreSQL: by kind of mail and language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from receivables.store.work import Work

EVERY_MAIL = "every"
"""The kind whose ``closing`` stands under every mail: the signature. It has no subject and no opening."""


@dataclass(frozen=True, slots=True)
class MailText:
    """The supplier's own words for a kind of mail; what is empty says the house.

    ``opening`` stands in place of the first paragraph, ``closing`` after the last; empty lines part paragraphs.
    """

    kind: str
    language: str
    subject: str = ""
    opening: str = ""
    closing: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the supplier says nothing of its own."""
        return not (self.subject or self.opening or self.closing)


class MailTexts(dict[tuple[str, str], MailText]):
    """The words of a supplier, by kind and language (``fr``, ``en``)."""

    def of(self, kind: str, language: str) -> MailText:
        """The words for a kind of mail, all empty where it has none of its own."""
        return self.get((kind, language)) or MailText(kind, language)

    def signature(self, language: str) -> str:
        """What stands under every mail, empty where the supplier gave none."""
        return self.of(EVERY_MAIL, language).closing


def mail_texts_of(work: Work) -> MailTexts:
    """What the supplier says in its mails: at most one row for each kind and language."""
    rows = work.rows("SELECT kind, language, subject, opening, closing FROM mail_texts WHERE supplier_id = :supplier")
    return MailTexts({(row["kind"], row["language"]): _text(row) for row in rows})


def keep_mail_text(work: Work, text: MailText, actor: str) -> None:
    """Keep the supplier's words for one kind of mail in one language; empty ones give the word back to the house."""
    work.execute(
        "INSERT INTO mail_texts (supplier_id, kind, language, subject, opening, closing, changed_by, changed_at) "
        "VALUES (:supplier, :kind, :language, nullif(:subject, ''), nullif(:opening, ''), nullif(:closing, ''), "
        ":actor, :at) ON CONFLICT (supplier_id, kind, language) DO UPDATE SET subject = excluded.subject, "
        "opening = excluded.opening, closing = excluded.closing, changed_by = excluded.changed_by, "
        "changed_at = excluded.changed_at",
        kind=text.kind,
        language=text.language,
        subject=text.subject,
        opening=text.opening,
        closing=text.closing,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "mail_text.kept", text.kind, language=text.language, own=not text.is_empty)


def _text(row: RowMapping) -> MailText:
    return MailText(row["kind"], row["language"], row["subject"] or "", row["opening"] or "", row["closing"] or "")
