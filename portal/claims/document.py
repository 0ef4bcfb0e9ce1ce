"""A claim for late interest as a PDF: which invoices, days and rates, what was asked for before, how to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.typeset import compile_pdf
from portal.words import day, known_language, money
from receivables.domain.collecting.interest import Stretch, rounded
from receivables.store.work import to_json

if TYPE_CHECKING:
    from receivables.store.collecting.claims import Claim, ClaimLine

TEMPLATE = Path(__file__).parent / "claim.typ"
_WORDS: dict[str, dict[str, Any]] = {
    "fr": {
        "title": "Note de débit",
        "to": "Destinataire",
        "issued": "établie le {day}",
        "total_label": "Total à payer",
        "due_label": "Au plus tard le",
        "intro": (
            "Les factures ci-dessous ont été payées après leur échéance, ou ne le sont pas encore. Les pénalités de "
            "retard courent de plein droit dès le lendemain de l'échéance, sans rappel ; elles sont calculées ici "
            "jusqu'au {through} inclus."
        ),
        "invoice": "Facture {number} du {issued}, échue le {due}",
        "columns": ("Du … au …", "Jours", "Somme due TTC", "Taux annuel", "Intérêts"),
        "stretch": "{first} au {last}",
        "run": "Intérêts courus, arrondis une seule fois",
        "before": "Déjà réclamés, ou abandonnés",
        "interest": "Intérêts réclamés",
        "indemnity": "Indemnité forfaitaire pour frais de recouvrement",
        "pay_title": "Pour payer",
        "pay_here": "Voir et payer en ligne",
        "online": "En ligne",
        "reference": "Référence",
        "contract": (
            "Taux : celui de nos conditions de vente (C. com. art. L441-10 II), au moins égal à trois fois le taux "
            "d'intérêt légal."
        ),
        "statutory": (
            "Taux : celui de la Banque centrale européenne pour ses opérations principales de refinancement, en "
            "vigueur au 1er janvier et au 1er juillet, majoré de {margin} points ({article})."
        ),
        "mentions": (
            (
                "Intérêts : somme due multipliée par le taux et par les jours, divisée par 365 ; du lendemain de "
                "l'échéance au jour du paiement inclus."
            ),
            "Indemnité forfaitaire de 40 € par facture payée en retard ({article}).",
            (
                "Les pénalités et l'indemnité ont un caractère indemnitaire : elles sont hors du champ de la TVA. "
                "Cette note n'est pas une facture et ne donne droit à aucune déduction de TVA."
            ),
        ),
    },
    "en": {
        "title": "Debit note",
        "to": "To",
        "issued": "issued on {day}",
        "total_label": "Total to pay",
        "due_label": "By",
        "intro": (
            "The invoices below were paid after their due date, or are still unpaid. Late-payment interest runs as of "
            "right from the day after the due date, without a reminder; it is reckoned here to {through} inclusive."
        ),
        "invoice": "Invoice {number} of {issued}, due on {due}",
        "columns": ("From … to …", "Days", "Owed, VAT incl.", "Rate a year", "Interest"),
        "stretch": "{first} to {last}",
        "run": "Interest run, rounded once",
        "before": "Asked for before, or given up",
        "interest": "Interest claimed",
        "indemnity": "Fixed indemnity for recovery costs",
        "pay_title": "How to pay",
        "pay_here": "View and pay online",
        "online": "Online",
        "reference": "Reference",
        "contract": (
            "Rate: that of our terms of sale (French Commercial Code art. L441-10 II), at least three times the legal "
            "rate of interest."
        ),
        "statutory": (
            "Rate: that of the European Central Bank for its main refinancing operations, in force on 1 January and "
            "1 July, plus {margin} points ({article})."
        ),
        "mentions": (
            (
                "Interest: amount owed times rate times days, divided by 365; from the day after the due date to the "
                "day of payment inclusive."
            ),
            "Fixed indemnity of EUR 40 for each invoice paid late ({article}).",
            (
                "Interest and indemnity compensate a loss: they are outside the scope of VAT. This note is no invoice, "
                "and gives no right to deduct VAT."
            ),
        ),
    },
}
_LAW = {
    "business": ("10", "C. com. art. L441-10 II", "C. com. art. D441-5"),
    "public": ("8", "CCP art. R2192-31", "CCP art. D2192-35"),
}


@dataclass(frozen=True, slots=True)
class Sides:
    """Who claims and who owes, as lines of text; ``pay`` are pairs of name and value, and whether it is an address."""

    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    customer_kind: str
    language: str
    colour: str
    pay: tuple[tuple[str, str, bool], ...]


def draw_claim(claim: Claim, lines: list[ClaimLine], sides: Sides) -> bytes:
    """The document as PDF/A; the same claim gives the same bytes.

    Raises:
        TypesetError: ``page.missing_glyph``: a name has characters that the font lacks.
    """
    return compile_pdf(TEMPLATE, {"view": to_json(_view(claim, lines, sides))})


def _view(claim: Claim, lines: list[ClaimLine], sides: Sides) -> dict[str, Any]:
    spoken = known_language(sides.language)
    words = _WORDS[spoken]
    return {
        "language": spoken,
        "title": words["title"],
        "number": claim.number,
        "colour": sides.colour,
        "day": (claim.issued_on.year, claim.issued_on.month, claim.issued_on.day),
        "seller": sides.seller,
        "buyer": sides.buyer,
        "total": money(claim.total_minor, claim.currency, spoken),
        "due": day(claim.due_on, spoken),
        "words": {
            **{name: words[name] for name in ("to", "total_label", "due_label", "columns", "pay_title", "pay_here")},
            "issued": words["issued"].format(day=day(claim.issued_on, spoken)),
            "intro": words["intro"].format(through=day(claim.through_on, spoken)),
        },
        "invoices": [_invoice(claim, line, words, spoken) for line in lines],
        "pay": [*sides.pay, (words["reference"], claim.number, False)],
        "mentions": _mentions(lines, words, sides.customer_kind),
    }


def _invoice(claim: Claim, line: ClaimLine, words: dict[str, Any], spoken: str) -> dict[str, Any]:
    stretches = [_stretch(each) for each in line.facts["stretches"]]
    told = {"number": line.number, "issued": day(line.issued_on, spoken), "due": day(line.due_on, spoken)}
    sums: list[tuple[str, str, bool]] = []
    if line.interest_minor:
        sums.append((words["run"], money(line.facts["run_minor"], claim.currency, spoken), False))
    if line.interest_minor and line.facts["before_minor"]:
        sums.append((words["before"], money(-line.facts["before_minor"], claim.currency, spoken), False))
        sums.append((words["interest"], money(line.interest_minor, claim.currency, spoken), True))
    if line.indemnity_minor:
        sums.append((words["indemnity"], money(line.indemnity_minor, claim.currency, spoken), True))
    rows = [
        (
            words["stretch"].format(first=day(each.first, spoken), last=day(each.last, spoken)),
            str(each.days),
            money(each.base_minor, claim.currency, spoken),
            _percent(each.percent, spoken),
            money(rounded([each]), claim.currency, spoken),
        )
        for each in stretches
    ]
    return {"title": words["invoice"].format(**told), "stretches": rows, "sums": sums}


def _stretch(told: list[Any]) -> Stretch:
    first, last, base, percent = told
    return Stretch(date.fromisoformat(first), date.fromisoformat(last), base, Decimal(percent))


def _percent(value: Decimal, spoken: str) -> str:
    written = f"{value.normalize():f}"
    return f"{written.replace('.', ',')} %" if spoken == "fr" else f"{written}%"


def _mentions(lines: list[ClaimLine], words: dict[str, Any], kind: str) -> list[str]:
    margin, article, fixed = _LAW.get(kind, _LAW["business"])
    bases = dict.fromkeys(line.facts["basis"] for line in lines)
    rates = [words[basis].format(margin=margin, article=article) for basis in bases]
    return [*rates, *(each.format(article=fixed) for each in words["mentions"])]
