"""What a form about promises and plans says: invoices, days, amounts; read with care, kept as it was typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from payments.errors import PaymentError
from portal.customer.payment_words import read_amount
from portal.fields import ids_in
from portal.words import gettext
from receivables.domain.collecting.plans import Rhythm
from receivables.services.collecting.granting import grantable
from receivables.services.collecting.planning import MOST_INVOICES, Terms
from receivables.store.collecting.plans import Signature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from flask import Request
    from werkzeug.datastructures import MultiDict

    from portal.access.people import Person
    from portal.telling.plan_words import AgreementWords
    from receivables.services.collecting.granting import Grantable
    from receivables.store.work import Work

LONGEST_AGENT = 300
"""Characters kept of what a browser says of itself."""
USUAL_PARTS, USUAL_START = 3, timedelta(days=7)
INTEREST = ("", "yes", "no")


class TypedError(Exception):
    """Something was typed that makes no sense: the text says what to correct."""


@dataclass(frozen=True, slots=True)
class TypedTerms:
    """The form of a plan as it was typed."""

    picks: tuple[UUID, ...] = ()
    first_on: str = ""
    count: str = ""
    rhythm: str = Rhythm.MONTHLY
    first: str = ""
    interest: str = ""
    grace: str = ""

    @property
    def sent(self) -> dict[str, str]:
        """The fields that our own preview sends on, and the address of the form to change them."""
        return {
            "picks": ",".join(str(each) for each in self.picks),
            "first_on": self.first_on,
            "count": self.count,
            "rhythm": self.rhythm,
            "first": self.first,
            "interest": self.interest,
            "grace": self.grace,
        }

    def terms(self, currency: str) -> Terms:
        """What it asks for.

        Raises:
            TypedError: a field makes no sense.
        """
        return Terms(
            read_day(self.first_on),
            _whole(self.count),
            Rhythm(self.rhythm) if self.rhythm in set(Rhythm) else Rhythm.MONTHLY,
            _money(self.first, currency) if self.first.strip() else None,
            {"yes": True, "no": False}.get(self.interest),
            _whole(self.grace) if self.grace.strip() else None,
        )


def typed_terms(given: MultiDict[str, str]) -> TypedTerms:
    """The form in an address or a body: ticked boxes (``pick``), or our preview's one field (``picks``)."""
    texts = [*given.getlist("pick"), *given.get("picks", "").split(",")]
    return TypedTerms(
        picks=read_ids(texts),
        first_on=given.get("first_on", "")[:10].strip() or (today() + USUAL_START).isoformat(),
        count=given.get("count", "")[:3].strip() or str(USUAL_PARTS),
        rhythm=given.get("rhythm", "")[:20] or Rhythm.MONTHLY,
        first=given.get("first", "")[:20].strip(),
        interest=given.get("interest", "") if given.get("interest", "") in INTEREST else "",
        grace=given.get("grace", "")[:3].strip(),
    )


def read_ids(texts: Sequence[str]) -> tuple[UUID, ...]:
    """Ids among texts, each once; what is none is left out."""
    return tuple(ids_in(texts[: 2 * MOST_INVOICES]))


def read_day(text: str) -> date:
    """A day as browsers send it.

    Raises:
        TypedError: it is none.
    """
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise TypedError(gettext("Donnez un jour, par exemple avec le calendrier du champ.")) from None


def wishes_of(
    given: MultiDict[str, str], picks: Sequence[UUID], choices: Sequence[Grantable]
) -> dict[UUID, int | None]:
    """The amount typed for each ticked invoice (``a.<id>``), all that is asked for where none was.

    Raises:
        TypedError: an amount makes no sense.
    """
    currencies = {each.invoice_id: each.currency for each in choices}
    return {
        invoice_id: _money(text, currencies.get(invoice_id, "EUR"))
        if (text := given.get(f"a.{invoice_id}", "")[:20].strip())
        else None
        for invoice_id in picks
    }


def choices_of(work: Work, customer_id: UUID) -> list[Grantable]:
    """The open invoices of a customer in the currency of the first of them: one agreement is in one currency."""
    found = grantable(work, customer_id)
    return [each for each in found if each.currency == found[0].currency]


def signature_by(person: Person, words: AgreementWords, request: Request) -> Signature:
    """The click that this request is."""
    return Signature(
        person_id=person.person_id,
        name=person.name,
        email=person.email,
        words=words.text,
        words_sha256=words.sha256,
        language=words.language,
        ip=request.remote_addr or "",
        user_agent=(request.user_agent.string or "")[:LONGEST_AGENT],
        signed_at=now(),
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise TypedError(gettext("« %(typed)s » n'est pas un nombre entier.") % {"typed": text})
    return int(text)


def _money(text: str, currency: str) -> int:
    try:
        return read_amount(text, currency)
    except PaymentError:
        raise TypedError(gettext("« %(typed)s » n'est pas un montant.") % {"typed": text}) from None
