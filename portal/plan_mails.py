"""Mails about promises and payment plans: what was agreed, which instalment comes or is late, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from config.clock import today
from portal.access.sign_in_mail import Mail
from portal.mails import keep_mail
from portal.plan_words import REASONS
from portal.words import catalogue, day, known_language, money, note_text
from receivables.services.plan_reviews import last_day_of
from receivables.store.contacts import recipient_for
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.domain.plans import Part, Plan
    from receivables.domain.promises import Promise
    from receivables.store.contacts import Contact
    from receivables.store.work import Work

OFFERED, RECEIVED, AGREED = "offered", "received", "agreed"
_WORDS = {
    OFFERED: (
        note_text("%(supplier)s vous propose un échéancier"),
        note_text("Nous vous proposons de régler %(total)s en %(count)s échéances, jusqu'au %(last)s."),
        note_text("Lire et accepter, ou refuser :"),
    ),
    RECEIVED: (
        note_text("%(supplier)s : votre proposition d'échéancier"),
        note_text(
            "Nous avons bien reçu votre proposition : %(total)s en %(count)s échéances. Nous vous répondons vite."
        ),
        note_text("Voir votre proposition :"),
    ),
    AGREED: (
        note_text("%(supplier)s : votre échéancier est accepté"),
        note_text("Votre échéancier est en place : %(total)s en %(count)s échéances, jusqu'au %(last)s."),
        note_text("Voir et régler vos échéances :"),
    ),
    "refused": (
        note_text("%(supplier)s : votre proposition d'échéancier n'est pas retenue"),
        note_text("Nous ne pouvons pas accepter cet échéancier : %(reason)s"),
        note_text("Voir vos factures et proposer autre chose :"),
    ),
    "withdrawn": (
        note_text("%(supplier)s : votre échéancier prend fin"),
        note_text("L'échéancier de %(total)s prend fin : %(reason)s. Vos factures sont dues à leurs dates d'origine."),
        note_text("Voir ce qui reste à régler :"),
    ),
    "soon": (
        note_text("%(supplier)s : votre échéance du %(day)s"),
        note_text("Votre échéance de %(part)s est à régler le %(day)s."),
        note_text("Régler cette échéance :"),
    ),
    "late": (
        note_text("%(supplier)s : votre échéance du %(day)s n'est pas réglée"),
        note_text(
            "Il manque %(part)s sur l'échéance du %(day)s. Réglez-la au plus tard le %(until)s : passé ce jour, "
            "l'échéancier prend fin et tout ce qui reste dû (%(left)s) redevient exigible en une fois."
        ),
        note_text("Régler cette échéance :"),
    ),
    "broken": (
        note_text("%(supplier)s : votre échéancier est rompu"),
        note_text(
            "L'échéance du %(day)s n'a pas été réglée : l'échéancier prend fin, comme il le prévoyait. Il reste "
            "%(left)s à régler sans attendre."
        ),
        note_text("Régler, ou nous écrire :"),
    ),
    "kept": (
        note_text("%(supplier)s : votre échéancier est soldé"),
        note_text("Toutes vos échéances sont réglées. Merci."),
        note_text("Revoir l'échéancier :"),
    ),
    "expired": (
        note_text("%(supplier)s : la proposition d'échéancier n'est plus valable"),
        note_text(
            "La première échéance est passée sans que l'échéancier soit accepté. Rien n'est changé à vos factures."
        ),
        note_text("Proposer un nouvel échéancier :"),
    ),
    "reopened": (
        note_text("%(supplier)s : un paiement de votre échéancier est revenu impayé"),
        note_text("Votre banque a repris un paiement : il reste %(left)s à régler sur l'échéancier."),
        note_text("Régler ce qui manque :"),
    ),
}
_PROMISED = (
    note_text("%(supplier)s : votre règlement du %(day)s"),
    note_text(
        "Nous avons noté que vous réglez %(total)s le %(day)s. Merci ; vous pouvez le faire en ligne dès maintenant."
    ),
    note_text("Voir et régler :"),
)


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
    _keep(work, to, f"plan/{plan.plan_id}/{what}/{turn}", _WORDS[what], {**told, "url": url or page})
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
    _keep(work, to, f"promise/{promise.promise_id}/noted", _PROMISED, {**told, "url": url})
    return True


def _direct_link(services: Services, work: Work, plan: Plan) -> str | None:
    """The link by which anybody can pay what is asked now without signing in, where it is on one invoice."""
    asked = list(plan.shares(plan.asked_minor(today() + timedelta(days=7))))
    return services.pay_link(work, asked[0], "mail") if len(asked) == 1 else None


def _keep(work: Work, to: Contact, key: str, words: tuple[str, str, str], told: dict[str, Any]) -> None:
    speak = catalogue(known_language(to.language)).gettext
    supplier = supplier_name(work)
    told, url = {**told, "supplier": supplier}, told["url"]
    subject, sentence, invite = (speak(each) % told for each in words)
    hello = speak(note_text("Bonjour,"))
    assert to.email is not None  # noqa: S101 -- whom one may write to has an address
    keep_mail(
        work,
        Mail(
            mail_key=key,
            recipient=to.email,
            subject=subject,
            text_body=f"{hello}\n\n{sentence}\n\n{invite}\n{url}\n\n{supplier}\n",
            html_body=str(
                Markup('<p>{}</p><p>{}</p><p><a href="{}">{}</a></p><p>{}</p>').format(
                    hello, sentence, url, invite, supplier
                )
            ),
        ),
    )


def _reason(reason: str | None, spoken: str) -> str:
    return catalogue(spoken).gettext(REASONS[reason]) if reason and reason in REASONS else (reason or "")
