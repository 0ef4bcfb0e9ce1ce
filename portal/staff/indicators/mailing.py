"""The indicators as a mail: yesterday's figures, each with what it was a week before, and where to see its lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import text

from config.clock import today
from portal.access.roles import STAFF
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage, MailTable
from portal.staff.indicators.asking import choices, query_of, read_scope
from portal.staff.indicators.words import GROUPS, NAMES, figure
from portal.words import catalogue, day, known_language, note_text
from receivables.services.measuring.indicators import indicators
from receivables.store.measuring.indicator_mailings import due_mailings, move_mailing, stop_mailing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from portal.wiring import Services
    from receivables.services.measuring.indicators import Board
    from receivables.store.measuring.indicator_mailings import Mailing
    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

COMPARED_DAYS = 7
SUBJECT = note_text("%(supplier)s : indicateurs au %(day)s")
SEE_LINES = note_text("Voir chaque ligne de chaque chiffre")
HEADS = (note_text("Indicateur"), note_text("Il y a sept jours"), note_text("Valeur"))


def send_mailings(services: Services, supplier_id: UUID) -> int:
    """Write the mails that are due; who is not on the staff any more is mailed nothing. Returns how many."""
    people = _staff(services, supplier_id)
    written = 0
    with services.works.begin(supplier_id) as work:
        name = str(work.scalar("SELECT name FROM suppliers WHERE supplier_id = :supplier"))
        for mailing in due_mailings(work, today()):
            if mailing.person_id not in people:
                stop_mailing(work, mailing.mailing_id, mailing.person_id, "house")
                continue
            keep_page(work, *_write(services, work, mailing, (name, *people[mailing.person_id])))
            move_mailing(work, mailing, today())
            written += 1
    return written


def _staff(services: Services, supplier_id: UUID) -> dict[UUID, tuple[str, str]]:
    """Address and language of everybody on the staff."""
    with services.database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT person_id, email, language FROM memberships JOIN people USING (person_id) "
                "WHERE member_of = :supplier AND ended_at IS NULL AND role = ANY(:roles)"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in STAFF]},
        ).all()
    return {row[0]: (row[1], known_language(row[2])) for row in rows}


def _write(services: Services, work: Work, mailing: Mailing, told: tuple[str, str, str]) -> tuple[MailPage, Envelope]:
    """The mail of one mailing about the day before it is due."""
    supplier, email, spoken = told
    on = today() - timedelta(days=1)
    scope = replace(read_scope(mailing.narrowed, choices(work, services.database), on), on=on)
    board, before = indicators(work, scope), indicators(work, _week_before(scope))
    url = f"{services.settings.public_url}/s/indicators?{urlencode(query_of(scope, today()))}"
    page = indicators_page({"supplier": supplier, "day": day(on, spoken)}, _tables(board, before, spoken), url, spoken)
    return page, Envelope("indicators", f"indicators/{mailing.mailing_id}/{on.isoformat()}", email)


def indicators_page(told: Mapping[str, str], tables: tuple[MailTable, ...], url: str, spoken: str) -> MailPage:
    """What the mail of the indicators says."""
    speak = catalogue(spoken).gettext
    return MailPage(
        subject=speak(SUBJECT) % told,
        preheader=speak(SEE_LINES),
        greeting=speak("Bonjour,"),
        paragraphs=(),
        tables=tables,
        button=(speak(SEE_LINES), url),
        language=spoken,
    )


def _week_before(scope: Scope) -> Scope:
    return replace(scope, on=scope.on - timedelta(days=COMPARED_DAYS))


def _tables(board: Board, before: Board, spoken: str) -> tuple[MailTable, ...]:
    """By group: name, figure of a week before, and figure."""
    speak, currency = catalogue(spoken).gettext, board.scope.currency
    return tuple(
        MailTable(
            heads=tuple(speak(each) for each in HEADS),
            rows=tuple(
                (
                    (
                        speak(NAMES[key].name),
                        figure(before[key], currency, spoken),
                        figure(board[key], currency, spoken),
                    ),
                    None,
                )
                for key in keys
                if board[key].value is not None
            ),
            title=speak(title),
        )
        for title, keys in GROUPS
    )
