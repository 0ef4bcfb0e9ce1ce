"""The words of the sandbox's page, French and English."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Plateforme d'essai", "Test platform"),
    "lead": (
        "Une plateforme agréée simulée : elle contrôle ce qu'elle reçoit et renvoie les statuts du cycle de vie.",
        "A simulated approved platform: it checks what it receives and returns the life-cycle statuses.",
    ),
    "warning": (
        "Tout vit en mémoire : rien ne part vers l'administration ni vers un client.",
        "Everything lives in memory: nothing goes to the State or to a customer.",
    ),
    "other_language": ("English", "Français"),
    "refresh": ("Actualiser", "Refresh"),
    "invoices": ("Factures acceptées", "Accepted invoices"),
    "no_invoices": ("Aucune facture acceptée pour l'instant.", "No invoice accepted yet."),
    "flows": ("Flux", "Flows"),
    "no_flows": ("Aucun flux reçu pour l'instant.", "No flow received yet."),
    "invoice": ("Facture", "Invoice"),
    "credit_note": ("Avoir", "Credit note"),
    "report": ("E-reporting", "E-reporting"),
    "unread": ("Fichier non lu", "File not read"),
    "status_of": ("Statut", "Status"),
    "collected": ("Encaissé", "Collected"),
    "of": ("sur", "of"),
    "seller": ("Vendeur", "Seller"),
    "buyer": ("Acheteur", "Buyer"),
    "history": ("Cycle de vie", "Life cycle"),
    "play": ("Jouer l'acheteur", "Play the buyer"),
    "reason": ("Motif (si demandé)", "Reason (where asked)"),
    "no_reason": ("aucun", "none"),
    "comment": ("Commentaire", "Comment"),
    "send": ("Envoyer", "Send"),
    "when": ("Date", "Time"),
    "direction": ("Sens", "Direction"),
    "In": ("renvoyé", "returned"),
    "Out": ("reçu", "received"),
    "what": ("Contenu", "Content"),
    "amounts": ("Montants", "Amounts"),
    "acknowledgement": ("Accusé", "Acknowledgement"),
    "Pending": ("en attente", "pending"),
    "Ok": ("accepté", "accepted"),
    "Error": ("refusé", "refused"),
    "file": ("Fichier", "File"),
    "closed": ("Facture close", "Invoice closed"),
    "MEN": ("encaissé", "collected"),
    "MPA": ("payé", "paid"),
    "RAP": ("reste à payer", "remaining"),
    "ESC": ("escompte", "discount"),
    "shown_last": ("Seuls les derniers flux sont montrés.", "Only the latest flows are shown."),
    "faults": ("Pannes en attente", "Faults in waiting"),
}


def texts(language: str) -> dict[str, str]:
    """All words in ``language`` (``fr`` or ``en``)."""
    place = 0 if language == "fr" else 1
    return {key: both[place] for key, both in TEXTS.items()}
