"""What the suppliers of the demonstration say of themselves: their catalogue, terms and conditions, and signature."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from receivables.store.invoicing.items import ItemFacts, add_item
from receivables.store.mail.texts import EVERY_MAIL, MailText, keep_mail_text
from receivables.store.settlement.terms_versions import publish_terms

if TYPE_CHECKING:
    from portal.demo.cast import Player
    from receivables.store.work import Work

ACTOR = "demo"
ACCOUNTS: dict[Literal["goods", "services"], str] = {"goods": "707000", "services": "706000"}
TERMS_SINCE = date(2026, 1, 1)
TERMS = (
    "1. Commandes. Une commande engage quand nous l'avons confirmée par écrit.\n\n"
    "2. Prix. Nos prix s'entendent hors taxes ; la TVA est celle du jour de la facture.\n\n"
    "3. Paiement. Nos factures sont payables à 30 jours, par carte, prélèvement ou virement. Tout retard ouvre droit "
    "aux pénalités et à l'indemnité de 40 euros prévues par la loi.\n\n"
    "4. Réclamations. Un désaccord se signale depuis la facture elle-même ; seul le montant contesté est suspendu.\n\n"
    "5. Réserve de propriété. Les biens livrés restent notre propriété jusqu'à leur paiement complet."
)
TERMS_ENGLISH = (
    "1. Orders. An order binds once we have confirmed it in writing.\n\n"
    "2. Prices. Our prices are without taxes; VAT is that of the day of the invoice.\n\n"
    "3. Payment. Our invoices are due within 30 days, by card, direct debit or transfer. Any delay gives right to the "
    "penalties and to the indemnity of 40 euros that the law provides for.\n\n"
    "4. Complaints. A disagreement is told from the invoice itself; only the disputed amount is paused.\n\n"
    "5. Retention of title. Goods remain our property until they are paid in full."
)


def say_of_oneself(work: Work, player: Player) -> None:
    """Fill the settings of one supplier."""
    for position, article in enumerate(player.articles, 1):
        nature = player.profile.nature
        facts = ItemFacts(
            f"ART-{position:02d}",
            article.name,
            article.unit,
            nature,
            "S",
            article.rate,
            price=article.price,
            account=ACCOUNTS[nature],
        )
        add_item(work, facts, ACTOR)
    publish_terms(work, TERMS_SINCE, ACTOR, wording=TERMS, wording_en=TERMS_ENGLISH)
    for language, greeting in (("fr", "Bien à vous,"), ("en", "Kind regards,")):
        closing = f"{greeting}\n{player.profile.name}"
        keep_mail_text(work, MailText(EVERY_MAIL, language, closing=closing), ACTOR)
