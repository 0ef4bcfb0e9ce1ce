"""The explanation of one finding: which business term it is about, what is wrong, and the fix."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.validation.explanations.catalogue import Template, templates
from einvoice.validation.explanations.families import family_of
from einvoice.validation.explanations.grammar import grammar_of
from einvoice.validation.explanations.places import line_number
from einvoice.validation.explanations.structure import structure_of
from einvoice.validation.explanations.subject import Subject
from einvoice.validation.explanations.terms import Step, steps_of, terms_around, terms_at
from einvoice.validation.explanations.wording import Pair, joined, quoted
from einvoice.validation.file_rules import FILE_RULES

if TYPE_CHECKING:
    from einvoice.validation.verdict import Finding

_LOG = logging.getLogger(__name__)
_FALLBACK = "FALLBACK"
_UNNAMED = "UNNAMED"
_FAMILIES = ("VAT-", "ST-", "XSD-", "FR-", "EXT-", "CDV-", _FALLBACK, _UNNAMED)
"""Keys of ours that no rule set uses as an id."""
_XSD_RULE = "xsd"
_UNNAMED_RULE = "schematron.unnamed"
_MAX_VALUE = 80
_MAX_QUOTED = 300
_ALTERNATIVES = 2
_UNREADABLE = frozenset("<>\n")
"""Signs of a value that is none: some rule sets print their own source, unevaluated."""
_FILE_TERMS = {"QT-PDF-LEVEL": ("BT-24",), "QT-PDF-LEVEL-DIFFERS": ("BT-24",), "QT-PDF-XRECHNUNG": ("BT-24",)}
_FOUND = re.compile(
    r": '([^']*)' is not a valid value"  # libxml2
    r"|The value '([^']*)' (?:is not|has)"
    r"|(?:Valeur actuelle|Valeur fournie|Taux fourni|SIRET)\s*:\s*(?:BT-\d+\s*=\s*)?\"([^\"]*)\""  # BR-FR
    r"|(?:montant|quantité|taux de TVA) « ([^»]*) »"
    r"|^'([^']*)' is no "  # ours
    r"|check digit of the SIRE[NT] (\d+) "
)
"""How the rule sets write the offending value in their messages."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a bookkeeper reads about one finding. ``term_fr`` and ``term_en`` name the main business term."""

    terms: tuple[str, ...]
    term_fr: str | None
    term_en: str | None
    sentence_fr: str
    sentence_en: str
    fix_fr: str
    fix_en: str


def explain(finding: Finding) -> Explanation:
    """The explanation of ``finding``; for a rule that we do not know, one that quotes the rule's own text.

    Never raises: a fault in our own texts must not hide a verdict.
    """
    try:
        if finding.rule in FILE_RULES:
            return _of_the_file(finding)
        subject = _subject_of(finding) or Subject(_FALLBACK)
        return _explanation(finding, subject, templates()[subject.key])
    except Exception:  # noqa: BLE001 -- see the docstring; the log keeps the fault
        _LOG.exception("No explanation could be made for rule %s", finding.rule)
        return _plain(finding)


def is_fallback(finding: Finding) -> bool:
    """Whether nothing better than the rule's own text is known for ``finding``."""
    return finding.rule not in FILE_RULES and _subject_of(finding) is None


def _subject_of(finding: Finding) -> Subject | None:
    rule, message = finding.rule, finding.message
    if rule == _XSD_RULE:
        return grammar_of(message, finding.location)
    if rule in templates() and not rule.startswith(_FAMILIES):
        return Subject(rule)
    subject = structure_of(rule, message, finding.location) or family_of(rule, message)
    if subject is None and rule == _UNNAMED_RULE:
        return Subject(_UNNAMED)
    return subject


