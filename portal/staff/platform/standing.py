"""Where an invoice stands on its way, and what to do next: a few steps from its statuses, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.law import LawUnknownError
from einvoice.cash_movement import must_tell
from einvoice.declarants import CARRIED, is_internal, is_platforms
from einvoice.flow_log import Journey, journey_of
from einvoice.reporting.periods import ReportKind, period_of
from einvoice.request.codes import SELF_BILLED
from portal.words import day, gettext, note_text
from receivables.domain.conversations.disputes import State
from receivables.domain.invoicing.invoices import Routing
from receivables.store.conversations.disputes import disputes_on

if TYPE_CHECKING:
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Stand:
    """One step: ``state`` is ``done``, ``bad`` or empty."""

    name: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The steps of an invoice and the next one in words; ``href`` is where to go for it."""

    steps: tuple[Stand, ...]
    next_step: str
    tone: str
    icon: str
    href: str | None = None
    link: str = ""


COLLECTED = "212"
_PAID_STEP = note_text("Payée")
_STEPS = (
    ("issued", note_text("Émise")),
    ("deposited", note_text("Déposée")),
    ("received", note_text("Reçue")),
    ("available", note_text("Mise à disposition")),
    ("approved", note_text("Approuvée")),
    ("paid", _PAID_STEP),
    ("declared", note_text("Encaissement déclaré")),
)
_REACHED = {"200": 1, "201": 1, "202": 2, "203": 3, "204": 3, "205": 4, "206": 4, "211": 4, "212": 4}
"""How many of the steps after the first a status proves; each includes those before it."""
_ENDS = {
    "213": (1, note_text("Rejetée")),
    "501": (1, note_text("Irrecevable")),
    "221": (2, note_text("Erreur de routage")),
    "210": (4, note_text("Refusée")),
}
_SETTLED = frozenset({"paid", "finished", "declaring"})
_WITH_CUSTOMER = frozenset({"with_customer", "approved", "announced"})
_DISPUTES = {"207": note_text("En litige"), "208": note_text("Suspendue"), "206": note_text("Approuvée en partie")}
_WORDS: dict[str, tuple[str, str, str]] = {
    "213": (
        note_text("Rejetée : annulez-la par un avoir, corrigez le motif, puis émettez-en une nouvelle."),
        "late",
        "alert",
    ),
    "210": (
        note_text("Refusée par le client : annulez-la par un avoir, puis émettez-en une nouvelle."),
        "late",
        "alert",
    ),
    "501": (
        note_text("Irrecevable : annulez-la par un avoir, corrigez le motif, puis émettez-en une nouvelle."),
        "late",
        "alert",
    ),
    "221": (
        note_text("Mal adressée : vérifiez l'adresse du client dans l'annuaire, puis renvoyez une facture."),
        "late",
        "alert",
    ),
    "207": (note_text("En litige : répondez au client."), "late", "alert"),
    "208": (note_text("Suspendue : envoyez les pièces que le client demande."), "late", "alert"),
    "206": (note_text("Approuvée en partie : voyez avec le client ce qu'il conteste."), "part", "alert"),
    "refused": (
        note_text("La plateforme ne l'a pas prise : lisez ses remarques, puis renvoyez ou annulez."),
        "late",
        "alert",
    ),
    "to_send": (note_text("Elle part toute seule vers la plateforme ; rien à faire."), "flight", "clock"),
    "in_doubt": (
        note_text("La plateforme n'a pas confirmé : nous lui demandons avant de renvoyer ; rien à faire."),
        "part",
        "clock",
    ),
    "sent": (note_text("La plateforme la contrôle ; rien à faire."), "flight", "clock"),
    "accepted": (note_text("La plateforme l'a acceptée et la remet au client ; rien à faire."), "flight", "clock"),
    "with_customer": (note_text("Elle est chez le client : attendez sa réponse et son paiement."), "plain", "clock"),
    "approved": (note_text("Approuvée : il ne reste qu'à être payé."), "paid", "check"),
    "announced": (note_text("Le client annonce son paiement : attendez-le avant de relancer."), "paid", "check"),
    "declaring": (note_text("Payée : l'encaissement se déclare tout seul (statut 212)."), "flight", "clock"),
    "declaration_refused": (
        note_text("Payée, mais la plateforme refuse la déclaration de l'encaissement : lisez ses remarques."),
        "late",
        "alert",
    ),
    "finished": (note_text("Tout est fait : payée, et l'encaissement est déclaré."), "paid", "check"),
    "paid": (note_text("Payée ; il n'y a pas d'encaissement à déclarer."), "paid", "check"),
    "credited": (note_text("Soldée par avoir ; rien à faire."), "paid", "check"),
    "credit_note": (note_text("L'avoir est remis au client ; rien à faire."), "paid", "check"),
    "no_platform": (note_text("Elle n'est pas partie : elle a été émise sans plateforme raccordée."), "part", "alert"),
    "self_billed": (note_text("Le client l'a émise et transmise lui-même (autofacturation)."), "plain", "check"),
    "internal": (
        note_text("Avoir interne : il annule ce qui a été refusé ; rien n'est transmis ni déclaré."),
        "plain",
        "check",
    ),
    "undeclared": (
        note_text("La plateforme ne l'a pas prise : personne ne la déclare. Lisez ses remarques, puis renvoyez."),
        "late",
        "alert",
    ),
    "out_of_scope": (note_text("Hors du champ de la réforme : rien à transmettre ni à déclarer."), "plain", "check"),
}


