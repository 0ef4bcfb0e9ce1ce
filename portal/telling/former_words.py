"""What lines of the former books were, in words."""

from __future__ import annotations

from portal.words import note_text

FORMER_KINDS = {
    "invoice": note_text("Facture"),
    "credit_note": note_text("Avoir"),
    "receipt": note_text("Règlement"),
    "refund": note_text("Rejet ou remboursement"),
    "other": note_text("Autre écriture"),
}
