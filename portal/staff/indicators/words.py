"""Names, formulas and figures of indicators in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from babel.numbers import format_compact_currency, format_decimal, format_percent

from portal.telling.dispute_words import reason_words
from portal.telling.segments import name_segment
from portal.words import LOCALES, MINUS, gettext, known_language, language, money, note_text
from receivables.domain.measuring.indicators import rounded
from receivables.domain.money import Money
from receivables.services.measuring.indicators import Unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from receivables.services.measuring.indicators import Indicator

NONE = "\u2013"
"""What stands where there is no figure."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a figure is called, how it is made, its icon, and whether less (-1) or more (1) of it is better."""

    name: str
    formula: str
    icon: str = "clock"
    better: int = 0


NAMES: dict[str, Words] = {
    "receivable": Words(
        note_text("Créances ouvertes"),
        note_text("Tout ce que les clients doivent encore, crédits non déduits (compte 411)."),
        "invoice",
    ),
    "not_due": Words(note_text("Pas encore échu"), note_text("Créances dont l'échéance n'est pas passée."), "clock"),
    "late": Words(note_text("Échu"), note_text("Créances dont l'échéance est passée, par échéance."), "alert", -1),
    "at_risk": Words(note_text("À risque"), note_text("Créances échues depuis plus de 90 jours."), "alert", -1),
    "disputed": Words(
        note_text("En litige"),
        note_text("La partie contestée des factures, au plus ce qui reste ouvert."),
        "shield",
        -1,
    ),
    "credits": Words(
        note_text("Crédits ouverts"),
        note_text("Avoirs et versements non imputés. Jamais déduits des créances sans le dire."),
        "credit",
    ),
    "doubtful": Words(
        note_text("Douteux"), note_text("Créances nées avant la procédure collective du client."), "shield", -1
    ),
    "sales": Words(
        note_text("Ventes TTC"), note_text("Factures de la période, moins les avoirs et les annulations."), "invoice", 1
    ),
    "received": Words(note_text("Encaissements"), note_text("Argent reçu des clients dans la période."), "wallet", 1),
    "dso": Words(note_text("DSO"), note_text("Créances saines ÷ ventes TTC \u00d7 jours de la période."), "clock", -1),
    "dso_count_back": Words(
        note_text("DSO par épuisement"),
        note_text("Les ventes de chaque mois, du plus récent au plus ancien, retirées des créances saines."),
        "clock",
        -1,
    ),
    "dso_best": Words(
        note_text("Meilleur DSO possible"),
        note_text("Créances saines non échues ÷ ventes TTC \u00d7 jours."),
        "clock",
        -1,
    ),
    "delinquency": Words(note_text("Retard dans le DSO"), note_text("DSO moins meilleur DSO possible."), "clock", -1),
    "dso_undisputed": Words(
        note_text("DSO hors litiges"),
        note_text("(Créances saines \u2212 partie en litige) ÷ ventes TTC \u00d7 jours."),
        "clock",
        -1,
    ),
    "delay": Words(
        note_text("Délai moyen de paiement"),
        note_text("De l'émission à l'encaissement, pondéré par les montants, sur les factures soldées."),
        "clock",
        -1,
    ),
    "lateness": Words(
        note_text("Retard moyen"),
        note_text("De l'échéance à l'encaissement, pondéré par les montants. Une avance compte en moins."),
        "clock",
        -1,
    ),
    "effectiveness": Words(
        note_text("Efficacité du recouvrement (CEI)"),
        note_text(
            "(Créances au début + ventes \u2212 créances à la fin) ÷ "
            "(créances au début + ventes \u2212 créances non échues). "
            "Au plus haut, tout ce qui était dû est rentré."
        ),
        "check",
        1,
    ),
    "at_risk_share": Words(note_text("Part à risque"), note_text("Plus de 90 jours ÷ créances."), "alert", -1),
    "disputed_share": Words(note_text("Part en litige"), note_text("En litige ÷ créances."), "shield", -1),
    "credit_share": Words(note_text("Crédits sur créances"), note_text("Crédits ouverts ÷ créances."), "credit", -1),
    "dispute_answer": Words(
        note_text("Première réponse à un litige"), note_text("Jours de l'ouverture à la première réponse."), "mail", -1
    ),
    "dispute_close": Words(note_text("Clôture d'un litige"), note_text("Jours de l'ouverture à l'issue."), "check", -1),
    "promises_kept": Words(
        note_text("Promesses tenues"), note_text("Payé dans les délais promis ÷ promis, en montant."), "check", 1
    ),
    "reminder_effect": Words(
        note_text("Effet des relances"), note_text("Factures relancées qui sont payées dans les sept jours."), "send", 1
    ),
    "auto_match": Words(
        note_text("Rapprochement automatique"),
        note_text("Virements reçus imputés sans que personne ne regarde, en nombre."),
        "link",
        1,
    ),
    "auto_match_amount": Words(
        note_text("Rapprochement automatique, en montant"), note_text("Le même, pondéré par les montants."), "link", 1
    ),
    "unapplied_age": Words(
        note_text("Âge des versements non imputés"), note_text("Jours depuis le versement, pondérés."), "credit", -1
    ),
    "right_first_time": Words(
        note_text("Juste du premier coup"),
        note_text("Factures de la période jamais contestées, refusées, rejetées ni remplacées."),
        "check",
        1,
    ),
    "debit_returns": Words(
        note_text("Prélèvements rejetés"), note_text("Prélèvements revenus ÷ prélèvements présentés."), "back", -1
    ),
    "collection_cost": Words(
        note_text("Frais d'encaissement"),
        note_text("Frais des prestataires et des banques (627) pour 1 000 encaissés. Le temps passé n'est pas compté."),
        "wallet",
        -1,
    ),
}
GROUPS = (
    (note_text("Ce qui est dû"), ("receivable", "late", "at_risk", "disputed", "doubtful", "credits")),
    (
        note_text("À quelle vitesse"),
        ("dso", "dso_count_back", "dso_best", "delinquency", "dso_undisputed", "delay", "lateness", "effectiveness"),
    ),
    (
        note_text("Avec quelle qualité"),
        (
            "right_first_time",
            "disputed_share",
            "dispute_answer",
            "dispute_close",
            "promises_kept",
            "reminder_effect",
            "auto_match",
            "unapplied_age",
            "debit_returns",
            "collection_cost",
        ),
    ),
)
MEASURE_NAMES = {
    "sound": note_text("Créances saines"),
    "sound_not_due": note_text("Créances saines non échues"),
    "disputed_sound": note_text("Partie en litige"),
    "paid": note_text("Encaissements sur factures soldées"),
    "paid_late": note_text("Encaissements sur factures soldées"),
    "disputes_answered": note_text("Litiges qui ont eu leur réponse"),
    "disputes_closed": note_text("Litiges clos"),
    "promises_kept": note_text("Promis et payé"),
    "promises_judged": note_text("Promesses échues"),
    "reminders": note_text("Factures relancées"),
    "reminders_paid": note_text("Payées sous sept jours"),
    "bank_in": note_text("Virements à rapprocher"),
    "bank_by_rule": note_text("Imputés par règle"),
    "unapplied": note_text("Versements non imputés"),
    "issued": note_text("Factures émises"),
    "issued_right": note_text("Sans reproche"),
    "debits": note_text("Prélèvements présentés"),
    "debits_back": note_text("Prélèvements revenus"),
    "fees": note_text("Frais"),
}
DAYS_HEADINGS = {
    "paid": note_text("Jours depuis l'émission"),
    "paid_late": note_text("Jours après l'échéance"),
    "disputes_answered": note_text("Jours depuis l'ouverture"),
    "disputes_closed": note_text("Jours depuis l'ouverture"),
    "disputed": note_text("Jours depuis l'ouverture"),
    "disputed_sound": note_text("Jours depuis l'ouverture"),
    "credits": note_text("Jours depuis l'écriture"),
    "unapplied": note_text("Jours depuis l'écriture"),
}
AGED = frozenset({"receivable", "sound", "doubtful", "not_due", "sound_not_due", "late", "at_risk"})
BY_NAMES = {
    "collector": note_text("Par chargé de recouvrement"),
    "segment": note_text("Par segment"),
    "age": note_text("Par ancienneté"),
    "reason": note_text("Par motif de litige"),
}
PERIODS = {
    30: note_text("30 jours"),
    90: note_text("90 jours"),
    180: note_text("180 jours"),
    365: note_text("365 jours"),
}
RHYTHMS = {
    "daily": note_text("Chaque jour"),
    "weekly": note_text("Chaque lundi"),
    "monthly": note_text("Le premier du mois"),
}
EXPECTED_BY = {
    "own": note_text("son habitude"),
    "all": note_text("l'habitude de tous"),
    "promise": note_text("une promesse"),
    "due_day": note_text("l'échéance"),
}


