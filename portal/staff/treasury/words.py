"""What the treasury pages call things: states with tone and icon, methods, roads, accounts, entries, people."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from babel.dates import format_date

from portal.access.context import services
from portal.access.people import get_person
from portal.telling.states import Badge
from portal.words import LOCALES, catalogue, gettext, language, note_text

if TYPE_CHECKING:
    from datetime import date

BADGES = {
    "payment": {
        "created": Badge(note_text("Commencé"), "plain", "clock"),
        "open": Badge(note_text("Page ouverte"), "plain", "clock"),
        "processing": Badge(note_text("En cours à la banque"), "flight", "transfer"),
        "succeeded": Badge(note_text("Encaissé"), "paid", "check"),
        "failed": Badge(note_text("Non abouti"), "late", "alert"),
        "expired": Badge(note_text("Abandonné"), "plain", "back"),
        "superseded": Badge(note_text("Remplacé"), "plain", "back"),
    },
    "payout": {
        "on_its_way": Badge(note_text("En chemin"), "flight", "transfer"),
        "paid": Badge(note_text("Versé, pas encore vu en banque"), "part", "clock"),
        "banked": Badge(note_text("Reçu en banque"), "paid", "check"),
        "failed": Badge(note_text("Versement échoué"), "late", "alert"),
    },
    "refund": {
        "to_agree": Badge(note_text("À accorder"), "part", "people"),
        "to_send": Badge(note_text("Va partir"), "flight", "clock"),
        "sent": Badge(note_text("Parti"), "flight", "transfer"),
        "done": Badge(note_text("Remboursé"), "paid", "check"),
        "failed": Badge(note_text("Remboursement échoué"), "late", "alert"),
        "refused": Badge(note_text("Non accordé"), "plain", "back"),
    },
    "contest": {
        "open": Badge(note_text("À répondre"), "late", "alert"),
        "answered": Badge(note_text("Réponse donnée"), "flight", "clock"),
        "won": Badge(note_text("Gagnée"), "paid", "check"),
        "lost": Badge(note_text("Perdue"), "late", "back"),
    },
}
"""By what has a state, then by the state."""
METHODS = {
    "card": note_text("Carte bancaire"),
    "sepa_debit": note_text("Prélèvement SEPA"),
    "transfer": note_text("Virement"),
    "customer_balance": note_text("Virement sur compte dédié"),
    "paypal": note_text("PayPal"),
    "instant": note_text("Virement instantané"),
    "cheque": note_text("Chèque"),
    "cash": note_text("Espèces"),
    "bill": note_text("Effet (LCR, BOR)"),
    "foreign_transfer": note_text("Virement étranger"),
}
ROADS = {
    "provider": note_text("Prestataire de paiement"),
    "debit": note_text("Notre prélèvement"),
    "bank": note_text("Relevé de banque"),
    "hand": note_text("Saisi à la main"),
    "transfer": note_text("Virement"),
}
PROVIDERS = {"stripe": "Stripe", "gocardless": "GoCardless"}
CHOSEN_BY = {
    "payer": note_text("le payeur"),
    "collector": note_text("un chargé de recouvrement"),
    "rule": note_text("une règle de rapprochement"),
    "law": note_text("la loi : la dette la plus ancienne (C. civ. 1342-10)"),
}
PLACES = {
    "provider_clearing": (note_text("Chez les prestataires"), note_text("encaissé, pas encore versé"), "shield"),
    "transfers": (note_text("En chemin vers la banque"), note_text("versé par le prestataire"), "transfer"),
    "bank": (note_text("En banque"), note_text("lignes de relevé comptabilisées"), "bank"),
    "cheques": (note_text("Chèques à encaisser"), note_text("en portefeuille ou remis"), "receipt"),
    "bills": (note_text("Effets à l'encaissement"), note_text("LCR et BOR"), "invoice"),
    "cash": (note_text("En caisse"), note_text("espèces"), "credit"),
    "suspense": (note_text("Non identifié"), note_text("reçu, sans savoir de qui"), "unknown"),
    "contested": (note_text("Repris, contesté"), note_text("litiges de carte en cours"), "alert"),
}
"""By account of the chart: its name on the page, what lies there, its icon."""
PROOFS = {
    "clearing": (
        note_text("Chez les prestataires"),
        note_text("les mouvements que le prestataire annonce"),
    ),
    "transfers": (
        note_text("En chemin"),
        note_text("les versements annoncés et pas encore vus en banque"),
    ),
    "bank": (note_text("En banque"), note_text("les lignes de relevé reconnues")),
    "contested": (note_text("Contesté"), note_text("les contestations ouvertes chez le prestataire")),
    "suspense": (note_text("Non identifié"), note_text("les lignes de relevé sans client")),
}
"""By proof: what is proved, and with what."""
MOVEMENTS = {
    "payment": note_text("Encaissement"),
    "refund": note_text("Remboursement"),
    "refund_failed": note_text("Remboursement revenu"),
    "dispute": note_text("Reprise par la banque du payeur"),
    "dispute_won": note_text("Contestation gagnée, argent rendu"),
    "fee": note_text("Frais"),
    "payout": note_text("Versement"),
    "payout_failed": note_text("Versement revenu"),
    "other": note_text("Ajustement du prestataire"),
}
WHY_DIFFERENT = {
    "missing_in_books": note_text("chez le prestataire, pas dans les livres"),
    "missing_at_provider": note_text("dans les livres, pas chez le prestataire"),
    "amount": note_text("montants différents"),
    "gap": note_text("écart de solde"),
    "waiting": note_text("en cours, pas encore à comptabiliser"),
}
SOURCES = {
    "receipt": note_text("Encaissement"),
    "return": note_text("Argent rendu"),
    "return_failed": note_text("Remboursement revenu"),
    "settlement": note_text("TVA sur encaissement"),
    "contested": note_text("Contestation"),
    "contest_won": note_text("Contestation gagnée"),
    "fee": note_text("Frais"),
    "payout": note_text("Versement"),
    "transfer": note_text("Virement interne"),
}
REASONS = {
    "fraudulent": note_text("le payeur dit ne pas avoir fait ce paiement"),
    "duplicate": note_text("le payeur dit avoir payé deux fois"),
    "product_not_received": note_text("le payeur dit n'avoir rien reçu"),
    "product_unacceptable": note_text("le payeur dit que ce n'est pas conforme"),
    "credit_not_processed": note_text("le payeur attend un remboursement promis"),
    "unrecognized": note_text("le payeur ne reconnaît pas ce paiement"),
    "subscription_canceled": note_text("le payeur dit avoir résilié"),
    "incorrect_account_details": note_text("coordonnées bancaires inexactes"),
    "insufficient_funds": note_text("provision insuffisante"),
    "debit_not_authorized": note_text("prélèvement non autorisé"),
    "bank_cannot_process": note_text("la banque ne peut pas traiter"),
    "general": note_text("motif non précisé"),
}


def badge_of(kind: str, state: str) -> Badge:
    """The badge of a payment, payout, refund or contest in a state, in the reader's language."""
    return BADGES[kind][state].spoken()


