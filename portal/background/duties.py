"""The worker's duties: who receives what comes in, who acts on which fact, which chores run when."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from einvoice.directory.checks import continue_checks
from einvoice.flows import FLOW_PLANNED
from einvoice.platform.accounts import accounts_to_follow
from einvoice.platform.hooks import PLATFORM_HINTED
from einvoice.platform.port import PlatformBusyError, PlatformError
from einvoice.receiving.dispatch import receive_lost, receive_statuses
from einvoice.reception import FILES_SOURCE, LOST_SOURCE
from einvoice.reception import SOURCE as PLATFORM_SOURCE
from einvoice.submission import NotAcceptedYetError
from payments.banking.recognising import recognise_late_payouts
from payments.matching.again import match_again
from payments.matching.asking import PAYER_ASKED
from payments.paying.concluding import PAYMENT_TOLD
from payments.providers.tending import tend_checkouts
from payments.reactions import receive_events
from payments.reconcile import recover_missed_facts
from payments.refunds.sending import send_refunds, settle_refunds
from payments.refunds.telling import REFUND_TOLD
from portal.access.sign_in_mail import sign_in_mail
from portal.background.chores import Chore, chores_of_claims, for_each, those_of
from portal.background.clearing_duties import COMPARE_EVERY_S, compare, follow_hints
from portal.background.factoring import tell_assignment
from portal.background.keeping import read_archive_again
from portal.background.quarantine import run_quarantine
from portal.background.turns import Pace
from portal.background.worker import NotYetError, Worker
from portal.claims.producing import produce_claim, write_claim_mail
from portal.documents.bank_files import go_on_importing
from portal.documents.issuing import DOCUMENTS
from portal.dunning.looking import LOOKS
from portal.hooks.intake import GOCARDLESS as GOCARDLESS_SOURCE
from portal.hooks.intake import SOURCE as STRIPE_SOURCE
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_jobs
from portal.mail.book import keep_mail
from portal.mail.debit_mails import tend_debits
from portal.mail.invoice_mails import write_invoice_mail
from portal.mail.post import send_due_mails
from portal.mail.question_mails import write_question_mail
from portal.mail.receipt_mails import write_receipt_mail, write_refund_mail
from portal.mail.senders import check_sender
from portal.mailbox.imap import MailboxError, look_into_mailbox
from portal.mailbox.receiving import SOURCE as MAIL_SOURCE
from portal.mailbox.receiving import receive_mails
from portal.staff.treasury.telling import OVERLAP, WATERMARK, tell_contests
from portal.webhooks.planning import WEBHOOK_PLANNED
from portal.webhooks.sending import send_webhook
from receivables.domain.events import CASH_COLLECTED, CLAIM_MADE, INVOICE_ISSUED, INVOICE_REPLACED, SIGN_IN_ASKED
from receivables.services.accounting.sealing import seal_audit
from receivables.services.factoring.assigning import ASSIGNMENT_TOLD
from receivables.store.register import (
    list_suppliers,
    suppliers_in_state,
    suppliers_on_platforms,
    suppliers_with_flows_to_follow,
)
from receivables.store.work_to_do import (
    CHECKOUTS_TO_TEND,
    DEBITS,
    JOBS_TO_DO,
    MAILS_TO_SEND,
    OPEN_PAYOUTS,
    PAID_ONLINE,
    REFUNDS,
    REFUNDS_UNDER_WAY,
    RIPE_ACCOUNTS,
    SENDERS_TO_CHECK,
    UNFINISHED_STATEMENTS,
    UNSEALED_AUDIT,
    WAITING_BANK_LINES,
    suppliers_with,
    suppliers_with_contests,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from config.database import Database
    from einvoice.following import FlowFollower
    from einvoice.reception import Poller
    from portal.wiring import Services
    from receivables.store.inbox import Message, Settlement
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

log = logging.getLogger("quittance.duties")

PENDING_WAIT_S = 1.0
MOST_PENDING_WAIT_S = 60.0
"""How soon to look again whether the platform has accepted an invoice: after a quarter of the time waited so far, so
that ten thousand facts that wait for a platform that is down do not keep the worker busy."""
SENDING_HANDS = 4
"""Threads that send flows: they wait for platforms most of the time, and half of them may wait for one supplier's."""
MAIL_EVERY_S = 1.0
"""Somebody waits for their sign-in mail."""
DIRECTORY_EVERY_S = 1.0
"""Somebody watches their customer file being checked."""
REFUND_EVERY_S = 15.0
"""How often to send refunds that were agreed: somebody looks at the page."""
CONTEST_EVERY_S = 60.0
"""How often to tell the staff of chargebacks: the same day is the promise."""
TEND_EVERY_S = 60.0
"""How often to close checkouts that are over and to collect debits that were agreed to: banks take days."""
SENDER_EVERY_S = 60.0
"""How often to see whose own address is due for its look at the DNS: hourly while it is new, then daily."""
QUARANTINE_EVERY_S = 60.0
"""How often to see whether the quarantine of a bank account is over."""
BANK_EVERY_S = 5.0
"""How soon a large bank file that was dropped begins to be read, and one that was interrupted goes on."""
AGAIN_EVERY_S = 60.0
"""How soon what is new, or a payout told late, may explain a bank line that nobody identified."""
DEBITS_EVERY_S = 60.0
"""Payers are told of debits soon; what is due by agreement is collected within the day."""
SEAL_EVERY_S = 10.0
"""Nothing in the audit trail stays unsealed for longer than a minute."""
REPORT_EVERY_S = 900.0
"""How often to see whether a period of e-reporting is over, or changed since it was declared."""
JOBS_EVERY_S = 0.5
"""Somebody watches their file being taken in."""
ARCHIVE_LOOK_EVERY_S = 3600.0
"""How often to see whether a supplier's week is over."""
COUNTS_EVERY_S = 600.0
"""How often to forget counters of rates that no window needs any more: the longest lasts an hour."""


