"""Mails about promises and payment plans: what was agreed, which instalment comes or is late, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import today
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage, MailTable
from portal.telling.plan_words import REASONS
from portal.words import catalogue, day, known_language, money, note_text
from receivables.services.collecting.plan_reviews import last_day_of
from receivables.store.customer_file.contacts import recipient_for
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from portal.wiring import Services
    from receivables.domain.collecting.plans import Part, Plan
    from receivables.domain.collecting.promises import Promise
    from receivables.store.customer_file.contacts import Contact
    from receivables.store.work import Work

OFFERED, RECEIVED, AGREED = "offered", "received", "agreed"
WORDS = {
    OFFERED: (
        note_text("%(supplier)s vous propose un échéancier"),
        note_text("Nous vous proposons de régler %(total)s en %(count)s échéances, jusqu'au %(last)s."),
        note_text("Lire et accepter, ou refuser"),
    ),
    RECEIVED: (
        note_text("%(supplier)s : votre proposition d'échéancier"),
        note_text(
            "Nous avons bien reçu votre proposition : %(total)s en %(count)s échéances. Nous vous répondons vite."
        ),
        note_text("Voir votre proposition"),
    ),
    AGREED: (
        note_text("%(supplier)s : votre échéancier est accepté"),
        note_text("Votre échéancier est en place : %(total)s en %(count)s échéances, jusqu'au %(last)s."),
        note_text("Voir et régler vos échéances"),
    ),
    "refused": (
        note_text("%(supplier)s : votre proposition d'échéancier n'est pas retenue"),
        note_text("Nous ne pouvons pas accepter cet échéancier : %(reason)s"),
        note_text("Voir vos factures et proposer autre chose"),
    ),
    "withdrawn": (
        note_text("%(supplier)s : votre échéancier prend fin"),
        note_text("L'échéancier de %(total)s prend fin : %(reason)s. Vos factures sont dues à leurs dates d'origine."),
        note_text("Voir ce qui reste à régler"),
    ),
    "soon": (
        note_text("%(supplier)s : votre échéance de %(part)s, le %(day)s"),
        note_text("Votre échéance de %(part)s est à régler le %(day)s."),
        note_text("Régler cette échéance"),
    ),
    "late": (
        note_text("%(supplier)s : votre échéance du %(day)s n'est pas réglée"),
        note_text(
            "Il manque %(part)s sur l'échéance du %(day)s. Réglez-la au plus tard le %(until)s : passé ce jour, "
            "l'échéancier prend fin et tout ce qui reste dû (%(left)s) redevient exigible en une fois."
        ),
        note_text("Régler cette échéance"),
    ),
    "broken": (
        note_text("%(supplier)s : votre échéancier est rompu"),
        note_text(
            "L'échéance du %(day)s n'a pas été réglée : l'échéancier prend fin, comme il le prévoyait. Il reste "
            "%(left)s à régler sans attendre."
        ),
        note_text("Régler, ou nous écrire"),
    ),
    "kept": (
        note_text("%(supplier)s : votre échéancier est soldé"),
        note_text("Toutes vos échéances sont réglées. Merci."),
        note_text("Revoir l'échéancier"),
    ),
    "expired": (
        note_text("%(supplier)s : la proposition d'échéancier n'est plus valable"),
        note_text(
            "La première échéance est passée sans que l'échéancier soit accepté. Rien n'est changé à vos factures."
        ),
        note_text("Proposer un nouvel échéancier"),
    ),
    "reopened": (
        note_text("%(supplier)s : un paiement de l'échéancier est revenu impayé"),
        note_text("Votre banque a repris un paiement : il reste %(left)s à régler sur l'échéancier."),
        note_text("Régler ce qui manque"),
    ),
}
PROMISED = (
    note_text("%(supplier)s : votre règlement de %(total)s, le %(day)s"),
    note_text(
        "Nous avons noté que vous réglez %(total)s le %(day)s. Merci ; vous pouvez le faire en ligne dès maintenant."
    ),
    note_text("Voir et régler"),
)


_IN_PARTS = note_text("en %(count)s échéances, jusqu'au %(last)s")
_FIGURES: dict[str, tuple[str, str]] = {
    WORDS[OFFERED][0]: ("total", _IN_PARTS),
    WORDS[RECEIVED][0]: ("total", _IN_PARTS),
    WORDS[AGREED][0]: ("total", _IN_PARTS),
    WORDS["soon"][0]: ("part", note_text("à régler le %(day)s")),
    WORDS["late"][0]: ("part", note_text("à régler au plus tard le %(until)s")),
    WORDS["broken"][0]: ("left", note_text("à régler sans attendre")),
    WORDS["reopened"][0]: ("left", note_text("à régler sur l'échéancier")),
    PROMISED[0]: ("total", note_text("que vous réglez le %(day)s")),
}
"""The amount that a mail begins with and the words under it, by its subject."""
_SHOW_PARTS = frozenset({OFFERED, RECEIVED, AGREED})
"""Turns whose mail lists every instalment."""


def write_plan_mail(services: Services, work: Work, what: str, plan: Plan, part: Part | None = None) -> bool:
    """Put a mail about a plan into the book, once for each turn of it; whether there is somebody to write to."""
    to = recipient_for(work, plan.customer_id, "payment")
    if to is None:
        return False
    spoken = known_language(to.language)
    told: dict[str, Any] = {
        "total": money(plan.total_minor, plan.currency, spoken),
        "left": money(plan.left_minor, plan.currency, spoken),
        "count": len(plan.instalments),
        "last": day(plan.instalments[-1].due_on, spoken),
        "reason": _reason(plan.reason, spoken),
    }
    if part is not None:
        told |= {
            "part": money(part.asked_minor, plan.currency, spoken),
            "day": day(part.due_on, spoken),
            "until": day(last_day_of(plan, part), spoken),
        }
    turn = str(part.position) if part and what in ("soon", "late") else plan.changed_at.isoformat()
    url = _direct_link(services, work, plan) if what in ("soon", "late", "broken") else None
    page = f"{services.settings.public_url}/c/plans/{plan.plan_id}"
    parts = [(each.due_on, each.amount_minor) for each in plan.instalments]
    shown = instalment_table(parts, plan.currency, spoken) if what in _SHOW_PARTS else None
    letter = plan_page(WORDS[what], told | {"supplier": supplier_name(work)}, url or page, spoken, shown)
    _keep(work, to, (f"plan_{what}", f"plan/{plan.plan_id}/{what}/{turn}"), letter, told["total"])
    return True


def write_promise_mail(services: Services, work: Work, promise: Promise) -> bool:
    """Tell a customer what a collector has noted of their words; whether there is somebody to write to."""
    to = recipient_for(work, promise.customer_id, "payment")
    if to is None:
        return False
    spoken = known_language(to.language)
    told = {
        "total": money(promise.amount_minor, promise.currency, spoken),
        "day": day(promise.promised_on, spoken),
    }
    alone = promise.invoices[0].invoice_id if len(promise.invoices) == 1 else None
    url = services.pay_link(work, alone, "mail") if alone else f"{services.settings.public_url}/c/plans"
    letter = plan_page(PROMISED, told | {"supplier": supplier_name(work)}, url, spoken)
    _keep(work, to, ("promise", f"promise/{promise.promise_id}/noted"), letter, told["total"])
    return True


def _direct_link(services: Services, work: Work, plan: Plan) -> str | None:
    """The link by which anybody can pay what is asked now without signing in, where it is on one invoice."""
    asked = list(plan.shares(plan.asked_minor(today() + timedelta(days=7))))
    return services.pay_link(work, asked[0], "mail") if len(asked) == 1 else None


def plan_page(
    words: tuple[str, str, str], told: Mapping[str, object], url: str, spoken: str, shown: MailTable | None = None
) -> MailPage:
    """What a mail about a promise or a plan says."""
    speak = catalogue(spoken).gettext
    subject, sentence, button = (speak(each) % told for each in words)
    which, caption = _FIGURES.get(words[0], (None, ""))
    return MailPage(
        subject=subject,
        preheader=sentence,
        greeting=speak("Bonjour,"),
        paragraphs=(sentence,),
        figure=(str(told[which]), speak(caption) % told) if which else None,
        tables=(shown,) if shown else (),
        button=(button, url),
        language=spoken,
    )


def instalment_table(parts: Sequence[tuple[date, int]], currency: str, spoken: str) -> MailTable:
    """Instalments, each with its day and its amount in minor units, with their sum."""
    speak = catalogue(spoken).gettext
    return MailTable(
        heads=(speak(note_text("Échéance")), speak(note_text("Montant"))),
        rows=tuple(((day(due_on, spoken), money(minor, currency, spoken)), None) for due_on, minor in parts),
        total=(speak(note_text("Total")), money(sum(minor for _, minor in parts), currency, spoken)),
    )


def _keep(work: Work, to: Contact, about: tuple[str, str], page: MailPage, amount: str) -> None:
    kind, key = about
    assert to.email is not None  # noqa: S101 -- whom one may write to has an address
    keep_page(work, page, Envelope(kind, key, to.email, values={"client": to.name, "montant": amount}))


def _reason(reason: str | None, spoken: str) -> str:
    return catalogue(spoken).gettext(REASONS[reason]) if reason and reason in REASONS else (reason or "")
