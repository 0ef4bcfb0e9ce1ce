"""The worker's duties: who receives what comes in, who acts on which fact, which chores run when."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from einvoice.platform.port import PlatformBusyError, PlatformError
from einvoice.reception import SOURCE as PLATFORM_SOURCE
from einvoice.reception import receive_statuses
from einvoice.submission import NotAcceptedYetError
from payments.reactions import receive_events
from payments.reconcile import recover_missed_facts
from portal.access.sign_in_mail import sign_in_mail
from portal.hooks.intake import SOURCE as STRIPE_SOURCE
from portal.issuing import DOCUMENTS
from portal.keeping import read_archive_again
from portal.mails import keep_mail, send_due_mails, write_invoice_mail
from portal.worker import NotYetError, Worker
from receivables.domain.events import CASH_COLLECTED, INVOICE_ISSUED, SIGN_IN_ASKED
from receivables.services.sealing import seal_audit
from receivables.store.register import list_suppliers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from portal.wiring import Services
    from receivables.store.outbox import Announcement

log = logging.getLogger("quittance.duties")

PENDING_WAIT_S = 1.0
MOST_PENDING_WAIT_S = 60.0
"""How soon to look again whether the platform has accepted an invoice: after a quarter of the time waited so far, so
that ten thousand facts that wait for a platform that is down do not keep the worker busy."""
MAIL_EVERY_S = 1.0
"""Somebody waits for their sign-in mail."""
SEAL_EVERY_S = 10.0
"""Nothing in the audit trail stays unsealed for longer than a minute."""
ARCHIVE_LOOK_EVERY_S = 3600.0
"""How often to see whether a supplier's week is over."""


def build_worker(services: Services) -> Worker:
    """The worker of a house."""
    settings = services.settings
    return Worker(
        works=services.works,
        receivers={
            STRIPE_SOURCE: lambda work, messages: receive_events(work, messages, services.gateway_for),
            PLATFORM_SOURCE: receive_statuses,
        },
        subscribers={
            INVOICE_ISSUED: {
                DOCUMENTS: _produce(services),
                "platform": _submit(services),
                "mail": lambda supplier_id, fact: write_invoice_mail(
                    services, supplier_id, UUID(fact.payload["invoice_id"])
                ),
            },
            CASH_COLLECTED: {"status_212": _tell(services)},
            SIGN_IN_ASKED: {"mail": _write_sign_in_mail(services)},
        },
        unheard={CASH_COLLECTED: lambda work: services.platform_for(work) is None},
        chores=(
            (settings.platform_poll_s, _for_each(services, services.submitter.follow)),
            (settings.platform_poll_s, _for_each(services, services.poller.poll)),
            (
                settings.provider_poll_s,
                _for_each(services, lambda s: recover_missed_facts(services.works, s, services.gateway_for)),
            ),
            (MAIL_EVERY_S, _for_each(services, lambda s: send_due_mails(services, s))),
            (SEAL_EVERY_S, _for_each(services, lambda s: _seal_all(services, s))),
            (ARCHIVE_LOOK_EVERY_S, _for_each(services, lambda s: read_archive_again(services, s))),
        ),
        inbox_batch=settings.inbox_batch,
        pause_s=settings.worker_pause_s,
    )


def _produce(services: Services) -> Callable[[UUID, Announcement], None]:
    def produce(supplier_id: UUID, fact: Announcement) -> None:
        services.producer.produce(supplier_id, UUID(fact.payload["invoice_id"]))

    return produce


def _submit(services: Services) -> Callable[[UUID, Announcement], None]:
    def submit(supplier_id: UUID, fact: Announcement) -> None:
        with _patience(fact):
            services.submitter.submit_invoice(supplier_id, UUID(fact.payload["invoice_id"]))

    return submit


def _write_sign_in_mail(services: Services) -> Callable[[UUID, Announcement], None]:
    def write(supplier_id: UUID, fact: Announcement) -> None:
        mail = sign_in_mail(services, UUID(fact.payload["link_id"]), fact.payload.get("language"))
        if mail is not None:
            with services.works.begin(supplier_id) as work:
                keep_mail(work, mail)

    return write


def _tell(services: Services) -> Callable[[UUID, Announcement], None]:
    def tell(supplier_id: UUID, fact: Announcement) -> None:
        with _patience(fact):
            services.submitter.tell_collected(supplier_id, UUID(fact.payload["invoice_id"]), fact.payload["sequence"])

    return tell


def _seal_all(services: Services, supplier_id: UUID) -> None:
    """Seal block after block until nothing is left that may be sealed."""
    while services.works.run(supplier_id, seal_audit):
        continue


@contextmanager
def _patience(fact: Announcement) -> Iterator[None]:
    """Turn what only needs time into a wait, so that the log keeps its alarms for defects."""
    try:
        yield
    except NotAcceptedYetError as error:
        waited_s = (now() - fact.created_at).total_seconds()
        raise NotYetError(str(error), min(max(waited_s / 4, PENDING_WAIT_S), MOST_PENDING_WAIT_S)) from error
    except PlatformBusyError as error:
        raise NotYetError(str(error), error.retry_after_s) from error
    except PlatformError as error:
        raise NotYetError(f"{error.code}: {error}") from error


def _for_each(services: Services, chore: Callable[[UUID], object]) -> Callable[[], None]:
    """Run ``chore`` for every supplier; one supplier's trouble is logged and does not stop the others."""

    def run() -> None:
        for supplier in list_suppliers(services.database):
            try:
                chore(supplier.supplier_id)
            except PlatformError as error:
                log.warning("A platform did not answer: %s", error, extra={"supplier": str(supplier.supplier_id)})
            except Exception:
                log.exception("A chore failed", extra={"supplier": str(supplier.supplier_id)})

    return run
