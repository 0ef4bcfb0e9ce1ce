"""Our own rules, for what the published ones leave untested.

``QT-BT-24``
    Fatal where BT-24 names no known specification: BR-FR-Flux2 does not look at it. A warning where it names another
    one that builds on EN 16931 (XRechnung, Peppol): the file was judged as EN 16931, its own rules were not run.
``QT-SOCLE``
    Warning: a French invoice in a profile outside the *socle* of formats (MINIMUM, BASIC, other CIUS), which a platform
    need not accept.
``QT-SIREN``, ``QT-SIRET``
    An identifier of scheme 0002 or 0009 has the wrong length or stray blanks: BR-FR-09, -10, -11 and -32 trim first.
``QT-SIREN-KEY``, ``QT-SIRET-KEY``
    Its check digit is false, so that no directory knows it; no published rule tests it. A warning, because even the
    French forum's own examples use made-up numbers, unless the caller wants it fatal.
``QT-NOTE``
    The compulsory mentions PMT (recovery costs), PMD (late penalties) and AAB (early-payment discount) have no text:
    BR-FR-05 only wants the note to be there. Source: C. com. L441-9.
``QT-DAY``
    A CII day (format 102) is not eight digits: BR-FR-03 reads the first eight characters and lets the rest pass.
``QT-TERMS``
    Warning: the due date is later than the general law allows (see ``einvoice.validation.payment_terms``).
``QT-RATE-PLACE``
    Warning: a VAT rate that applies at none of the places named, or that is no more (see ``rate_places``).

QT-SIREN, QT-SIRET and QT-DAY are fatal for French invoices and warnings for the others; QT-NOTE, QT-TERMS and
QT-RATE-PLACE are for French ones.
(A zero rate with 20 %, which BR-FR also lets pass, needs no rule of ours: BR-Z-05 or its like refuses it in every
profile that has rates.)
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stdnum.fr import siren, siret

from config.law import law_text
from einvoice.validation import payment_terms, rate_places
from einvoice.validation.location import path_of
from einvoice.validation.payment_terms import GENERAL, term_finding
from einvoice.validation.rate_places import rate_findings
from einvoice.validation.standards import Profile
from einvoice.validation.verdict import Finding, Layer, RuleSet, Severity
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lxml import etree

    from einvoice.validation.invoice_facts import InvoiceFacts

_SCHEMES: tuple[tuple[str, str, int, Callable[[str], bool]], ...] = (
    ("0002", "SIREN", 9, siren.is_valid),
    ("0009", "SIRET", 14, siret.is_valid),
)
_COMPULSORY_MENTIONS = {
    "PMT": ("the flat recovery indemnity", "l'indemnité forfaitaire de recouvrement"),
    "PMD": ("the late-payment penalties", "les pénalités de retard"),
    "AAB": ("the early-payment discount, or that there is none", "l'escompte, ou son absence"),
}
_SOCLE = frozenset({Profile.BASIC_WL, Profile.EN16931, Profile.EXTENDED, Profile.EXTENDED_CTC_FR})
_DAY = re.compile(r"\d{8}")
MOST_TOLD = 100
"""Findings of one rule: each costs a look at the elements before it, and the first hundred say enough."""
_LONGEST_MESSAGE = 1000


class _Wrong(NamedTuple):
    """What breaks a rule, before its place is looked for."""

    rule: str
    severity: Severity
    element: etree._Element | None
    message: str
    message_fr: str


@cache
def rule_set() -> RuleSet:
    """Ourselves, identified by the digest of the files that hold our rules and the law that they apply."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(rate_places.__file__), Path(payment_terms.__file__)):
        digest.update(path.read_bytes())
    for name in ("terms", "vat_rates"):
        digest.update(law_text(name).encode())
    return RuleSet("Quittance", "2", digest.hexdigest())


def house_findings(
    facts: InvoiceFacts, profile: Profile, *, standard: bool, french: bool, false_key: Severity
) -> tuple[Finding, ...]:
    """What our rules say about an invoice.

    ``standard`` is false where another CIUS is judged as EN 16931; ``false_key`` weighs a wrong check digit.
    """
    severity = Severity.FATAL if french else Severity.WARNING
    return (
        *_first_of_each(_specification(facts, profile, standard=standard, french=french)),
        *_first_of_each(_registration_numbers(facts, severity, false_key)),
        *_first_of_each(_empty_mentions(facts) if french else ()),
        *_first_of_each(_days(facts, severity)),
        *(_late_due(facts) if french else ()),
        *(islice(rate_findings(facts), MOST_TOLD) if french else ()),
    )


