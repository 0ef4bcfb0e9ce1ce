"""What people come to do, from the first page to the last, as counted hands do it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from import_builders import csv_of, row
from journeys.demo_house import pay_links, sandbox_platform, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from journeys.hands import Hands

CUSTOMER, OWNER, COLLECTOR = "compta@demo.example", "camille@demo.example", "lucas@demo.example"
ACCOUNTANT = "ines@demo.example"
LINES = int(os.environ.get("QUITTANCE_JOURNEY_LINES", "1000"))
"""Invoices that the import brings."""


def pay(hands: Hands) -> None:
    """From the link in the invoice's PDF to "paid": our page, the provider's page, the receipt."""
    hands.begin(pay_links(hands.page, hands.base)[0])
    hands.press("Payer")
    hands.page.wait_for_url("**/pay/**")
    hands.press("Payer", within=hands.page.locator("body"))
    hands.page.wait_for_url("**/p/**back=1")
    hands.see("Facture réglée")


def dispute(hands: Hands) -> None:
    """From the same link to a dispute that the supplier has: a reason, a few words."""
    hands.begin(next(each for each in pay_links(hands.page, hands.base) if not _says(hands, each, "Litige en cours")))
    hands.press("Signaler un problème", kind="link")
    hands.choose("Qu'est-ce qui ne va pas", 1)
    hands.tick("Toute la facture")
    hands.type("Expliquez en quelques mots", "Deux caisses manquent sur les huit commandées.")
    hands.press("Envoyer")
    hands.see("Signalé le")


def ask_and_answer(hands: Hands) -> None:
    """A customer writes about an invoice, the collector finds it and answers, the customer reads the answer."""
    sign_in(hands.page, hands.base, CUSTOMER)
    hands.begin("/c/messages/account")
    hands.type("Votre message", "Bonjour, pouvez-vous nous renvoyer le bon de livraison ?")
    hands.press("Envoyer")
    hands.see("bon de livraison")
    counted = hands.interactions
    hands.page.context.clear_cookies()
    sign_in(hands.page, hands.base, COLLECTOR)
    hands.begin("/s/messages")
    hands.interactions = counted
    hands.press(r"[\s\S]*bon de livraison", kind="link")
    hands.type("Votre message", "Bonjour, le voici en pièce jointe de la facture. Bonne journée.")
    hands.press("Envoyer")
    hands.see("Bonne journée")


def connect_platform(hands: Hands) -> None:
    """The owner connects an approved platform: one form, tested step by step."""
    sign_in(hands.page, hands.base, OWNER)
    hands.page.goto(f"{hands.base}/s/platform")
    ours = hands.page.get_by_role("link", name="Changer l'accès").last.get_attribute("href")
    hands.page.goto(f"{hands.base}{ours}")
    client = hands.page.locator("input[name=client_id]").input_value()
    platform = sandbox_platform(hands.pictures)
    hands.begin("/s/platform/connect")
    hands.tick("Une autre plateforme")
    hands.type("Nom de la plateforme", "Plateforme du Ponant")
    hands.type("Adresse du service des flux", platform)
    hands.type("Adresse des jetons", f"{platform}/oauth2/token")
    hands.type("Adresse de l'annuaire", f"{platform}/directory-service")
    hands.type("Identifiant client", client)
    hands.type("Secret client", "sandbox-secret")
    hands.press("Tester et enregistrer")
    hands.see("Plateforme du Ponant")


def issue(hands: Hands) -> None:
    """The accountant writes an invoice for a customer that they know, from the list of invoices to the issued one."""
    sign_in(hands.page, hands.base, ACCOUNTANT)
    hands.begin("/s/invoices")
    hands.press("Nouvelle facture", kind="link")
    hands.press("Facturer Pizzeria Castello")
    hands.type("Ce que vous facturez", "Journée de conseil")
    hands.type("Prix hors taxes", "620")
    hands.press("Relire avant d'émettre")
    hands.look()
    hands.press("Émettre la facture")
    hands.see("744,00")


def bring_a_thousand(hands: Hands) -> None:
    """The accountant brings a table of a thousand invoices and follows it to its end."""
    sign_in(hands.page, hands.base, ACCOUNTANT)
    table = hands.pictures / f"{hands.name}.csv"
    table.write_bytes(csv_of(*(row(f"{hands.name}-{number}") for number in range(LINES))))
    hands.begin("/s/imports")
    hands.give("Fichier de factures", table)
    hands.press("Lire ce fichier")
    hands.look()
    hands.press("Émettre")
    hands.see("Terminé", within_s=LINES)


def _says(hands: Hands, path: str, text: str) -> bool:
    hands.page.goto(path)
    return text in hands.page.locator("main").inner_text()


WALKS: dict[str, Callable[[Hands], None]] = {
    "pay": pay,
    "dispute": dispute,
    "message": ask_and_answer,
    "platform": connect_platform,
    "issue": issue,
    "import": bring_a_thousand,
}