def method_words(method: str) -> str:
    """A method of payment; one that we have no word for stays as the provider names it."""
    return gettext(METHODS[method]) if method in METHODS else method or gettext("Non précisé")


def road_words(road: str) -> str:
    """By which road money came or goes."""
    return gettext(ROADS[road])


def provider_name(provider: str | None) -> str:
    """What people call a provider."""
    return PROVIDERS.get(provider or "", provider or "")


def contest_words(reason: str, spoken: str | None = None) -> str:
    """Why a payer complained, in the reader's language or the one given; an unknown code stays as it is."""
    if reason not in REASONS:
        return reason or contest_words("general", spoken)
    return catalogue(spoken).gettext(REASONS[reason]) if spoken else gettext(REASONS[reason])


def source_words(kind: str) -> str:
    """What an entry is about."""
    return gettext(SOURCES[kind]) if kind in SOURCES else kind


def who(actor: str) -> str:
    """The name of whoever did something."""
    kind, _, given = actor.partition(" ")
    if kind in {"person", "customer"}:
        with suppress(ValueError):
            person = get_person(services().database, UUID(given))
            return person.name if person else actor
    return gettext("le programme") if kind in {"worker", "house"} else actor


def month(value: date) -> str:
    """A month in words: ``octobre 2026``."""
    return format_date(value, "LLLL y", locale=LOCALES[language()])


def treasury_words() -> dict[str, object]:
    """What the templates of this folder call."""
    return {
        "badge_of": badge_of,
        "method_words": method_words,
        "road_words": road_words,
        "provider_name": provider_name,
        "contest_words": contest_words,
        "source_words": source_words,
        "movement_words": lambda kind: gettext(MOVEMENTS[kind]),
        "chosen_words": lambda by: gettext(CHOSEN_BY[by]),
        "month": month,
        "why_different": lambda why: gettext(WHY_DIFFERENT[why]) if why in WHY_DIFFERENT else why,
        "who": who,
    }