def _first_of_each(found: Iterable[_Wrong]) -> Iterator[Finding]:
    """The first of every rule: however many warnings there are, they hide no error of another rule."""
    told: Counter[str] = Counter()
    for each in found:
        told[each.rule] += 1
        if told[each.rule] <= MOST_TOLD:
            yield _finding(*each)


def unknown_specification(facts: InvoiceFacts) -> Finding:
    """The fatal QT-BT-24: no rules are known for this file."""
    named = repr(facts.specification or "")
    return _finding(
        "QT-BT-24",
        Severity.FATAL,
        facts.specification_element,
        f"BT-24 is {named}, which is no known specification. Write that of EN 16931 or of a Factur-X profile.",
        f"BT-24 vaut {named}, spécification inconnue. Indiquez celle d'EN 16931 ou d'un profil Factur-X.",
    )


def _specification(facts: InvoiceFacts, profile: Profile, *, standard: bool, french: bool) -> Iterator[_Wrong]:
    place = facts.specification_element
    if not standard:
        yield _Wrong(
            "QT-BT-24",
            Severity.WARNING,
            place,
            f"{facts.specification} was judged as EN 16931; its own additional rules were not run.",
            f"{facts.specification} a été jugé comme EN 16931 ; ses règles propres n'ont pas été exécutées.",
        )
    if french and not (standard and profile in _SOCLE):
        yield _Wrong(
            "QT-SOCLE",
            Severity.WARNING,
            place,
            "This profile is outside the French socle of formats; a platform may refuse it. Use EN 16931 or EXTENDED.",
            "Ce profil est hors du socle de formats ; une plateforme peut le refuser. Utilisez EN 16931 ou EXTENDED.",
        )


def _registration_numbers(facts: InvoiceFacts, severity: Severity, false_key: Severity) -> Iterator[_Wrong]:
    for scheme, name, length, key_is_right in _SCHEMES:
        for element in facts.identifiers(scheme):
            written = element.text or ""
            if not re.fullmatch(rf"[0-9]{{{length}}}", written):
                yield _Wrong(
                    f"QT-{name}",
                    severity,
                    element,
                    f"{written!r} is no {name}: write {length} digits without blanks.",
                    f"{written!r} n'est pas un {name} : écrivez {length} chiffres sans espace.",
                )
            elif not key_is_right(written):
                yield _Wrong(
                    f"QT-{name}-KEY",
                    false_key,
                    element,
                    f"The check digit of the {name} {written} is false: no directory can know it.",
                    f"La clé du {name} {written} est fausse : aucun annuaire ne peut le connaître.",
                )


def _empty_mentions(facts: InvoiceFacts) -> Iterator[_Wrong]:
    for note in facts.notes():
        if note.subject in _COMPULSORY_MENTIONS and not note.text.strip():
            english, french = _COMPULSORY_MENTIONS[note.subject]
            yield _Wrong(
                "QT-NOTE",
                Severity.FATAL,
                note.element,
                f"The note {note.subject} has no text. It must state {english}.",
                f"La note {note.subject} est vide. Elle doit indiquer {french}.",
            )


def _days(facts: InvoiceFacts, severity: Severity) -> Iterator[_Wrong]:
    for element in facts.day_texts():
        if not _DAY.fullmatch(element.text or ""):
            yield _Wrong(
                "QT-DAY",
                severity,
                element,
                f"{element.text!r} is no day: write eight digits, YYYYMMDD.",
                f"{element.text!r} n'est pas un jour : écrivez huit chiffres, AAAAMMJJ.",
            )


def _late_due(facts: InvoiceFacts) -> Iterator[Finding]:
    issued, due, element = facts.issued_on, facts.due_on, facts.due_element
    if issued is None or due is None or element is None or facts.type_code in CREDIT_NOTES:
        return
    found = term_finding(GENERAL, issued, due, location=path_of(element))
    if found:
        yield replace(found, line=element.sourceline)


def _finding(rule: str, severity: Severity, element: etree._Element | None, message: str, message_fr: str) -> Finding:
    location = None if element is None else path_of(element)
    line = element.sourceline if element is not None else None
    message, message_fr = message[:_LONGEST_MESSAGE], message_fr[:_LONGEST_MESSAGE]
    return Finding(rule, severity, message, Layer.HOUSE, location, line, message_fr)
