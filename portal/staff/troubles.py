"""What stopped, in the words of somebody who has to do something about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from config.clock import now
from einvoice.flow_log import list_accounts
from einvoice.lifecycle.statuses import status
from einvoice.reporting.store import open_troubles
from payments.debits.tasks import open_tasks
from portal.staff.treasury.telling import lost_contests, refund_troubles
from portal.telling.debit_words import task_words
from portal.webhooks.log import failing_endpoints
from portal.words import day, fitted, gettext, language, ngettext, note_text, number
from receivables.store.problems import list_problems

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.flow_log import AccountLine
    from payments.refunds.orders import RefundOrder
    from payments.treasury.contests import ContestLine
    from receivables.store.problems import Problem
    from receivables.store.work import Work

FAILING_FOR = timedelta(hours=1)
"""A program that is being deployed is back by then."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem explained: what happened, what to do next, and the technical reason for whoever helps.

    ``said`` is what the recipient wrote about an invoice; ``tries`` counts only what is tried by us. ``count`` is how
    often it happened, ``since`` when first, ``at`` when last. ``href`` is where to look; ``cause`` names it to whoever
    sets it aside, and is empty where nobody can.
    """

    at: datetime
    title: str
    step: str
    said: str
    reason: str
    tries: int
    invoice_id: UUID | None
    number: str | None
    tone: str
    count: int = 1
    since: datetime | None = None
    href: str | None = None
    link: str = ""
    cause: str = ""


_BY_CODE = {
    "payment.unknown_attempt": (
        note_text("Un paiement est arrivé sans demande de notre part"),
        note_text("Ouvrez-le chez le prestataire de paiement : remboursez-le, ou rattachez-le à la main à un client."),
    ),
    "payment.not_yet_known": (
        note_text("Un remboursement est arrivé sans son paiement"),
        note_text("Vérifiez chez le prestataire que le paiement d'origine appartient à ce compte."),
    ),
    "inbox.no_receiver": (
        note_text("Un message est arrivé d'une source que personne ne traite"),
        note_text("Vérifiez les adresses de notification configurées chez vos partenaires."),
    ),
    "gateway.malformed_event": (
        note_text("Un message du prestataire de paiement est illisible"),
        note_text("Comparez la version de l'API chez le prestataire avec celle attendue, puis faites renvoyer."),
    ),
    "gateway.mode_mixed": (
        note_text("Un message de test est arrivé sur un compte réel, ou l'inverse"),
        note_text("Remplacez la clé du compte de paiement par celle du bon mode."),
    ),
    "received.unreadable": (
        note_text("Un fichier reçu n'est pas une facture lisible"),
        note_text("Ouvrez-le sous « Achats » : il est conservé. Demandez à son expéditeur une facture correcte."),
    ),
    "flow.unavailable": (
        note_text("La plateforme annonce un fichier et ne le donne pas"),
        note_text("Demandez-lui ce fichier avec le numéro de flux que donne le motif."),
    ),
    "status.unknown_invoice": (
        note_text("Un statut est arrivé pour une facture que nous n'avons pas"),
        note_text("Demandez la facture à la plateforme, ou vérifiez si un autre logiciel l'a émise."),
    ),
    "status.other_seller": (
        note_text("Un statut est arrivé pour une autre entreprise"),
        note_text("Vérifiez à quelle entreprise appartient ce compte de plateforme."),
    ),
    "status.out_of_order": (
        note_text("Un statut a été posé sur une facture déjà close"),
        note_text("Les deux statuts sont affichés : demandez à l'autre partie lequel vaut."),
    ),
    "status.unexplained_212": (
        note_text("La plateforme montre un encaissement que nous n'avons pas déclaré"),
        note_text("Comparez avec les paiements enregistrés, puis demandez à la plateforme qui l'a posé."),
    ),
    "cdar.breaks_xsd": (
        note_text("Un message de cycle de vie enfreint sa grammaire"),
        note_text("Ce qui a pu être lu est affiché sur la facture ; demandez à la plateforme de le renvoyer correct."),
    ),
    "archive": (
        note_text("L'archive a des défauts"),
        note_text("Faites lancer « quittance archive verify », puis restaurez ce qui y est nommé d'une sauvegarde."),
    ),
    "fact": (
        note_text("Un mouvement d'argent ne peut pas être comptabilisé seul"),
        note_text("Lisez le motif, vérifiez chez le prestataire et passez l'écriture qui convient."),
    ),
}
_BY_PLACE = {
    "inbox": (
        note_text("Un message reçu n'a pas pu être traité"),
        note_text("Lisez le motif technique ; rien n'est perdu, le message est conservé tel quel."),
    ),
    "outbox": (
        note_text("Une annonce n'est jamais partie"),
        note_text("Corrigez la cause indiquée par le motif, puis relancez l'annonce."),
    ),
    "held": (
        note_text("Un message reçu attend ce qui lui manque"),
        note_text("Il est repris seul dès que ce qu'il lui faut est arrivé. Si le motif ne change pas, lisez-le."),
    ),
    "stuck": (
        note_text("Une annonce attend d'être faite"),
        note_text("Elle repart seule. Si le motif ne change pas, vérifiez la connexion au partenaire."),
    ),
    "idle": (
        note_text("Rien n'est traité : le programme de fond ne tourne pas"),
        note_text("Faites démarrer « quittance worker ». Rien n'est perdu : tout repart dans l'ordre."),
    ),
    "refused": (
        note_text("La plateforme agréée a refusé un envoi"),
        note_text("Lisez le motif. Une facture refusée se corrige par un avoir puis une nouvelle facture."),
    ),
    "in_doubt": (
        note_text("La plateforme agréée n'a pas confirmé un envoi"),
        note_text("Nous demandons avant de renvoyer. Si cela dure, contactez la plateforme avec le numéro de suivi."),
    ),
    "status": (
        note_text("Le destinataire ou une plateforme conteste une facture"),
        note_text("Ouvrez la facture, lisez le motif et répondez au client."),
    ),
}
_BY_REMARK = {
    "AlreadyExistingFlow": (
        note_text("La plateforme dit avoir déjà reçu un envoi"),
        note_text("Cherchez-le chez elle avant toute chose : renvoyé, il serait refusé de nouveau."),
    ),
}
_DOWN = {
    "platform.unreachable": (
        note_text("La plateforme %(platform)s ne répond pas"),
        note_text("Rien n'est perdu et rien ne partira deux fois : tout repart seul dès qu'elle répond."),
    ),
    "platform.busy": (
        note_text("La plateforme %(platform)s demande d'attendre"),
        note_text("Rien n'est perdu : les envois repartent au rythme qu'elle accepte."),
    ),
    "platform.paused": (
        note_text("La plateforme %(platform)s ne répond pas"),
        note_text("Rien n'est perdu et rien ne partira deux fois : tout repart seul dès qu'elle répond."),
    ),
    "platform.unauthorised": (
        note_text("La plateforme %(platform)s refuse notre accès"),
        note_text("L'identifiant ou le secret a changé : testez la connexion, puis donnez le nouveau secret."),
    ),
}
"""A platform that is down is one problem, however many facts wait for it: by the code of what they wait for."""
_GRAVE = frozenset({"platform.unauthorised"})
"""Does not pass by itself: told before anything else."""
_FOLLOWS = frozenset({"platform.invoice_pending", "platform.file_pending", "NotYetError", ""})
"""Codes of what waits because something else waits for the platform: a 212 for its invoice, for instance."""
_FOLLOWING_FACTS = frozenset({"cash.collected", "invoice.issued"})
_WAITING = frozenset({"stuck", "in_doubt"})
_SELF_HEALING = frozenset({"stuck", "in_doubt", "held", "idle"})


def troubles_here(work: Work) -> list[Trouble]:
    """Everything at this work's supplier that stopped."""
    told = [*explain_all(list_problems(work), list_accounts(work)), *map(_report_trouble, open_troubles(work))]
    told += [_refund_trouble(*each) for each in refund_troubles(work)]
    told += [_lost_trouble(*each) for each in lost_contests(work)]
    told += map(_webhook_trouble, failing_endpoints(work, now() - FAILING_FOR))
    return [*told, *(_debit_trouble(each) for each in open_tasks(work))]


