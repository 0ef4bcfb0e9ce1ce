"""What the roles are called, and what each is for."""

from __future__ import annotations

from portal.access.roles import Role
from portal.words import note_text

ROLES = {
    Role.OWNER: (note_text("Propriétaire"), note_text("Tout, y compris les réglages, les accès et les comptes.")),
    Role.ACCOUNTANT: (note_text("Comptable"), note_text("Livres, banque, factures, exports ; relance et crédit.")),
    Role.CREDIT_MANAGER: (
        note_text("Responsable crédit"),
        note_text("Relance, litiges, limites, dérogations ; pas les livres ni la banque."),
    ),
    Role.COLLECTOR: (note_text("Chargé de recouvrement"), note_text("Relance, messages, litiges, promesses.")),
    Role.SALES: (
        note_text("Commercial"),
        note_text("Lit clients, factures, litiges, messages, crédit et indicateurs ; ne change rien."),
    ),
    Role.AUDITOR: (note_text("Auditeur"), note_text("Lit tout et emporte les livres ; ne change rien.")),
}
"""Name and meaning, the widest first."""
