"""The audit trail in words: one sentence per act, areas to choose from, and the page of what was acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from portal.telling.act_words.customers import CUSTOMERS
from portal.telling.act_words.house import HOUSE
from portal.telling.act_words.money import BOOKED, MONEY
from portal.words import fitted, language

if TYPE_CHECKING:
    from receivables.store.audit_trail import AuditRow

_ENTRY = ("Écriture passée : %s", "Entry booked: %s")
SENTENCES: dict[str, tuple[str, str]] = {
    **MONEY,
    **CUSTOMERS,
    **HOUSE,
    **{
        f"{kind}.booked": (_ENTRY[0] % french, _ENTRY[1] % english)
        for kind, (french, english) in BOOKED.items()
        if kind != "opening"
    },
}
"""Every act that the source writes, in French and English."""
AREAS: dict[str, tuple[str, str]] = {
    "account_opening": ("Ouverture de compte", "Account opening"),
    "account_request": ("Demandes de compte", "Account requests"),
    "advice": ("Avis de paiement", "Remittance advices"),
    "api_client": ("Programmes", "Programs"),
    "api_token": ("Jetons d'accès", "Access tokens"),
    "audit": ("Journal d'audit", "Audit trail"),
    "bank": ("Banque", "Bank"),
    "bank_account": ("Compte bancaire", "Bank account"),
    "books": ("Clôture des livres", "Closing of the books"),
    "call": ("Appels", "Calls"),
    "claim": ("Intérêts de retard", "Late interest"),
    "contact": ("Contacts", "Contacts"),
    "credit_policy": ("Règles de crédit", "Credit policy"),
    "customer": ("Clients", "Customers"),
    "customer_data": ("Données des clients", "Data of customers"),
    "customer_file": ("Suivi des clients", "Files of customers"),
    "debit": ("Prélèvements", "Direct debits"),
    "debits": ("Remises de prélèvements", "Batches of direct debits"),
    "derogation": ("Dépassements de crédit", "Exceptions from limits"),
    "dispute": ("Litiges", "Disputes"),
    "document": ("Documents", "Documents"),
    "domain": ("Domaine propre", "Own domain"),
    "dunning": ("Relances", "Reminders"),
    "entries": ("Validation des écritures", "Validation of entries"),
    "evidence": ("Dossiers de preuve", "Evidence"),
    "export": ("Exports", "Exports"),
    "factor": ("Affacturage", "Factoring"),
    "fec": ("FEC", "FEC"),
    "flow": ("Flux de la plateforme", "Flows of the platform"),
    "gateway_account": ("Prestataires de paiement", "Payment providers"),
    "hand": ("Encaissements à la main", "Receipts by hand"),
    "import": ("Imports", "Imports"),
    "indicators": ("Indicateurs", "Indicators"),
    "insolvency": ("Procédures collectives", "Insolvencies"),
    "insurance": ("Assurance-crédit", "Credit insurance"),
    "invoice": ("Factures", "Invoices"),
    "item": ("Articles", "Items"),
    "job": ("Travaux", "Jobs"),
    "journal": ("Journal des écritures", "Journal of entries"),
    "limit": ("Limites de crédit", "Credit limits"),
    "mail": ("Courriels", "Mails"),
    "mail_sender": ("Adresses d'expéditeur", "Sender addresses"),
    "mail_text": ("Textes des courriels", "Texts of mails"),
    "mandate": ("Mandats", "Mandates"),
    "match": ("Rapprochement", "Matching"),
    "message": ("Messages", "Messages"),
    "opening": ("Reprise des soldes", "Openings"),
    "payment": ("Paiements", "Payments"),
    "person": ("Personnes et accès", "People and access"),
    "plan": ("Échéanciers", "Payment plans"),
    "platform": ("Plateforme", "Platform"),
    "promise": ("Promesses", "Promises"),
    "provider_dispute": ("Contestations bancaires", "Chargebacks"),
    "purchase": ("Achats", "Purchases"),
    "receipt": ("Écritures d'encaissement", "Entries of receipts"),
    "recurring": ("Factures récurrentes", "Recurring invoices"),
    "refund": ("Remboursements", "Refunds"),
    "report": ("Déclarations", "Declarations"),
    "score": ("Notes de paiement", "Payment scores"),
    "series": ("Numérotation", "Number series"),
    "statement": ("Relevés de compte", "Statements of account"),
    "supplier": ("Société", "Company"),
    "task": ("Tâches", "Tasks"),
    "terms": ("Conditions générales", "Terms and conditions"),
    "thread": ("Conversations", "Conversations"),
    "treasury": ("Trésorerie", "Treasury"),
    "webhook": ("Webhooks", "Webhooks"),
    "write_off": ("Abandons de créance", "Write-offs"),
}
"""What the part of an act before its dot is about; the rarer ones go by their first act."""
PAGES: dict[str, str] = {
    "account_request": "/s/requests/accounts/",
    "advice": "/s/requests/advices/",
    "api_client": "/s/programs/",
    "claim": "/s/claims/",
    "customer": "/s/customers/",
    "customer_data": "/s/customers/",
    "customer_file": "/s/customers/",
    "dispute": "/s/disputes/",
    "invoice": "/s/invoices/",
    "item": "/s/items/",
    "job": "/s/jobs/",
    "mail": "/s/mails/",
    "mandate": "/s/debits/mandates/",
    "match": "/s/matching/lines/",
    "opening": "/s/opening/",
    "payment": "/s/payments/",
    "person": "/s/people/",
    "plan": "/s/promises/plans/",
    "purchase": "/s/purchases/",
    "recurring": "/s/invoicing/recurring/",
    "thread": "/s/messages/",
    "webhook": "/s/webhooks/",
}
"""Where what an act was about has its page, by the part before the dot; its id comes behind."""
PAGES_OF_ACTS: dict[str, str] = {
    "dunning.file_made": "/s/customers/",
    "dunning.resumed": "/s/customers/",
    "dunning.sent": "/s/dunning/sent/",
    "dunning.stopped": "/s/customers/",
    "evidence.made": "/s/invoices/",
    "insurance.declared": "/s/invoices/",
    "opening.booked": "/s/invoices/",
    "pay_links.revoked": "/s/invoices/",
    "payer.forgotten": "/s/customers/",
    "score.blocked": "/s/customers/",
    "score.unblocked": "/s/customers/",
    "transfer.announced": "/s/invoices/",
}
"""Acts whose object is another than what their area is about."""


def tell_act(act: str) -> str:
    """The act in the reader's words; one that nobody has words for yet is told by its code."""
    return fitted(_said(SENTENCES[act])) if act in SENTENCES else act


def tell_area(area: str) -> str:
    """What acts of an area are about."""
    if area in AREAS:
        return fitted(_said(AREAS[area]))
    first = next((act for act in SENTENCES if act.partition(".")[0] == area), None)
    return tell_act(first) if first else area


def acts_saying(wanted: str) -> tuple[str, ...]:
    """The acts whose words hold what is looked for, in the reader's language."""
    sought = wanted.strip().casefold()
    return tuple(act for act, words in SENTENCES.items() if sought and sought in _said(words).casefold())


def page_of(row: AuditRow) -> str | None:
    """The address of what was acted upon, where it is something with a page of its own."""
    root = PAGES_OF_ACTS.get(row.act, PAGES.get(row.act.partition(".")[0]))
    try:
        return f"{root}{UUID(row.object)}" if root else None
    except ValueError:
        return None


def _said(words: tuple[str, str]) -> str:
    return words[language() != "fr"]
