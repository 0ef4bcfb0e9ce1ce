"""Whoever collects hears of chargebacks and refunds the same day: by mail, on "À traiter", on the first page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from payments.refunds.orders import list_refunds
from payments.treasury.contests import find_contest, list_contests
from portal.access.roles import COLLECTING
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.staff.treasury.words import contest_words
from portal.words import catalogue, day, gettext, known_language, money, ngettext, note_text, number, short_day
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from payments.refunds.orders import RefundOrder
    from payments.treasury.contests import ContestLine
    from portal.wiring import Services
    from receivables.store.work import Work

_CAPTIONS = {
    "open": note_text("contestés, à répondre avant le %(until)s"),
    "lost": note_text("de nouveau à payer par %(customer)s"),
    "won": note_text("vous restent"),
}
"""What stands under the amount of a mail."""
WATERMARK = "contests.told"
OVERLAP = timedelta(minutes=10)
"""A transaction that began before the last look may have ended after it; a mail's key writes it once."""
FIRST_LOOK = timedelta(days=30)
"""Nobody looks before a supplier has a first complaint: a worker that stood still then must not lose it."""
STUCK_AFTER = timedelta(minutes=15)
FAILED_SHOWN = timedelta(days=14)
"""A refund that failed is shown for so long; the list of refunds keeps it for good."""
LOST_SHOWN = timedelta(days=30)
"""A lost chargeback is shown for so long, while what it reopened is open."""
_MAILS = {
    "open": (
        note_text("%(supplier)s : %(customer)s conteste un paiement de %(amount)s"),
        note_text(
            "%(customer)s a demandé à sa banque de reprendre %(amount)s (%(reason)s). Le prestataire a retiré ou va "
            "retirer cette somme. Vous pouvez répondre avec le dossier de preuve jusqu'au %(until)s."
        ),
    ),
    "lost": (
        note_text("%(supplier)s : %(amount)s repris par la banque de %(customer)s"),
        note_text(
            "La banque de %(customer)s a repris %(amount)s pour de bon (%(reason)s). Les factures que ce paiement "
            "réglait sont de nouveau à payer : %(invoices)s. Prenez contact avec le client."
        ),
    ),
    "won": (
        note_text("%(supplier)s : contestation de %(amount)s gagnée"),
        note_text("La banque de %(customer)s vous donne raison : %(amount)s vous restent. Rien n'est à faire."),
    ),
}


def tell_contests(services: Services, supplier_id: UUID) -> int:
    """Write to the staff about chargebacks that opened or ended since the last look; returns how many were told."""
    begun_at = now()
    with services.works.begin(supplier_id) as work:
        reached: datetime | None = work.scalar(
            "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=WATERMARK
        )
        rows = work.rows(
            "SELECT dispute_ref FROM provider_disputes WHERE supplier_id = :supplier AND state <> 'answered' "
            "AND changed_at >= :since ORDER BY changed_at, dispute_ref",
            since=reached - OVERLAP if reached else begun_at - FIRST_LOOK,
        )
        contests = [found for row in rows if (found := find_contest(work, row["dispute_ref"]))]
    people = _people(services, supplier_id) if contests else []
    with services.works.begin(supplier_id) as work:
        for contest in contests:
            for person_id, email, language in people:
                keep_page(work, *_mail(services, work, contest, (person_id, email, known_language(language))))
        if contests or reached is None:
            work.execute(
                "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
                "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
                name=WATERMARK,
                at=begun_at,
            )
    return len(contests)


def _people(services: Services, supplier_id: UUID) -> list[tuple[UUID, str, str]]:
    """Id, address and language of everybody who collects or keeps the books."""
    with services.database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT person_id, email, language FROM memberships JOIN people USING (person_id) "
                "WHERE member_of = :supplier AND ended_at IS NULL AND role = ANY(:roles) ORDER BY email"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in COLLECTING]},
        ).all()
    return [(row[0], row[1], row[2]) for row in rows]