def build_worker(services: Services) -> Worker:
    """The worker of a house."""
    settings = services.settings
    listener = Listener(services.follower, services.poller, Pace(settings.platform_poll_s))
    return Worker(
        works=services.works,
        receivers={
            STRIPE_SOURCE: _receive_from(services, STRIPE_SOURCE),
            GOCARDLESS_SOURCE: _receive_from(services, GOCARDLESS_SOURCE),
            PLATFORM_SOURCE: receive_statuses,
            FILES_SOURCE: services.invoice_receiver.receive,
            LOST_SOURCE: receive_lost,
            MAIL_SOURCE: receive_mails(services),
        },
        subscribers={
            INVOICE_ISSUED: {
                DOCUMENTS: _produce(services),
                "platform": _submit(services),
                "mail": lambda supplier_id, fact: write_invoice_mail(services, supplier_id, fact),
            },
            INVOICE_REPLACED: {"platform": _cancel(services)},
            CASH_COLLECTED: {"status_212": _tell(services)},
            ASSIGNMENT_TOLD: {"status": lambda supplier_id, fact: tell_assignment(services, supplier_id, fact)},
            PLATFORM_HINTED: {"look": listener.hint},
            PAYMENT_TOLD: {"mail": lambda supplier_id, fact: write_receipt_mail(services, supplier_id, fact)},
            REFUND_TOLD: {"mail": lambda supplier_id, fact: write_refund_mail(services, supplier_id, fact)},
            PAYER_ASKED: {"mail": lambda supplier_id, fact: write_question_mail(services, supplier_id, fact)},
            CLAIM_MADE: {
                DOCUMENTS: lambda supplier_id, fact: produce_claim(services, supplier_id, fact),
                "mail": lambda supplier_id, fact: write_claim_mail(services, supplier_id, fact),
            },
            SIGN_IN_ASKED: {"mail": _write_sign_in_mail(services)},
            WEBHOOK_PLANNED: {"send": lambda supplier_id, fact: send_webhook(services, supplier_id, fact)},
            **follow_hints(services),
        },
        together={FLOW_PLANNED: _send(services)},
        hands={FLOW_PLANNED: SENDING_HANDS, WEBHOOK_PLANNED: SENDING_HANDS},
        unheard={CASH_COLLECTED: lambda work: not accounts_to_follow(work)},
        chores=_chores(services, listener),
        inbox_batch=settings.inbox_batch,
        pause_s=settings.worker_pause_s,
    )


