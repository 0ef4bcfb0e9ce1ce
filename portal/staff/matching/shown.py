"""Proposals as the pages show them: reasons in words, and what each choice would book before it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.matching.asking import asked_about
from payments.matching.points import DOUBT, EVIDENCE
from payments.matching.proposals import proposals_of
from portal.words import fitted, gettext, language, money, note_text
from receivables.services.settlement.waiving import Waiver

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.proposals import Proposal
    from receivables.store.work import Work

KINDS = {
    "waiver": (note_text("Abandonner le reste"), "658"),
    "discount": (note_text("L'accorder en escompte"), "665"),
    "charge": (note_text("Le prendre comme frais de banque"), "627"),
}
"""What may become of a missing rest, and the account that takes it."""
SURE, LIKELY = 700, 450


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One reason: its words, its points, whether it speaks against."""

    words: str
    points: int
    is_doubt: bool


@dataclass(frozen=True, slots=True)
class RestChoice:
    """One way to deal with a missing rest; ``books`` says which amounts go to which accounts."""

    kind: str
    label: str
    books: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownProposal:
    """A proposal with its words."""

    proposal: Proposal
    reasons: tuple[ShownReason, ...]
    sureness: str
    rests: tuple[RestChoice, ...]
    credits_minor: int


def show_proposals(work: Work, lines: Sequence[BankLine]) -> dict[UUID, list[ShownProposal]]:
    """The proposals of lines, best first, as shown."""
    found = proposals_of(work, [line.line_id for line in lines])
    by_id = {line.line_id: line for line in lines}
    return {line_id: [_shown(each, by_id[line_id]) for each in told] for line_id, told in found.items()}


def sureness_of(score: int) -> str:
    """A score in one word."""
    if score >= SURE:
        return gettext("Presque sûr")
    return gettext("Probable") if score >= LIKELY else gettext("Possible")


def chosen_waiver(kind: str, rest_minor: int, invoice_id: UUID | None) -> Waiver | None:
    """What a person gives up of a missing rest with a form's choice; nothing where it stays open."""
    if kind not in KINDS or rest_minor <= 0 or invoice_id is None:
        return None
    return Waiver(kind, rest_minor, invoice_id)


def rest_choices(line: BankLine, rest_minor: int) -> tuple[RestChoice, ...]:
    """What may become of ``rest_minor`` that is missing, with what would be booked each time."""
    came = gettext("%(amount)s du %(source)s au compte client 411") % {
        "amount": money(line.amount_minor, line.currency),
        "source": "471" if line.counter == "suspense" else "512",
    }
    rest = money(rest_minor, line.currency)
    stays = gettext("%(amount)s restent à payer") % {"amount": rest}
    choices = [RestChoice("open", gettext("Laisser le reste ouvert"), (came, stays))]
    for kind, (label, account) in KINDS.items():
        given = gettext("%(amount)s du 411 au %(account)s : rien ne reste à payer") % {
            "amount": rest,
            "account": account,
        }
        choices.append(RestChoice(kind, gettext(label), (came, given)))
    return tuple(choices)


def asked_words(work: Work, line_id: UUID) -> list[tuple[str, str, str]]:
    """Who was asked about a line: name, answer in words, what they wrote."""
    words = {
        "asked": gettext("pas encore de réponse"),
        "ours": gettext("dit que c'est son paiement"),
        "not_ours": gettext("dit que ce n'est pas le sien"),
        "closed": gettext("question close"),
    }
    return [(each.customer_name, words[each.state], each.said or "") for each in asked_about(work, line_id)]


def _shown(proposal: Proposal, line: BankLine) -> ShownProposal:
    reasons = tuple(
        ShownReason(fitted(each.words(language())), each.points, EVIDENCE[each.code].family == DOUBT or each.points < 0)
        for each in proposal.reasons
    )
    missing = -proposal.rest_minor if proposal.rest_minor < 0 and proposal.aims else 0
    return ShownProposal(
        proposal,
        reasons,
        sureness_of(proposal.score),
        rest_choices(line, missing) if missing else (),
        sum(each.amount_minor for each in proposal.credits),
    )