def _mail(
    services: Services, work: Work, contest: ContestLine, reader: tuple[UUID, str, str]
) -> tuple[MailPage, Envelope]:
    person_id, email, spoken = reader
    values = {
        "supplier": work.scalar("SELECT name FROM suppliers WHERE supplier_id = :supplier"),
        "customer": contest.customer_name or contest.payment_ref,
        "amount": money(contest.amount_minor, contest.currency, spoken),
        "reason": contest_words(contest.reason, spoken),
        "until": day(contest.answer_until.date(), spoken) if contest.answer_until else "-",
        "invoices": ", ".join(each for _, each in contest.invoices) or "-",
    }
    url = f"{services.settings.public_url}/s/treasury/disputes/{contest.dispute_ref}"
    page = contest_page(contest.state, {**values, "url": url}, spoken)
    return page, Envelope(
        f"contest_{contest.state}",
        f"contest/{contest.dispute_ref}/{contest.state}/{person_id}",
        email,
        contest.invoices[0][0] if contest.invoices else None,
    )


def contest_page(state: str, told: Mapping[str, object], spoken: str) -> MailPage:
    """What the staff are told of a complaint at a bank."""
    speak = catalogue(spoken).gettext
    subject, sentence = (speak(each) % told for each in _MAILS[state])
    return MailPage(
        subject=subject,
        preheader=sentence,
        greeting=speak("Bonjour,"),
        paragraphs=(sentence,),
        figure=(str(told["amount"]), speak(_CAPTIONS[state]) % told),
        button=(speak(note_text("Ouvrir la contestation")), str(told["url"])),
        language=spoken,
    )


def contests_waiting(work: Work) -> tuple[str, str] | None:
    """How many complaints wait for our answer, in words, with the tone; ``None`` where none does."""
    open_ones = [each for each in list_contests(work, "open") if each.is_waiting]
    if not open_ones:
        return None
    count = ngettext("%(num)s paiement contesté", "%(num)s paiements contestés", len(open_ones))
    words = count % {"num": number(len(open_ones))}
    until = min((each.answer_until for each in open_ones if each.answer_until), default=None)
    if until is None:
        return words, "part"
    told = gettext("répondre avant le %(day)s") % {"day": short_day(until.date())}
    return f"{words}, {told}", "late"


def refunds_waiting(work: Work) -> str | None:
    """How many refunds wait for a second person, in words."""
    waiting = list_refunds(work, ["to_agree"])
    if not waiting:
        return None
    words = ngettext("%(num)s attend une seconde personne", "%(num)s attendent une seconde personne", len(waiting))
    return words % {"num": number(len(waiting))}


def lost_contests(work: Work) -> Iterator[tuple[ContestLine, str, str]]:
    """Chargebacks lost lately whose invoices are open again, each with what happened and what to do."""
    for contest in list_contests(work, "lost"):
        dues = [due_on_invoice(work, invoice_id) for invoice_id, _ in contest.invoices]
        if contest.changed_at < now() - LOST_SHOWN or not any(due.open_minor for due in dues):
            continue
        yield (
            contest,
            gettext("%(amount)s repris par la banque de %(customer)s")
            % {"amount": money(contest.amount_minor, contest.currency), "customer": contest.customer_name},
            gettext("Les factures sont de nouveau à payer. Appelez le client avant que les relances reprennent."),
        )


def refund_troubles(work: Work) -> Iterator[tuple[RefundOrder, str, str]]:
    """Refunds that failed or are in doubt, each with what happened and what to do."""
    for order in list_refunds(work, ["failed"]):
        if order.changed_at > now() - FAILED_SHOWN:
            yield (
                order,
                gettext("Un remboursement de %(amount)s a échoué")
                % {"amount": money(order.amount_minor, order.currency)},
                gettext(
                    "Rien n'est parti, ou l'argent est revenu : remboursez par virement depuis la page du paiement."
                ),
            )
    for order in list_refunds(work, ["to_send"]):
        if order.failure and order.tried_at and order.tried_at < now() - STUCK_AFTER:
            yield (
                order,
                gettext("Un remboursement de %(amount)s n'est pas certain")
                % {"amount": money(order.amount_minor, order.currency)},
                gettext("La même demande est répétée jusqu'à une réponse : n'en faites pas une seconde."),
            )