def _chores(services: Services, listener: Listener) -> tuple[Chore, ...]:
    """What is done at intervals, in seconds, for the suppliers that it may concern."""
    return (
        *_chores_of_platforms(services, listener),
        *_chores_of_money(services),
        *_chores_of_mail(services),
        *_chores_of_records(services),
        *chores_of_claims(services),
    )


def _chores_of_platforms(services: Services, listener: Listener) -> tuple[Chore, ...]:
    settings, database = services.settings, services.database
    return (
        (settings.platform_poll_s, for_each(lambda: suppliers_with_flows_to_follow(database), listener.follow)),
        (settings.platform_poll_s, for_each(lambda: suppliers_on_platforms(database), listener.poll)),
        (
            DIRECTORY_EVERY_S,
            for_each(
                lambda: suppliers_in_state(database, "directory_checks", "running"),
                lambda s: continue_checks(services.directory, s),
            ),
        ),
        (REPORT_EVERY_S, for_each(lambda: _everybody(database), services.reporter.prepare_due)),
    )


def _chores_of_money(services: Services) -> tuple[Chore, ...]:
    works, database = services.works, services.database
    those = those_of(database)
    return (
        (
            services.settings.provider_poll_s,
            those(PAID_ONLINE, lambda s: recover_missed_facts(works, s, services.gateway_for)),
        ),
        (COMPARE_EVERY_S, those(PAID_ONLINE, compare(services))),
        (TEND_EVERY_S, those(CHECKOUTS_TO_TEND, lambda s: tend_checkouts(works, s, services.gateway_for))),
        (REFUND_EVERY_S, those(REFUNDS_UNDER_WAY, lambda s: send_refunds(works, s, services.gateway_for))),
        (COMPARE_EVERY_S, those(REFUNDS, lambda s: works.run(s, settle_refunds))),
        (
            CONTEST_EVERY_S,
            for_each(
                lambda: suppliers_with_contests(database, WATERMARK, OVERLAP), lambda s: tell_contests(services, s)
            ),
        ),
        (DEBITS_EVERY_S, those(DEBITS, lambda s: tend_debits(services, s))),
        (BANK_EVERY_S, those(UNFINISHED_STATEMENTS, lambda s: go_on_importing(services, s))),
        (AGAIN_EVERY_S, those(OPEN_PAYOUTS, lambda s: works.run(s, recognise_late_payouts))),
        (AGAIN_EVERY_S, those(WAITING_BANK_LINES, lambda s: match_again(works, s))),
        (QUARANTINE_EVERY_S, those(RIPE_ACCOUNTS, lambda s: run_quarantine(services, s))),
    )


def _chores_of_mail(services: Services) -> tuple[Chore, ...]:
    settings, database = services.settings, services.database
    return (
        (
            MAIL_EVERY_S,
            for_each(
                lambda: suppliers_with(database, MAILS_TO_SEND) if settings.smtp_url else [],
                lambda s: send_due_mails(services, s, LOOKS),
            ),
        ),
        (SENDER_EVERY_S, those_of(database)(SENDERS_TO_CHECK, lambda s: check_sender(services, s))),
        *(((settings.imap_poll_s, lambda: _look_into_mailbox(services)),) if settings.imap_url else ()),
    )


def _chores_of_records(services: Services) -> tuple[Chore, ...]:
    those = those_of(services.database)
    return (
        (SEAL_EVERY_S, those(UNSEALED_AUDIT, lambda s: _seal_all(services, s))),
        (JOBS_EVERY_S, those(JOBS_TO_DO, lambda s: run_jobs(services, s, KINDS))),
        (
            ARCHIVE_LOOK_EVERY_S,
            for_each(lambda: _everybody(services.database), lambda s: read_archive_again(services, s)),
        ),
        (COUNTS_EVERY_S, lambda: log.debug("Counters forgotten: %s", services.counts.sweep())),
    )


