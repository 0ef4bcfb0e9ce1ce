"""The indicators as a mail: yesterday's figures, each with what it was a week before, and where to see its lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy import text

from config.clock import today
from portal.access.roles import STAFF
from portal.access.sign_in_mail import Mail
from portal.mails import keep_mail
from portal.staff.indicators.asking import choices, query_of, read_scope
from portal.staff.indicators.words import GROUPS, NAMES, figure
from portal.words import catalogue, day, known_language, note_text
from receivables.services.indicators import indicators
from receivables.store.indicator_mailings import due_mailings, move_mailing, stop_mailing

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.services.indicators import Board
    from receivables.store.indicator_mailings import Mailing
    from receivables.store.scopes import Scope
    from receivables.store.work import Work

COMPARED_DAYS = 7
SUBJECT = note_text("%(supplier)s : indicateurs au %(day)s")
SEE_LINES = note_text("Voir chaque ligne de chaque chiffre")
WEEK_AGO = note_text("Il y a sept jours")
HEADS = (note_text("Indicateur"), note_text("Valeur"), WEEK_AGO)


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
            keep_mail(work, _write(services, work, mailing, (name, *people[mailing.person_id])))
            move_mailing(work, mailing, today())
            written += 1
    return written


def _staff(services: Services, supplier_id: UUID) -> dict[UUID, tuple[str, str]]:
    """Address and language of everybody on the staff."""
    with services.database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT person_id, email, language FROM memberships JOIN people USING (person_id) "
                "WHERE member_of = :supplier AND role = ANY(:roles)"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in STAFF]},
        ).all()
    return {row[0]: (row[1], known_language(row[2])) for row in rows}


def _write(services: Services, work: Work, mailing: Mailing, told: tuple[str, str, str]) -> Mail:
    """The mail of one mailing about the day before it is due."""
    supplier, email, spoken = told
    speak = catalogue(spoken).gettext
    on = today() - timedelta(days=1)
    scope = replace(read_scope(mailing.narrowed, choices(work, services.database), on), on=on)
    board, before = indicators(work, scope), indicators(work, _week_before(scope))
    url = f"{services.settings.public_url}/s/indicators?{urlencode(query_of(scope, today()))}"
    subject = speak(SUBJECT) % {"supplier": supplier, "day": day(on, spoken)}
    return Mail(
        mail_key=f"indicators/{mailing.mailing_id}/{on.isoformat()}",
        recipient=email,
        subject=subject,
        text_body=_plain(board, before, url, spoken),
        html_body=_rich(board, before, url, spoken),
    )


def _week_before(scope: Scope) -> Scope:
    return replace(scope, on=scope.on - timedelta(days=COMPARED_DAYS))


def _rows(board: Board, before: Board, spoken: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """By group: name, figure, and figure of a week before."""
    speak, currency = catalogue(spoken).gettext, board.scope.currency
    return [
        (
            speak(title),
            [
                (
                    speak(NAMES[key].name),
                    figure(board[key], currency, spoken),
                    figure(before[key], currency, spoken),
                )
                for key in keys
                if board[key].value is not None
            ],
        )
        for title, keys in GROUPS
    ]


def _plain(board: Board, before: Board, url: str, spoken: str) -> str:
    speak = catalogue(spoken).gettext
    lines = [
        "\n".join([title, *(f"  {name} : {now} ({speak(WEEK_AGO).lower()} : {then})" for name, now, then in rows)])
        for title, rows in _rows(board, before, spoken)
    ]
    return "\n\n".join([*lines, f"{speak(SEE_LINES)} :\n{url}\n"])


def _rich(board: Board, before: Board, url: str, spoken: str) -> str:
    speak = catalogue(spoken).gettext
    parts = [
        Markup(
            '<h2>{}</h2><table cellpadding="6"><thead><tr><th align="left">{}</th><th align="right">{}</th>'
            '<th align="right">{}</th></tr></thead><tbody>{}</tbody></table>'
        ).format(
            title,
            *(speak(each) for each in HEADS),
            Markup().join(
                Markup('<tr><td>{}</td><td align="right"><b>{}</b></td><td align="right">{}</td></tr>').format(*row)
                for row in rows
            ),
        )
        for title, rows in _rows(board, before, spoken)
    ]
    link = Markup('<p><a href="{}">{}</a></p>').format(url, speak(SEE_LINES))
    return str(Markup().join([*parts, link]))