def _webhook_trouble(row: RowMapping) -> Trouble:
    """A program of the supplier's that does not hear us any more."""
    is_disabled = row["state"] == "disabled"
    title = (
        gettext("L'adresse de webhook « %(label)s » est désactivée")
        if is_disabled
        else gettext("Le programme « %(label)s » n'accepte pas nos webhooks")
    )
    return Trouble(
        at=row["changed_at"] if is_disabled else row["failing_since"],
        title=title % {"label": row["label"]},
        step=gettext("Réparez le programme qui écoute, envoyez un essai, puis renvoyez ce qui manque."),
        said="",
        reason=row["reason"] or "",
        tries=row["failures"],
        invoice_id=None,
        number=None,
        tone="late" if is_disabled else "part",
        href=f"/s/webhooks/{row['endpoint_id']}",
        link=gettext("Voir l'adresse"),
    )


def _debit_trouble(task: RowMapping) -> Trouble:
    """Something to do about a direct debit: closed on its own page, with a word."""
    title, step = task_words(task["what"])
    return Trouble(
        at=task["opened_at"],
        title=title,
        step=step,
        said="",
        reason=task["code"] or "",
        tries=0,
        invoice_id=task["invoice_id"],
        number=task["number"],
        tone="late",
        href=f"/s/debits/returns#task-{task['task_id']}",
        link=gettext("Voir la tâche"),
    )