def standing_of(work: Work, invoice: Invoice, due: InvoiceDue) -> Standing:
    """Where an invoice stands."""
    if invoice.routing is Routing.OUT_OF_SCOPE:
        return _said("out_of_scope")
    journey = journey_of(work, invoice.invoice_id)
    if journey.flow_state is None and is_internal(work, invoice):
        return _said("internal")
    if invoice.routing not in CARRIED:
        return _reported(work, invoice, journey)
    if invoice.type_code in SELF_BILLED and journey.flow_state is None:
        return _said("self_billed")
    is_paid = due.open_minor == 0 and not invoice.is_credit_note
    found = _carried(invoice, journey, is_paid=is_paid, by_credit=due.state == "credited")
    return found if is_paid else _in_dispute(work, invoice, found)


def _in_dispute(work: Work, invoice: Invoice, found: Standing) -> Standing:
    """The same with the way to the open dispute, which may be older or younger than what the platform says."""
    dispute = next((each for each in disputes_on(work, invoice.invoice_id) if each.is_open), None)
    if dispute is None:
        return found
    href, link = f"/s/disputes/{dispute.dispute_id}", gettext("Voir le litige")
    if dispute.state is State.REFUSED:
        return replace(found, href=href, link=link)
    said = _said("208" if dispute.state is State.INFO_NEEDED else "207")
    return Standing(found.steps, said.next_step, said.tone, said.icon, href, link)


def _carried(invoice: Invoice, journey: Journey, *, is_paid: bool, by_credit: bool) -> Standing:
    """An invoice that a platform hands to the buyer; a credit note is never paid, though a 212 may go with it."""
    codes = [each for each in journey.codes if not (invoice.is_credit_note and each == COLLECTED)]
    reached = max([_REACHED.get(code, 0) for code in codes] + [1 if journey.flow_state == "accepted" else 0])
    ended = next((code for code in reversed(journey.codes) if code in _ENDS), None)
    answer = next((code for code in reversed(journey.codes) if code in {*_DISPUTES, "205", "209", "211", *_ENDS}), None)
    disputed = answer if answer in _DISPUTES else None
    tells = must_tell(invoice) and not invoice.is_credit_note
    declared = bool(journey.collected) and set(journey.collected) == {"accepted"}
    bad, note = _ENDS[ended] if ended else (4, _DISPUTES[disputed]) if disputed else (0, "")
    if journey.flow_state == "refused":
        bad, note = 1, note_text("Refusée par la plateforme")
    states = ["done", *("done" if place <= reached else "" for place in range(1, 5)), "done" if is_paid else ""]
    states.append("done" if declared else "bad" if "refused" in journey.collected else "")
    if bad:
        states[bad] = "bad"
    steps = [
        Stand(gettext(name), state, gettext(note) if place == bad and note else "")
        for place, ((_, name), state) in enumerate(zip(_STEPS, states, strict=True))
    ]
    kept = steps[:5] if invoice.is_credit_note else steps if tells else steps[:6]
    key = _next_key(journey, ended, disputed, answer, is_paid=is_paid, tells=tells, declared=declared)
    if by_credit and key in _SETTLED:
        kept, key = [replace(each, name=_by_credit(each.name)) for each in kept], "credited"
    found = _said("credit_note" if invoice.is_credit_note and key in _WITH_CUSTOMER else key)
    return _with_link(found, tuple(kept), journey)


