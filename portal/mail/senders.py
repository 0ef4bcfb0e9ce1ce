"""A supplier writes from its own address: a key of ours at its domain, proven by the DNS, looked at every day.

Only what is signed for the very domain of the From is believed under DMARC (RFC 7489, 3.1.1), so the address serves
from the first look that finds our public key there until a look finds that it is gone. A DNS that does not answer
changes nothing. Publishing our key proves that the domain is theirs: selector and key are made for one supplier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from config.clock import new_id, now
from portal.access.roles import OWNERS
from portal.mail.dkim_signing import Signer, dns_record, make_key
from portal.mail.staff_mails import staff_of, tell_staff
from portal.own_hosts.looking import NameServers, SilentDnsError
from receivables.errors import ReceivablesError
from receivables.store.mail.senders import ASKED, LOST, PROVEN, Sender, end_sender, keep_sender, note_sender, sender_of

if TYPE_CHECKING:
    from uuid import UUID

    from config.settings import Settings
    from portal.wiring import Services
    from receivables.store.work import Work

SEAL = "mail-sender"
PAGE = "/s/mails/sender"
NO_RECORD, OTHER_KEY, SILENT = "no_record", "other_key", "silent"
"""What can be wrong: no entry at the name, an entry with another key, a DNS that does not answer."""
SOON, DAILY = timedelta(hours=1), timedelta(days=1)
"""How often to look: while somebody waits for their entry to be seen, and afterwards."""
IMPATIENT = timedelta(days=7)
ANSWERED_FOR = timedelta(days=30)
"""How long answers still go to an address whose record is gone: a domain that was given up is soon somebody else's."""
MOST_HINT = 500
_ADDRESS = re.compile(
    r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the DNS says: what is wrong, ``None`` where our key is there; and the domain's own SPF and DMARC."""

    fault: str | None
    spf: str | None = None
    dmarc: str | None = None


def ask_sender(services: Services, work: Work, address: str, actor: str) -> Sender:
    """Take an address of the supplier's own and make its key; it counts once the DNS shows the public half.

    Raises:
        ReceivablesError: ``sender.address_invalid``, ``sender.of_house``.
    """
    clean = address.strip().lower()
    if not _ADDRESS.fullmatch(clean):
        raise ReceivablesError(
            "sender.address_invalid",
            "Give one plain address at your own domain, for example invoices@company.com.",
            "Donnez une adresse simple à votre propre domaine, par exemple factures@entreprise.fr.",
        )
    domain, sender_id, at = clean.rpartition("@")[2], new_id(), now()
    house = parseaddr(services.settings.mail_from)[1].rpartition("@")[2].lower()
    if domain == house or domain.endswith(f".{house}"):
        raise ReceivablesError(
            "sender.of_house",
            f"{domain} is the domain of the house itself: give an address at your own.",
            f"{domain} est le domaine de la maison elle-même : donnez une adresse au vôtre.",
        )
    selector = f"q{sender_id.hex[-12:]}"
    key = make_key()
    _, record = dns_record(Signer(domain, selector, key))
    sender = Sender(
        sender_id, clean, selector, services.keyring.seal(key.decode("ascii"), SEAL), record.rpartition("p=")[2],
        ASKED, None, None, None, at, None, at + SOON, None, None,
    )  # fmt: skip
    keep_sender(work, sender, actor)
    work.audit(actor, "mail_sender.asked", str(sender_id), address=clean)
    return sender


def give_up_sender(work: Work, actor: str) -> None:
    """Write from the house's address again; nothing happens where that is so."""
    known = sender_of(work, lock=True)
    if known is not None and end_sender(work):
        work.audit(actor, "mail_sender.given_up", str(known.sender_id), address=known.address)


def record_of(sender: Sender) -> tuple[str, str]:
    """Name and value of the TXT entry to publish."""
    return f"{sender.selector}._domainkey.{sender.domain}", f"v=DKIM1; k=rsa; p={sender.public_key}"


def signer_for(services: Services, sender: Sender) -> Signer:
    """Who signs for the supplier's domain."""
    return Signer(sender.domain, sender.selector, services.keyring.unseal(sender.sealed_key, SEAL).encode("ascii"))


def answers_to(sender: Sender | None) -> str | None:
    """Where answers go while the house writes in the place of an address that was proven: there, for thirty days."""
    if sender is None or sender.state != LOST or sender.lost_at is None or now() - sender.lost_at > ANSWERED_FOR:
        return None
    return sender.address


def check_sender(services: Services, supplier_id: UUID) -> Sender | None:
    """Look at the DNS and act on what it says; whoever runs the house's mails is told of a change, once."""
    with services.works.begin(supplier_id) as work:
        known = sender_of(work)
    if known is None:
        return None
    found = look_at(known, name_servers(services.settings))
    with services.works.begin(supplier_id) as work:
        known = sender_of(work, lock=True) if known else None
        if known is None:
            return None
        judged = judge(known, found)
        note_sender(work, judged)
        if judged.state != known.state:
            _tell(services, work, judged)
    return judged


def name_servers(settings: Settings) -> NameServers:
    """Whom this house asks."""
    return NameServers(settings.dns_server, settings.dns_port)


def look_at(sender: Sender, servers: NameServers) -> Look:
    """What the DNS says now of an address's key, and of its domain."""
    try:
        keys = [_tags(each) for each in servers.texts(record_of(sender)[0])]
        spf = next((each for each in servers.texts(sender.domain) if each.lower().startswith("v=spf1")), None)
        dmarc = _dmarc_of(sender.domain, servers)
    except SilentDnsError:
        return Look(SILENT)
    fault = None if any(each.get("p") == sender.public_key for each in keys) else OTHER_KEY if keys else NO_RECORD
    return Look(fault, *(each[:MOST_HINT] if each else None for each in (spf, dmarc)))


def judge(sender: Sender, found: Look) -> Sender:
    """The sender after a look: proven where our key was seen, lost where it was and is not, as before in silence."""
    at = now()
    young = sender.state == ASKED and at - sender.asked_at < IMPATIENT
    looked = replace(sender, fault=found.fault, checked_at=at, next_check_at=at + (SOON if young else DAILY))
    if found.fault == SILENT:
        return replace(looked, next_check_at=at + SOON)
    looked = replace(looked, spf=found.spf, dmarc=found.dmarc)
    if found.fault is None:
        return replace(looked, state=PROVEN, proven_at=sender.proven_at or at, lost_at=None, next_check_at=at + DAILY)
    if sender.state == PROVEN:
        return replace(looked, state=LOST, lost_at=at)
    return looked


def _tell(services: Services, work: Work, sender: Sender) -> None:
    kind, act = ("sender_lost", "lost") if sender.state == LOST else ("sender_proven", "proven")
    work.audit("worker", f"mail_sender.{act}", str(sender.sender_id), address=sender.address)
    people = staff_of(services.database, work.supplier_id, OWNERS)
    key = f"sender/{sender.sender_id}/{act}/{sender.checked_at:%Y%m%d%H%M%S}"
    tell_staff(services, work, kind, people, key=key, path=PAGE, told=lambda _: {"address": sender.address})


def _dmarc_of(domain: str, servers: NameServers) -> str | None:
    """The policy of a domain, else that of the domains above it (RFC 7489, 6.6.3)."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        found = [
            each for each in servers.texts(f"_dmarc.{'.'.join(labels[start:])}") if each.lower().startswith("v=dmarc1")
        ]
        if found:
            return found[0]
    return None


def _tags(record: str) -> dict[str, str]:
    """A record of keys taken apart; white space inside a value is the zone's (RFC 6376, 3.6.1)."""
    pairs = (each.partition("=") for each in record.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