def _everybody(database: Database) -> list[UUID]:
    return [each.supplier_id for each in list_suppliers(database)]


def _receive_from(services: Services, provider: str) -> Callable[[Work, Sequence[Message]], list[Settlement]]:
    """Posts what a provider's events say: by the account there, whichever the supplier is paid through now."""
    return lambda work, messages: receive_events(work, messages, lambda here: services.gateway_at(here, provider))


def _produce(services: Services) -> Callable[[UUID, Announcement], None]:
    def produce(supplier_id: UUID, fact: Announcement) -> None:
        services.producer.produce(supplier_id, UUID(fact.payload["invoice_id"]))

    return produce


def _submit(services: Services) -> Callable[[UUID, Announcement], None]:
    def submit(supplier_id: UUID, fact: Announcement) -> None:
        with _patience(fact):
            services.submitter.submit_invoice(supplier_id, UUID(fact.payload["invoice_id"]))

    return submit


def _send(services: Services) -> Callable[[UUID, Sequence[Announcement]], dict[int, Exception]]:
    def send(supplier_id: UUID, facts: Sequence[Announcement]) -> dict[int, Exception]:
        failures = services.sender.send_all(supplier_id, [fact.payload["tracking_id"] for fact in facts])
        return {
            fact.outbox_id: _as_wait(failures[tracking_id], supplier_id)
            for fact in facts
            if (tracking_id := fact.payload["tracking_id"]) in failures
        }

    return send


def _as_wait(error: Exception, supplier_id: UUID) -> Exception:
    """What only needs time as a wait; anything else is a defect, and logged."""
    if isinstance(error, PlatformError):
        wait_s = error.retry_after_s if isinstance(error, PlatformBusyError) else None
        return NotYetError(f"{error.code}: {error}", wait_s)
    log.error("A flow could not be sent", exc_info=error, extra={"supplier": str(supplier_id)})
    return error


@dataclass(frozen=True, slots=True)
class Listener:
    """Asks platforms for answers and news, often while there are some."""

    follower: FlowFollower
    poller: Poller
    pace: Pace

    def follow(self, supplier_id: UUID) -> None:
        """Ask what became of the flows that are due; what is judged has news in its wake."""
        if self.follower.follow(supplier_id):
            self.pace.hear(supplier_id)

    def poll(self, supplier_id: UUID) -> None:
        """Ask for news, where it is time."""
        if self.pace.is_due(supplier_id) and self.poller.poll(supplier_id):
            self.pace.hear(supplier_id)

    def hint(self, supplier_id: UUID, _fact: Announcement) -> None:
        """A webhook is a hint and no more: where the look fails, the next regular one repeats it."""
        self.pace.hear(supplier_id)
        for ask in (self.follower.follow, self.poller.poll):
            with suppress(PlatformError):
                ask(supplier_id)


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


def _cancel(services: Services) -> Callable[[UUID, Announcement], None]:
    def cancel(supplier_id: UUID, fact: Announcement) -> None:
        with _patience(fact):
            services.canceller.cancel(supplier_id, UUID(fact.payload["invoice_id"]), UUID(fact.payload["by_id"]))

    return cancel


def _look_into_mailbox(services: Services) -> None:
    """The house has one mailbox: the addresses say whose each mail is."""
    try:
        look_into_mailbox(services)
    except MailboxError as error:
        log.warning("%s: %s", error.code, error)


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
        wait_s = min(max(waited_s / 4, PENDING_WAIT_S), MOST_PENDING_WAIT_S)
        raise NotYetError(f"{error.code}: {error}", wait_s) from error
    except PlatformBusyError as error:
        raise NotYetError(f"{error.code}: {error}", error.retry_after_s) from error
    except PlatformError as error:
        raise NotYetError(f"{error.code}: {error}") from error
