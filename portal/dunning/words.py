"""What reminders say, by template and kind of customer, in French with English in the catalogue.

A private person reads other sentences: no indemnity of 40 euros (C. com. art. L441-10 is for businesses), no costs of
recovery (CPC d'exécution art. L111-8: before an enforceable title they are the creditor's), no order that is stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import catalogue, note_text
from receivables.domain.collecting.reminders import CONSUMER, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE, COURTEOUS, FIRM, WARNING, FORMAL_NOTICE = "before", "courteous", "firm", "warning", "formal_notice"


@dataclass(frozen=True, slots=True)
class Words:
    """One message: its subject, what stands before the list of invoices, and after it."""

    subject: str
    opening: tuple[str, ...]
    closing: tuple[str, ...]

    def filled(self, values: Mapping[str, str], spoken: str) -> Words:
        """The same in a language, with its values."""
        speak = catalogue(spoken)

        def say(text: str) -> str:
            return speak.gettext(text) % values

        return Words(say(self.subject), tuple(map(say, self.opening)), tuple(map(say, self.closing)))


_CROSSED = note_text("Si votre paiement est parti entre-temps, ne tenez pas compte de ce message, et merci.")
_BLOCKED = note_text(
    "Quelque chose bloque ? Répondez à ce message, ou signalez-le sur la page de la facture : la somme que vous "
    "contestez ne vous est plus réclamée pendant que nous l'examinons."
)
_RIGHTS = note_text(
    "Pour rappel, les pénalités de retard et l'indemnité forfaitaire de 40 € par facture pour frais de recouvrement "
    "sont dues de plein droit, sans autre rappel (code de commerce, art. L441-10 et D441-5)."
)
_PUBLIC_RIGHTS = note_text(
    "Pour rappel, les intérêts moratoires et l'indemnité forfaitaire de 40 € pour frais de recouvrement sont dus de "
    "plein droit (code de la commande publique, art. L2192-13 et D2192-35)."
)
_HELP = note_text(
    "Vous ne pouvez pas tout payer en une fois ? Dites-le-nous : nous pouvons convenir d'un paiement échelonné."
)

_BEFORE = Words(
    note_text("%(supplier)s : %(total)s à régler le %(due)s"),
    (note_text("Pour mémoire, votre échéance du %(due)s approche. Si votre règlement est prévu, tout est en ordre."),),
    (note_text("Un numéro de commande manquant, une question ? Mieux vaut nous le dire avant l'échéance."),),
)
_COURTEOUS = Words(
    note_text("%(supplier)s : petit rappel pour %(total)s"),
    (
        note_text(
            "Sauf erreur de notre part, nous n'avons pas encore reçu votre règlement. Sans doute un simple oubli : "
            "voici ce qui reste à payer."
        ),
    ),
    (_BLOCKED, _CROSSED),
)
_FIRM = Words(
    note_text("%(supplier)s : deuxième rappel, %(total)s restent dus"),
    (
        note_text(
            "Malgré notre rappel, nous restons sans règlement des sommes ci-dessous. Merci de les payer sous huit "
            "jours, ou de nous dire ce qui vous en empêche."
        ),
    ),
    (_RIGHTS, _BLOCKED, _CROSSED),
)
_WARNING = Words(
    note_text("%(supplier)s : dernier rappel avant mise en demeure, %(total)s"),
    (
        note_text(
            "Nos rappels sont restés sans réponse et les sommes ci-dessous sont toujours impayées. Nous vous demandons "
            "de les régler avant le %(until)s."
        ),
        note_text(
            "Passé ce jour, nous vous adresserons une mise en demeure par lettre recommandée, et nous pourrons "
            "suspendre vos commandes en cours."
        ),
    ),
    (_RIGHTS, _HELP, _CROSSED),
)
_FORMAL_NOTICE = Words(
    note_text("Mise en demeure de payer %(total)s"),
    (
        note_text("Malgré nos rappels, les factures ci-dessous, certaines, liquides et exigibles, restent impayées."),
        note_text(
            "Par la présente, nous vous mettons en demeure, au sens de l'article 1344 du code civil, de nous payer la "
            "somme de %(total)s dans un délai de %(days)s jours à compter de la réception de cette lettre."
        ),
    ),
    (
        note_text(
            "S'y ajoutent de plein droit, jusqu'au paiement, les pénalités de retard et l'indemnité forfaitaire de 40 "
            "€ par facture (code de commerce, art. L441-10 et D441-5)%(accrued)s."
        ),
        note_text(
            "À défaut de paiement dans ce délai, nous saisirons la juridiction compétente sans autre avis, pour le "
            "principal, les intérêts et les frais."
        ),
        note_text("Si vous avez réglé entre-temps, merci de nous en donner la référence."),
    ),
)
_CONSUMER_WARNING = Words(
    _WARNING.subject,
    (
        _WARNING.opening[0],
        note_text("Passé ce jour, nous vous adresserons une mise en demeure par lettre recommandée."),
    ),
    (_HELP, _BLOCKED, _CROSSED),
)
_CONSUMER_NOTICE = Words(
    _FORMAL_NOTICE.subject,
    _FORMAL_NOTICE.opening,
    (
        note_text(
            "Aucuns frais ne vous sont réclamés. À compter de la réception de cette lettre, la somme due porte intérêt "
            "au taux légal (code civil, art. 1231-6 et 1344-1)."
        ),
        _HELP,
        note_text("À défaut de paiement dans ce délai, nous pourrons saisir le tribunal compétent sans autre avis."),
        _FORMAL_NOTICE.closing[2],
    ),
)
_PUBLIC_NOTICE = Words(
    _FORMAL_NOTICE.subject,
    _FORMAL_NOTICE.opening,
    (
        note_text(
            "S'y ajoutent de plein droit, jusqu'au paiement, les intérêts moratoires et l'indemnité forfaitaire de 40 "
            "€ (code de la commande publique, art. L2192-13 et D2192-35)%(accrued)s."
        ),
        note_text(
            "À défaut, nous demanderons au préfet le mandatement d'office, ou saisirons la juridiction compétente."
        ),
        _FORMAL_NOTICE.closing[2],
    ),
)

TEXTS = {
    BEFORE: _BEFORE,
    COURTEOUS: _COURTEOUS,
    FIRM: _FIRM,
    WARNING: _WARNING,
    FORMAL_NOTICE: _FORMAL_NOTICE,
}
OTHER_TEXTS = {
    (FIRM, CONSUMER): Words(_FIRM.subject, _FIRM.opening, (_HELP, _BLOCKED, _CROSSED)),
    (WARNING, CONSUMER): _CONSUMER_WARNING,
    (FORMAL_NOTICE, CONSUMER): _CONSUMER_NOTICE,
    (FIRM, PUBLIC): Words(_FIRM.subject, _FIRM.opening, (_PUBLIC_RIGHTS, _BLOCKED, _CROSSED)),
    (WARNING, PUBLIC): Words(_WARNING.subject, _CONSUMER_WARNING.opening, (_PUBLIC_RIGHTS, _BLOCKED, _CROSSED)),
    (FORMAL_NOTICE, PUBLIC): _PUBLIC_NOTICE,
}
"""Where a kind of customer reads something else."""
ACCRUED = note_text(" ; arrêtés au %(day)s, ils s'élèvent à %(interest)s et %(indemnity)s")
LABELS = {
    "hello": note_text("Bonjour,"),
    "sir": note_text("Madame, Monsieur,"),
    "number": note_text("Facture"),
    "issued": note_text("Émise le"),
    "due": note_text("Échéance"),
    "late": note_text("Retard"),
    "amount": note_text("Reste dû"),
    "total": note_text("Total à payer"),
    "pay": note_text("Payer en ligne"),
    "transfer": note_text("Par virement"),
    "reference": note_text("Référence à rappeler"),
    "check": note_text("Ce compte est le même que d'habitude ? Vérifiez-le sur votre espace avant tout virement."),
    "regards": note_text("Cordialement,"),
    "greetings": note_text("Veuillez agréer, Madame, Monsieur, nos salutations distinguées."),
    "registered": note_text("Lettre recommandée avec avis de réception"),
    "subject": note_text("Objet"),
    "page": note_text("page"),
    "holder": note_text("Titulaire"),
    "ways": note_text("Comment payer"),
    "attached": note_text("Les factures sont jointes."),
}


def words_for(template: str, kind: str) -> Words:
    """What a template says to a kind of customer, with places for its values."""
    return OTHER_TEXTS.get((template, kind), TEXTS[template])


def label(name: str, spoken: str) -> str:
    """A word of every message."""
    return catalogue(spoken).gettext(LABELS[name])


def late_words(days: int, spoken: str) -> str:
    """How late something is."""
    return catalogue(spoken).ngettext("%(num)s jour", "%(num)s jours", days) % {"num": days} if days > 0 else ""
