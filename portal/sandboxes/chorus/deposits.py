"""What the stub holds: deposits and invoices with their history, in memory, behind one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import PARIS, now

if TYPE_CHECKING:
    from datetime import datetime

    from portal.sandboxes.platform.invoice_facts import InvoiceFacts

WORDS = (
    "DEPOSEE",
    "EN_COURS_ACHEMINEMENT",
    "MISE_A_DISPOSITION",
    "A_RECYCLER",
    "SERVICE_FAIT",
    "MANDATEE",
    "COMPTABILISEE",
    "SUSPENDUE",
    "COMPLETEE",
    "REJETEE",
    "MISE_EN_PAIEMENT",
)
"""The words for how an invoice stands; any other is refused at the control."""


@dataclass(slots=True)
class Passed:
    """One line of an invoice's history."""

    status_id: int
    word: str
    at: datetime
    comment: str | None


@dataclass(slots=True)
class Deposit:
    """A file that was handed over: integrated when ``invoice_id`` is set, rejected when ``errors`` is."""

    number: str
    filename: str
    at: datetime
    invoice_id: int | None = None
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """``etatCourantDepotFlux``."""
        return "IN_REJETE" if self.errors else "IN_INTEGRE"


@dataclass(slots=True)
class Invoice:
    """An invoice that was integrated."""

    invoice_id: int
    facts: InvoiceFacts
    deposit: str
    history: list[Passed] = field(default_factory=list)

    @property
    def changed_at(self) -> datetime:
        """When it last got a status."""
        return self.history[-1].at


class Register:
    """All deposits and invoices. Take ``lock`` around what reads and then writes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.deposits: dict[str, Deposit] = {}
        self.invoices: dict[int, Invoice] = {}
        self._count = 0

    def deposit(self, filename: str, facts: InvoiceFacts | None, problem: str | None) -> Deposit:
        """Take a file in: a number that the supplier used already is rejected, as Chorus Pro does."""
        with self.lock:
            made = Deposit(f"CPP00111170000000{self._next():08d}", filename, now())
            self.deposits[made.number] = made
            if problem is None and facts is not None and self._known(facts):
                problem = f"La facture {facts.number} existe déjà pour ce fournisseur."
            if problem is not None or facts is None:
                number = facts.number if facts else ""
                made.errors.append({"numeroDP": number, "libelleErreurDP": problem or "Fichier illisible."})
                return made
            made.invoice_id = self._next()
            self.invoices[made.invoice_id] = Invoice(made.invoice_id, facts, made.number)
            self.pass_on(made.invoice_id, "DEPOSEE")
            return made

    def pass_on(self, invoice_id: int, word: str, comment: str | None = None) -> None:
        """Give an invoice its next status."""
        with self.lock:
            self.invoices[invoice_id].history.append(Passed(self._next(), word, now(), comment))

    def by_number(self, number: str) -> Invoice | None:
        """The invoice of this number."""
        with self.lock:
            return next((each for each in self.invoices.values() if each.facts.number == number), None)

    def _known(self, facts: InvoiceFacts) -> bool:
        held = self.by_number(facts.number)
        return held is not None and held.facts.seller.siren == facts.seller.siren

    def _next(self) -> int:
        self._count += 1
        return self._count


def local(instant: datetime) -> str:
    """``instant`` as Chorus Pro writes it: French time with its offset."""
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def listed(invoice: Invoice) -> dict[str, Any]:
    """An invoice as the search lists it."""
    facts = invoice.facts
    return {
        "identifiantFactureCPP": invoice.invoice_id,
        "numeroFacture": facts.number,
        "dateFacture": facts.issued_on.isoformat(),
        "typeFacture": "AVOIR" if facts.is_credit_note else "FACTURE",
        "fournisseur": f"{facts.seller.siren}00000",
        "destinataire": f"{facts.buyer.siren}00000",
        "designationDestinataire": facts.buyer.name,
        "numeroFluxDepot": invoice.deposit,
        "dateHeureEtatCourant": local(invoice.changed_at),
        "statut": invoice.history[-1].word,
        "devise": facts.currency,
        "montantTTC": str(facts.total),
    }


def told(invoice: Invoice) -> dict[str, Any]:
    """An invoice's history."""
    return {
        "codeRetour": 0,
        "libelle": "GCU_MSG_01_000",
        "idFacture": invoice.invoice_id,
        "numeroFacture": invoice.facts.number,
        "statutCourantCode": invoice.history[-1].word,
        "historiquesDesStatuts": {
            "histoStatut": [
                {
                    "histoStatutId": each.status_id,
                    "histoStatutCode": each.word,
                    "histoStatutDatePassage": local(each.at),
                    "histoStatutCommentaire": each.comment,
                }
                for each in invoice.history
            ],
            "totalHistoStatut": len(invoice.history),
        },
    }