def _explanation(finding: Finding, subject: Subject, template: Template) -> Explanation:
    steps = steps_of(finding.location)
    terms = _terms(subject, template, steps)
    main = _main_terms(terms, template)
    term_fr, term_en = joined(main)
    words = subject.words | {
        "term": quoted(main),
        "rule": (finding.rule, finding.rule),
        "message": (finding.message[:_MAX_QUOTED],) * 2,
        "own": (
            (finding.message_fr or finding.message).strip() or f"La règle {finding.rule} n'est pas respectée.",
            finding.message.strip() or f"Rule {finding.rule} is broken.",
        ),
    }
    line = line_number(steps)
    value = None if "{own}" in template.sentence_fr or subject.key == _FALLBACK else _value(finding.message)
    return Explanation(
        terms=terms,
        term_fr=term_fr or None,
        term_en=term_en or None,
        sentence_fr=_sentence(_fill(template.sentence_fr, words, 0), _FRENCH_FRAME, line, value),
        sentence_en=_sentence(_fill(template.sentence_en, words, 1), _ENGLISH_FRAME, line, value),
        fix_fr=_fill(template.fix_fr, words, 0),
        fix_en=_fill(template.fix_en, words, 1),
    )


def _of_the_file(finding: Finding) -> Explanation:
    """The rules about the file itself are written for people already; a few are about a term."""
    rule = FILE_RULES[finding.rule]
    terms = _FILE_TERMS.get(finding.rule, ())
    term_fr, term_en = joined(terms)
    return Explanation(
        terms=terms,
        term_fr=term_fr or None,
        term_en=term_en or None,
        sentence_fr=finding.message_fr or rule.sentence_fr,
        sentence_en=finding.message or rule.sentence,
        fix_fr=rule.fix_fr,
        fix_en=rule.fix,
    )


def _terms(subject: Subject, template: Template, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The rule's own terms, then those that the finding names; where any may be meant, those at its place."""
    if template.any_of:
        here = terms_at(steps)
        meant = tuple(term for term in here if term in template.terms) or here
        if meant:
            return meant
    named = tuple(dict.fromkeys((*template.terms, *subject.terms)))
    return named or terms_around(steps)


def _main_terms(terms: tuple[str, ...], template: Template) -> tuple[str, ...]:
    """What the rule is mainly about: the first term, or the alternatives where there are few."""
    alternative = template.any_of or not template.terms
    return terms if alternative and len(terms) <= _ALTERNATIVES else terms[:1]


def _fill(text: str, words: dict[str, Pair], language: int) -> str:
    """``text`` with its placeholders filled in; ``{status_fr}`` is the French form of ``{status}``."""
    values = {name: pair[language] for name, pair in words.items()}
    suffix = ("fr", "en")[language]
    filled = text.format(**values, **{f"{name}_{suffix}": value for name, value in values.items()})
    return re.sub(r" {2,}", " ", re.sub(r" (?=[.,](?: |$))| (?= ;)", "", filled)).strip()


_FRENCH_FRAME = ("Ligne {line} de la facture : {sentence}", "{sentence} Valeur trouvée : « {value} ».")
_ENGLISH_FRAME = ("Line {line} of the invoice: {sentence}", '{sentence} Value found: "{value}".')


def _sentence(sentence: str, frame: Pair, line: int | None, value: str | None) -> str:
    """The sentence with the line of the invoice before it and the value found behind it, where they are known."""
    placed, valued = frame
    if line is not None:
        sentence = placed.format(line=line, sentence=_continued(sentence))
    return valued.format(sentence=sentence, value=value) if value else sentence


def _continued(sentence: str) -> str:
    """``sentence`` after a colon: in lower case, unless it begins with initials."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _value(message: str) -> str | None:
    match = _FOUND.search(message)
    found = next((group for group in match.groups() if group), "").strip() if match else ""
    return found if found and len(found) <= _MAX_VALUE and not set(found) & _UNREADABLE else None


def _plain(finding: Finding) -> Explanation:
    """Without any of our own data: the rule's own text, and whom to ask."""
    message = finding.message[:_MAX_QUOTED]
    return Explanation(
        terms=(),
        term_fr=None,
        term_en=None,
        sentence_fr=f"La règle {finding.rule} n'est pas respectée. Texte de la règle : « {message} »",
        sentence_en=f'Rule {finding.rule} is broken. Text of the rule: "{message}"',
        fix_fr="Donnez le code de la règle et ce texte à l'éditeur de votre logiciel.",
        fix_en="Give the code of the rule and this text to the vendor of your software.",
    )