def _by_credit(name: str) -> str:
    """The name of a step where a credit note, and no money, settled the invoice."""
    return gettext("Soldée par avoir") if name == gettext(_PAID_STEP) else name


def _next_key(
    journey: Journey,
    ended: str | None,
    disputed: str | None,
    answer: str | None,
    *,
    is_paid: bool,
    tells: bool,
    declared: bool,
) -> str:
    """Which sentence says what comes next: what stops the invoice first, then how far it came."""
    stopped = ended or disputed or ("refused" if journey.flow_state == "refused" else None)
    if stopped:
        return stopped
    if is_paid:
        return _after_payment(journey, tells=tells, declared=declared)
    answered = {"205": "approved", "211": "announced"}.get(answer or "")
    if answered or "203" in journey.codes:  # a status may come back before we have asked for the acknowledgement
        return answered or "with_customer"
    return journey.flow_state or "no_platform"


def _after_payment(journey: Journey, *, tells: bool, declared: bool) -> str:
    if not tells or journey.flow_state is None:
        return "paid"
    if "refused" in journey.collected:
        return "declaration_refused"
    return "finished" if declared else "declaring"


def _reported(work: Work, invoice: Invoice, journey: Journey) -> Standing:
    """A sale that no platform carries: it is declared (e-reporting), by the platform or by us."""
    if journey.declared_in:
        sentence = gettext("Déclarée à l'État dans %(number)s (e-reporting).") % {"number": journey.declared_in}
        return Standing((), sentence, "paid", "check", "/s/reports", gettext("Voir les déclarations"))
    if journey.flow_state == "refused":
        return _with_link(_said("undeclared"), (), journey)
    if is_platforms(work, invoice):
        sentence = gettext("La plateforme la déclare à l'État (e-reporting) ; rien à faire.")
        return _with_link(Standing((), sentence, "plain", "send"), (), journey)
    regime = work.scalar("SELECT profile->>'vat_regime' FROM supplier_profiles WHERE supplier_id = :supplier")
    try:
        period = period_of(regime or "monthly", ReportKind.TRANSACTIONS, invoice.issued_on)
    except LawUnknownError:
        return Standing((), gettext("Aucune déclaration n'est prévue pour cette date."), "plain", "check")
    sentence = gettext(
        "Elle sera déclarée dans la période du %(first)s au %(last)s (e-reporting), au plus tard le %(due)s."
    ) % {"first": day(period.starts_on), "last": day(period.ends_on), "due": day(period.due_on)}
    return Standing((), sentence, "plain", "clock", "/s/reports", gettext("Voir les déclarations"))


def _with_link(found: Standing, steps: tuple[Stand, ...], journey: Journey) -> Standing:
    if journey.tracking_id is None:
        return Standing(
            steps, found.next_step, found.tone, found.icon, "/s/platform/flows", gettext("Journal des envois")
        )
    href = f"/s/platform/flows/{journey.tracking_id}"
    return Standing(steps, found.next_step, found.tone, found.icon, href, gettext("Voir l'envoi"))


def _said(key: str) -> Standing:
    sentence, tone, icon = _WORDS[key]
    return Standing((), gettext(sentence), tone, icon)
