"""A report as the public page shows it: verdict, key facts, steps, findings, and what was not checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from einvoice.validation.file_report import FileKind
from einvoice.validation.key_facts import KeyFacts, key_facts
from einvoice.validation.verdict import Verdict
from portal.validation.told import ToldLayer, ToldRule, tell_layers, tell_rules
from portal.words import day, fitted, gettext, language, money, note_text
from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.validation.file_report import FileReport

MOST_SHOWN = 60
"""Findings shown on one page, alike ones counted once; the API and the command tell all."""
MOST_PLACES = 12
"""Places and lines told of one finding."""
FEW_LINES = 5
"""An XML in so few lines was written without any: their numbers would help nobody."""
TONES = {
    Verdict.VALID: ("paid", "check"),
    Verdict.INVALID: ("late", "alert"),
    Verdict.NOT_CHECKED: ("part", "unknown"),
}
"""How a verdict looks: tone and icon. What was not checked is never green."""
TITLES = {
    Verdict.VALID: note_text("Conforme"),
    Verdict.INVALID: note_text("Non conforme"),
    Verdict.NOT_CHECKED: note_text("Non contrôlé"),
}
SENTENCES = {
    Verdict.VALID: note_text("Toutes les règles demandées ont été exécutées, sans erreur."),
    Verdict.INVALID: note_text("Ce fichier enfreint au moins une règle : une plateforme le refuserait."),
    Verdict.NOT_CHECKED: note_text(
        "Toutes les règles n'ont pas pu être exécutées. Ce fichier n'est donc ni conforme ni non conforme : réessayez."
    ),
}
KINDS = {
    FileKind.FACTURX: note_text("Facture Factur-X (PDF)"),
    FileKind.PDF: note_text("PDF sans facture électronique"),
    FileKind.CII: note_text("Facture CII (XML)"),
    FileKind.UBL_INVOICE: note_text("Facture UBL (XML)"),
    FileKind.UBL_CREDIT_NOTE: note_text("Avoir UBL (XML)"),
    FileKind.CDAR: note_text("Message de cycle de vie (CDAR)"),
    FileKind.FLUX10: note_text("Rapport e-reporting (Flux 10)"),
    FileKind.UNKNOWN: note_text("Fichier non reconnu"),
}
BEYOND_ANY = (
    note_text("L'existence du vendeur et de l'acheteur, et leur place dans l'annuaire des plateformes."),
    note_text("La réalité de l'opération, les prix et le choix des taux de TVA."),
)
BEYOND_PDF = (
    note_text("La conformité PDF/A-3 complète (polices, couleurs, balises) : c'est le rôle de veraPDF."),
    note_text("Que la page lisible dise la même chose que les données jointes."),
)


_INVOICE_LINE = re.compile(r"^(?:Ligne|Line) \d+ (?:de la facture|of the invoice) \W ")
"""How an explanation names the line of the invoice before its sentence."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the invoice in the reader's language; ``sum`` marks the amount that counts."""

    name: str
    value: str
    sum: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: what is said of it, how often, in which places of the invoice and on which lines of the XML."""

    told: ToldRule
    sentence: str
    fix: str | None
    times: int
    places: list[str]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the page shows."""

    report: FileReport
    tone: str
    icon: str
    title: str
    sentence: str
    kind: str
    facts: list[Fact]
    layers: list[ToldLayer]
    findings: list[Finding]
    beyond: list[str]

    @property
    def fatal(self) -> int:
        """How many findings make the file invalid."""
        return len(self.report.report.fatal)

    @property
    def warnings(self) -> int:
        """How many do not."""
        return len(self.report.report.findings) - self.fatal

    def findings_of(self, layer: ToldLayer) -> int:
        """How many findings a layer has."""
        return sum(each.layer is layer.result.layer for each in self.report.report.findings)


def show(report: FileReport) -> Shown:
    """The page's content for a report."""
    tone, icon = TONES[report.verdict]
    return Shown(
        report,
        tone,
        icon,
        gettext(TITLES[report.verdict]),
        gettext(SENTENCES[report.verdict]),
        gettext(KINDS[report.kind]),
        list(_facts(key_facts(report.xml))),
        tell_layers(report),
        _findings(report),
        list(_beyond(report)),
    )


def _findings(report: FileReport) -> list[Finding]:
    """What is found; what is said alike of many places is said once."""
    groups: dict[tuple[str, str], list[ToldRule]] = {}
    for told in tell_rules(report):
        groups.setdefault((told.finding.rule, _INVOICE_LINE.sub("", told.sentence.fr)), []).append(told)
    has_lines = (report.xml or b"").count(b"\n") > FEW_LINES
    return [_finding(group, language(), has_lines=has_lines) for group in groups.values()]


def _finding(group: list[ToldRule], spoken: str, *, has_lines: bool) -> Finding:
    sentence = group[0].sentence[spoken]
    lines = sorted({told.finding.line for told in group if told.finding.line}) if has_lines else []
    return Finding(
        group[0],
        fitted(_INVOICE_LINE.sub("", sentence) if len(group) > 1 else sentence),
        fitted(fix[spoken]) if (fix := group[0].fix) else None,
        len(group),
        list(dict.fromkeys(told.place[spoken] for told in group if told.place)),
        lines,
    )


def _facts(found: KeyFacts | None) -> Iterator[Fact]:
    if found is None:
        return
    credit_note = found.type_code in CREDIT_NOTES
    named = (
        (gettext("Avoir") if credit_note else gettext("Facture"), found.number),
        (gettext("Date d'émission"), _day(found.issued_on)),
        (gettext("Échéance"), _day(found.due_on)),
        (gettext("Vendeur"), _party(found.seller, found.seller_id)),
        (gettext("Acheteur"), _party(found.buyer, found.buyer_id)),
        (gettext("Total HT"), _amount(found.without_vat, found.currency)),
        (gettext("TVA"), _amount(found.vat, found.currency)),
        (gettext("Total TTC"), _amount(found.with_vat, found.currency)),
    )
    yield from (Fact(name, value) for name, value in named if value)
    payable = _amount(found.payable, found.currency)
    if payable:
        yield Fact(gettext("Net à payer"), payable, sum=True)


def _beyond(report: FileReport) -> Iterator[str]:
    """What was not checked: layers that did not run, rules that do not apply, and what no rule can see."""
    spoken = language()
    for told in tell_layers(report):
        if told.result.outcome is Verdict.NOT_CHECKED:
            yield gettext("%(layer)s : ces règles n'ont pas été exécutées.") % {"layer": told.name[spoken]}
    if report.is_invoice and not report.french:
        yield gettext(
            "Les règles françaises (BR-FR) : elles valent entre deux parties de France, sauf note BAR contraire."
        )
    if report.kind is FileKind.FACTURX:
        yield from (gettext(each) for each in BEYOND_PDF)
    if report.is_invoice:
        yield from (gettext(each) for each in BEYOND_ANY)


def _party(name: str | None, number: str | None) -> str | None:
    return " · ".join(each for each in (name, number) if each) or None


def _day(written: str | None) -> str | None:
    digits = (written or "").replace("-", "")
    try:
        return day(date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))) if digits.isascii() else written
    except (ValueError, OverflowError):
        return written


def _amount(written: str | None, currency: str | None) -> str | None:
    """The amount as the reader writes it; as it stands in the file where that is no amount."""
    if written is None:
        return None
    try:
        return money(Money.of(Decimal(written), currency or "").minor, currency or "")
    except (InvalidOperation, MoneyError, ValueError):
        return " ".join(each for each in (written, currency) if each)
