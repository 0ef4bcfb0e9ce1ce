"""How the directory's verdicts look: words, tone and icon, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.directory.words import ReachState
from einvoice.platform.directory import LineStatus, Mesh
from einvoice.routing import Road, routing_of
from portal.telling.states import Badge
from portal.words import fitted, gettext, language, note_text

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

STATES: dict[str, Badge] = {
    ReachState.REACHABLE: Badge(note_text("Joignable"), "paid", "check"),
    ReachState.NOT_YET: Badge(note_text("Pas encore joignable"), "part", "clock"),
    ReachState.CLOSED: Badge(note_text("Fermée"), "late", "alert"),
    ReachState.UNKNOWN: Badge(note_text("Inconnue ou à vérifier"), "late", "unknown"),
    ReachState.NO_DIRECTORY: Badge(note_text("Pas d'annuaire"), "plain", "lock"),
    ReachState.NOT_FRENCH: Badge(note_text("À l'étranger"), "plain", "forward"),
    ReachState.UNAVAILABLE: Badge(note_text("Sans réponse"), "flight", "clock"),
}
MESHES: dict[str, str] = {
    Mesh.SIREN: note_text("Toute l'entreprise"),
    Mesh.SIRET: note_text("Un établissement"),
    Mesh.ROUTING_CODE: note_text("Un service (code routage)"),
    Mesh.SUFFIX: note_text("Une adresse propre"),
}
LINE_STATES: dict[str, Badge] = {
    LineStatus.ENABLED: Badge(note_text("Active"), "paid", "check"),
    LineStatus.DISABLED: Badge(note_text("Sans plateforme"), "part", "clock"),
    LineStatus.UPCOMING: Badge(note_text("Annoncée"), "flight", "clock"),
    LineStatus.UNKNOWN: Badge(note_text("État non précisé"), "plain", "unknown"),
}
ROADS: dict[str, str] = {
    Road.PLATFORM: note_text("Par la plateforme agréée"),
    Road.PUBLIC: note_text("Par Chorus Pro"),
    Road.REPORT: note_text("Déclarée par e-reporting"),
    Road.NONE: note_text("Ni transmise ni déclarée"),
}


@dataclass(frozen=True, slots=True)
class ShownRouting:
    """The road of an invoice, why, and the buyer's SIREN where the directory may be asked about it."""

    road: str
    sentence: str
    siren: str | None


def show_routing(work: Work, invoice_id: UUID) -> ShownRouting | None:
    """The routing decision in the reader's language; ``None`` for an invoice of before decisions were kept."""
    decision = routing_of(work, invoice_id)
    if decision is None:
        return None
    return ShownRouting(
        gettext(ROADS[decision.road]), fitted(decision.sentence(language())), decision.facts.buyer_siren
    )
