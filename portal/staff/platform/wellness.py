"""Is a platform well: one word from what is known of its last calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.staff.platform.steps import may_be_saved
from portal.words import gettext, moment, note_text

if TYPE_CHECKING:
    from einvoice.flow_log import AccountLine
    from portal.staff.platform.trying import Trial


@dataclass(frozen=True, slots=True)
class Wellness:
    """How a platform fares: ``tone`` and ``icon`` as for badges."""

    label: str
    detail: str
    tone: str
    icon: str


_DOWN = note_text("Ne répond pas depuis le %(moment)s : nous n'insistons pas et réessayons régulièrement.")
_FAILING = note_text("Derniers appels sans réponse ; rien n'est perdu, tout est réessayé.")
_NEVER = note_text("Aucun appel réussi jusqu'ici : testez la connexion.")
_FAILED_TEST = note_text("Le dernier test a échoué : lisez ses étapes ci-dessous.")


def wellness_of(line: AccountLine, trial: Trial | None) -> Wellness:
    """The state of an account in one badge and one sentence."""
    if line.opened_at is not None:
        return Wellness(gettext("En panne"), gettext(_DOWN) % {"moment": moment(line.opened_at)}, "late", "alert")
    if line.failures:
        return Wellness(gettext("Répond mal"), gettext(_FAILING), "part", "alert")
    if trial is not None and not may_be_saved(trial.steps) and not _answered_since(line, trial):
        return Wellness(gettext("À vérifier"), gettext(_FAILED_TEST), "late", "alert")
    if line.answered_at is None:
        return Wellness(gettext("Pas encore essayée"), gettext(_NEVER), "part", "clock")
    detail = gettext("Dernier appel réussi le %(moment)s.") % {"moment": moment(line.answered_at)}
    return Wellness(gettext("En forme"), detail, "paid", "check")


def _answered_since(line: AccountLine, trial: Trial) -> bool:
    return line.answered_at is not None and line.answered_at > trial.tried_at
