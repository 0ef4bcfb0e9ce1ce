"""The digest written once a week to everybody who has something in it and wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now, today
from portal.digests.gathering import SHOWN, gather, readers_of
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage, MailTable
from portal.mail.settings import mail_settings_of
from portal.mail.unsubscribing import unsubscribe_url
from portal.telling.dispute_words import reason_words
from portal.words import catalogue, day, known_language, money, note_text
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.mail.wishes import unwanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from portal.digests.gathering import Digest, Reader
    from portal.wiring import Services
    from receivables.store.mail.digests import Cashed
    from receivables.store.work import Work

KIND = "digest"
WATERMARK = "digest"
_SUBJECT = note_text("%(supplier)s : votre semaine du %(since)s")
_OPENING = {
    True: note_text("Voici la semaine de vos clients, et ce qui attend quelqu'un."),
    False: note_text("Voici la semaine, et ce qui attend quelqu'un."),
}
_CASHED = note_text("encaissés, contre %(before)s la semaine d'avant")
_LATE = note_text("En retard")
_CONTESTED = note_text("Litiges ouverts")
_MORE = note_text("et %(count)s autres")
_STOP = note_text("Ne plus recevoir ce résumé")


def send_digests(services: Services, supplier_id: UUID) -> int:
    """Write the digests of the last whole week, once; returns how many."""
    readers = readers_of(services.database, supplier_id)
    with services.works.begin(supplier_id) as work:
        _note_sent(work)
        if not mail_settings_of(work).digest:
            return 0
        silent = unwanted(work, [each.email for each in readers], KIND)
        return sum(_write(services, work, each) for each in readers if each.email not in silent)


def _write(services: Services, work: Work, reader: Reader) -> bool:
    digest = gather(work, reader, today())
    if digest.is_empty:
        return False
    stop = unsubscribe_url(services, work.supplier_id, reader.email, KIND)
    page = digest_page(digest, supplier_name(work), services.settings.public_url, known_language(reader.language), stop)
    key = f"digest/{digest.monday.isoformat()}/{reader.person_id}"
    return keep_page(work, page, Envelope(KIND, key, reader.email, unsubscribe_url=stop)) is not None


def digest_page(digest: Digest, supplier: str, portal: str, spoken: str, stop: str) -> MailPage:
    """What the digest says."""
    speak = catalogue(spoken).gettext
    told = {"supplier": supplier, "since": day(digest.monday, spoken)}
    opening = speak(_OPENING[digest.is_own])
    first, *others = digest.cashed or (None,)
    return MailPage(
        subject=speak(_SUBJECT) % told,
        preheader=opening,
        greeting=speak("Bonjour,"),
        paragraphs=(opening,),
        figure=_figure(first, spoken) if first else None,
        facts=tuple(_figure(each, spoken) for each in others if each),
        tables=tuple(table for table in (_late(digest, portal, spoken), _disputes(digest, portal, spoken)) if table),
        button=_way_on(digest, portal, speak),
        language=spoken,
        unsubscribe=(speak(_STOP), stop),
    )


def _way_on(digest: Digest, portal: str, speak: Callable[[str], str]) -> tuple[str, str]:
    """Where the reader goes on: a page that their role opens."""
    if digest.reads_worklist:
        return speak(note_text("Ouvrir ma liste de travail")), f"{portal}/s/work"
    return speak(note_text("Voir mes clients")), f"{portal}/s/clients"


def _figure(cashed: Cashed, spoken: str) -> tuple[str, str]:
    before = money(cashed.before_minor, cashed.currency, spoken)
    return money(cashed.minor, cashed.currency, spoken), catalogue(spoken).gettext(_CASHED) % {"before": before}


def _late(digest: Digest, portal: str, spoken: str) -> MailTable | None:
    speak = catalogue(spoken).gettext
    if not digest.late:
        return None
    rows = [
        ((each.name, money(each.late_minor, each.currency, spoken)), f"{portal}/s/customers/{each.customer_id}")
        for each in digest.late[:SHOWN]
    ]
    sums: dict[str, int] = {}
    for each in digest.late:
        sums[each.currency] = sums.get(each.currency, 0) + each.late_minor
    total = " + ".join(money(minor, currency, spoken) for currency, minor in sorted(sums.items()))
    return MailTable(
        heads=(speak(note_text("Client")), speak(_LATE)),
        rows=(*rows, *_rest(len(digest.late), spoken)),
        total=(speak(note_text("Total en retard")), total),
        title=speak(_LATE),
    )


def _disputes(digest: Digest, portal: str, spoken: str) -> MailTable | None:
    speak = catalogue(spoken).gettext
    if not digest.contested:
        return None
    rows = [
        (
            (
                f"{each.number}\n{each.customer_name}\n{reason_words(each.reason, spoken)}",
                day(each.due_on, spoken),
            ),
            f"{portal}/s/disputes/{each.dispute_id}",
        )
        for each in digest.contested[:SHOWN]
    ]
    return MailTable(
        heads=(speak(note_text("Facture")), speak(note_text("Réponse promise"))),
        rows=(*rows, *_rest(len(digest.contested), spoken)),
        title=speak(_CONTESTED),
    )


def _rest(count: int, spoken: str) -> list[tuple[tuple[str, str], None]]:
    if count <= SHOWN:
        return []
    return [((catalogue(spoken).gettext(_MORE) % {"count": count - SHOWN}, ""), None)]


def _note_sent(work: Work) -> None:
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=now(),
    )