def measure_name(measure: str, speak: Callable[[str], str] = gettext) -> str:
    """What a measure is called."""
    return speak(MEASURE_NAMES.get(measure) or NAMES[measure].name)


def days_heading(measure: str) -> str:
    """The heading of the days in the list of a measure; empty where they say nothing."""
    heading = DAYS_HEADINGS.get(measure) or (note_text("Jours de retard") if measure in AGED else "")
    return gettext(heading)


def figure(indicator: Indicator, currency: str, spoken: str | None = None) -> str:
    """The value as the reader writes it; a dash where there is none."""
    return NONE if indicator.value is None else amount_of(indicator.value, indicator.unit, currency, spoken)


def amount_of(value: Fraction, unit: Unit, currency: str, spoken: str | None = None) -> str:
    """A value in its unit."""
    lang = known_language(spoken or language())
    match unit:
        case Unit.MONEY:
            return money(int(value), currency, lang)
        case Unit.PER_THOUSAND:
            return money(int(rounded(value * 100, 0)), currency, lang)
        case Unit.SHARE:
            return format_percent(
                tenths(value * 100) / 100, "#,##0.0\u00a0%" if lang == "fr" else "#,##0.0%", LOCALES[lang]
            ).replace("-", MINUS)
        case Unit.DAYS:
            written = format_decimal(tenths(value), "#,##0.0", LOCALES[lang]).replace("-", MINUS)
            return f"{written}\u00a0{'j' if lang == 'fr' else 'd'}"


def tenths(value: Fraction) -> Decimal:
    """A value rounded to one decimal."""
    return Decimal(int(rounded(value) * 10)) / 10


def short_money(minor: int, currency: str) -> str:
    """An amount for an axis: ``12 k€``."""
    whole = Money(minor, currency).decimal
    return format_compact_currency(whole, currency, locale=LOCALES[language()], fraction_digits=0).replace("-", MINUS)


def group_name(by: str, key: str | None, ages: tuple[str, ...], people: dict[str, str]) -> str:
    """What one row of a breakdown is called."""
    if by == "age":
        return gettext(ages[int(key or 0)])
    if key is None:
        return gettext("Sans litige") if by == "reason" else gettext("Personne")
    if by == "reason":
        return reason_words(key, language())
    return people.get(key, gettext("Quelqu'un qui est parti")) if by == "collector" else name_segment(key)
