"""Which electronic address (BT-49) an invoice should bear: the finest open line that fits, and why that one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from einvoice.platform.directory import Mesh

if TYPE_CHECKING:
    from einvoice.directory.reach import CompanyAnswer
    from einvoice.platform.directory import DirectoryLine

MOST_NAMED = 5
"""Addresses listed in one sentence."""
_ADDRESS = re.compile(r"[A-Za-z0-9\-_.]{1,125}")
"""BR-FR-23, BR-FR-25."""


class Why(StrEnum):
    """Why this address, or why none."""

    STATED = "stated"
    ROUTING_CODE = "routing_code"
    ESTABLISHMENT = "establishment"
    COMPANY = "company"
    ONLY_LINE = "only_line"
    STATED_NOT_OPEN = "stated_not_open"
    STATED_UNSEEN = "stated_unseen"
    SEVERAL = "several"
    NONE_OPEN = "none_open"


WHY_WORDS: dict[Why, tuple[str, str]] = {
    Why.STATED: ("L'adresse indiquée est active dans l'annuaire.", "The address stated is active in the directory."),
    Why.ROUTING_CODE: (
        "C'est l'adresse du code routage demandé.",
        "It is the address of the routing code asked for.",
    ),
    Why.ESTABLISHMENT: ("C'est l'adresse de l'établissement demandé.", "It is the establishment's own address."),
    Why.COMPANY: (
        "C'est l'adresse générale de l'entreprise ; aucune plus précise ne correspond.",
        "It is the company's general address; none more precise fits.",
    ),
    Why.ONLY_LINE: (
        "C'est la seule adresse active de l'entreprise pour des factures.",
        "It is the company's only active address for invoices.",
    ),
    Why.STATED_NOT_OPEN: (
        "L'adresse indiquée, {stated}, n'est pas active dans l'annuaire. Adresses actives : {right}.",
        "The address stated, {stated}, is not active in the directory. Active addresses: {right}.",
    ),
    Why.STATED_UNSEEN: (
        "L'annuaire a plus d'adresses que nous n'en lisons : celle indiquée n'a pas pu être vérifiée.",
        "The directory has more addresses than we read: the one stated could not be checked.",
    ),
    Why.SEVERAL: (
        "L'entreprise a plusieurs adresses et aucune générale : indiquez-en une ({right}).",
        "The company has several addresses and no general one: state one of them ({right}).",
    ),
    Why.NONE_OPEN: ("L'entreprise n'a aucune adresse active.", "The company has no active address."),
}
_NONE = ("aucune", "none")
_AND_MORE = (" et {more} de plus", " and {more} more")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the receiver beside the SIREN; ``stated`` is an address that the invoice names itself."""

    siret: str | None = None
    routing_code: str | None = None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The address chosen, or ``None``; ``right`` are the active ones that fit the establishment best."""

    address: str | None
    why: Why
    right: tuple[str, ...] = ()
    stated: str | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether somebody should look at it."""
        return self.why in {Why.STATED_NOT_OPEN, Why.SEVERAL, Why.NONE_OPEN}

    def to_json(self) -> dict[str, Any]:
        """For programs: the address, and why this one."""
        return {
            "address": self.address,
            "address_reason": {"code": self.why, "sentence": self.sentence("en"), "sentence_fr": self.sentence("fr")},
            "right_addresses": list(self.right),
        }

    def sentence(self, language: str) -> str:
        """Why, in French (``fr``) or English."""
        spoken = language != "fr"
        named = ", ".join(self.right[:MOST_NAMED]) or _NONE[spoken]
        if len(self.right) > MOST_NAMED:
            named += _AND_MORE[spoken].format(more=len(self.right) - MOST_NAMED)
        return WHY_WORDS[self.why][spoken].format(stated=self.stated, right=named)


def choose_address(answer: CompanyAnswer, wanted: Wanted) -> Choice:
    """The address of an invoice for this company (DG 3.5.3): stated, then routing code, establishment, company.

    An address is never invented: where no open line fits there is none.
    """
    usable = [line for line in answer.open_lines if _is_usable(line, answer.siren)]
    if wanted.stated is not None:
        return _judge_stated(answer, usable, wanted)
    fitting = _by_mesh(usable, wanted)
    if fitting is not None:
        return fitting
    for_invoices = [line for line in usable if not _is_for_statuses(line)]
    if len(for_invoices) == 1 and answer.complete:
        return Choice(for_invoices[0].address, Why.ONLY_LINE)
    right = tuple(line.address for line in for_invoices)
    return Choice(None, Why.SEVERAL if right else Why.NONE_OPEN, right)


def _judge_stated(answer: CompanyAnswer, usable: list[DirectoryLine], wanted: Wanted) -> Choice:
    stated = wanted.stated
    if any(line.address == stated for line in usable):
        return Choice(stated, Why.STATED, stated=stated)
    if not answer.complete and all(line.address != stated for line in answer.lines):
        return Choice(stated, Why.STATED_UNSEEN, stated=stated)
    best = _by_mesh(usable, wanted)
    fitting = [line.address for line in usable if not _is_for_statuses(line)]
    others = [address for address in fitting if best is None or address != best.address]
    right = (*([best.address] if best and best.address else []), *others)
    return Choice(stated, Why.STATED_NOT_OPEN, right, stated)


def _by_mesh(usable: list[DirectoryLine], wanted: Wanted) -> Choice | None:
    """The finest mesh first; a code that two establishments share needs the establishment."""
    here = [line for line in usable if wanted.siret is None or line.siret == wanted.siret]
    with_code = [line for line in here if wanted.routing_code and line.routing_code == wanted.routing_code]
    if len(with_code) == 1:
        return Choice(with_code[0].address, Why.ROUTING_CODE)
    own = [line for line in here if wanted.siret and line.mesh is Mesh.SIRET]
    if own:
        return Choice(own[0].address, Why.ESTABLISHMENT)
    general = [line for line in usable if line.mesh is Mesh.SIREN]
    return Choice(general[0].address, Why.COMPANY) if general else None


def _is_usable(line: DirectoryLine, siren: str) -> bool:
    """Whether the address may stand in BT-49: it begins with the SIREN (BR-FR-21) and has no other signs."""
    return line.address.startswith(siren) and _ADDRESS.fullmatch(line.address) is not None


def _is_for_statuses(line: DirectoryLine) -> bool:
    """Whether a company named the address for statuses, as many do beside one for invoices (``<SIREN>_STATUTS``)."""
    return (line.suffix or "").casefold().startswith("statu")