def _lost_trouble(contest: ContestLine, title: str, step: str) -> Trouble:
    """Money that a payer's bank took back for good."""
    return Trouble(
        at=contest.changed_at,
        title=title,
        step=step,
        said="",
        reason="",
        tries=0,
        invoice_id=contest.invoices[0][0] if contest.invoices else None,
        number=contest.invoices[0][1] if contest.invoices else None,
        tone="late",
        href=f"/s/treasury/disputes/{contest.dispute_ref}",
        link=gettext("Voir la contestation"),
    )


def _refund_trouble(order: RefundOrder, title: str, step: str) -> Trouble:
    """A refund that failed, or of which nobody knows yet."""
    return Trouble(
        at=order.changed_at,
        title=title,
        step=step,
        said="",
        reason=order.failure or "",
        tries=order.tries,
        invoice_id=None,
        number=None,
        tone="late" if order.state == "failed" else "part",
        href=f"/s/payments/{order.attempt_id}",
        link=gettext("Voir le paiement"),
    )


def _report_trouble(row: RowMapping) -> Trouble:
    """A period that could not be declared to the State."""
    title = gettext("La déclaration de la période du %(day)s ne peut pas être faite") % {"day": day(row["starts_on"])}
    return Trouble(
        at=row["noted_at"],
        title=title,
        step=fitted(row["sentence_fr"] if language() == "fr" else row["sentence"]),
        said="",
        reason=row["code"],
        tries=0,
        invoice_id=None,
        number=None,
        tone="late",
        href="/s/reports",
        link=gettext("Voir les déclarations"),
    )


def explain_all(problems: Iterable[Problem], accounts: Iterable[AccountLine]) -> list[Trouble]:
    """Problems in plain words; all that waits for a platform that is down is one of them."""
    left = list(problems)
    told: list[Trouble] = []
    for account in accounts:
        waiting = [each for each in left if each.account_id == account.account_id and _is_down(each)]
        if not waiting:
            continue
        following = [each for each in left if each.place in _WAITING and _follows(each)]
        left = [each for each in left if each not in waiting and each not in following]
        told.append(_platform_down(account, waiting))
    return [*told, *(explain(each) for each in left)]


def _is_down(problem: Problem) -> bool:
    return problem.place in _WAITING and problem.code in _DOWN


def _follows(problem: Problem) -> bool:
    return problem.what in _FOLLOWING_FACTS and problem.code in _FOLLOWS


def _platform_down(account: AccountLine, waiting: list[Problem]) -> Trouble:
    latest = max(waiting, key=lambda each: (each.code in _GRAVE, each.at))
    title, step = _DOWN[latest.code]
    since = min([each.since for each in waiting] + ([account.opened_at] if account.opened_at else []))
    count = max(account.waiting, sum(each.count for each in waiting))
    flows = ngettext("%(num)s envoi attend.", "%(num)s envois attendent.", count) % {"num": number(count)}
    return Trouble(
        at=latest.at,
        title=gettext(title) % {"platform": account.label},
        step=f"{flows} {gettext(step)}",
        said="",
        reason=latest.reason,
        tries=max(each.tries for each in waiting),
        invoice_id=None,
        number=None,
        tone="late" if latest.code == "platform.unauthorised" else "part",
        since=since,
        href="/s/platform/flows?show=waiting",
        link=gettext("Voir ce qui attend"),
    )


def explain(problem: Problem) -> Trouble:
    """A problem in plain words."""
    title, step = _words(problem)
    shown = gettext(title)
    if problem.place == "status":
        known = status(problem.what)
        shown = gettext("%(what)s : %(status)s") % {
            "what": shown,
            "status": known.english if language() == "en" else known.french,
        }
    is_status = problem.place == "status"
    alone = problem.count == 1
    href, link = _where(problem)
    return Trouble(
        at=problem.at,
        title=shown,
        step=gettext(step),
        said=problem.reason if is_status else "",
        reason="" if is_status else problem.reason,
        tries=0 if is_status else problem.tries,
        invoice_id=problem.invoice_id if alone else None,
        number=problem.number if alone else None,
        tone="part" if problem.place in _SELF_HEALING else "late",
        count=problem.count,
        since=problem.since,
        href=href,
        link=link,
        cause=problem.cause if problem.settable else "",
    )


def _words(problem: Problem) -> tuple[str, str]:
    if problem.place == "refused":
        return _BY_REMARK.get(problem.code) or _BY_PLACE["refused"]
    code = problem.code or problem.reason.partition(":")[0].strip()
    return _BY_CODE.get(code) or _BY_PLACE[problem.place]


def _where(problem: Problem) -> tuple[str | None, str]:
    """Where to look at what a problem is about."""
    if problem.place == "status" and problem.number:
        return f"/s/disputes?{urlencode({'q': problem.number, 'show': 'all'})}", gettext("Voir le litige")
    if problem.tracking_id is None:
        return None, ""
    if problem.count == 1:
        return f"/s/platform/flows/{problem.tracking_id}", gettext("Voir l'envoi")
    narrowed = "refused" if problem.place == "refused" else "waiting"
    return f"/s/platform/flows?show={narrowed}", gettext("Voir les envois")
