"""A sample of every kind of mail, made by the functions that write the real ones: what previews show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from einvoice.production import Branding
from payments.paying.told import Part, ToldPayment
from portal.access.key_mails import key_page
from portal.access.people import Person
from portal.access.proof_codes import proof_page
from portal.access.roles import Role
from portal.access.sign_in import SignInLetter
from portal.access.sign_in_mail import sign_in_page
from portal.background.quarantine import iban_page
from portal.claims.producing import claim_page
from portal.customer.mails import change_page, decision_page, invitation_page, request_page
from portal.digests.gathering import Digest, last_monday
from portal.digests.sending import digest_page
from portal.dunning.mails import reminder_page
from portal.dunning.view import InvoiceRow, ReminderView, Seller
from portal.dunning.words import words_for
from portal.exports.telling import sample_page
from portal.mail.book import Envelope, as_house, dress
from portal.mail.debit_mails import code_page, debit_page
from portal.mail.dispute_mails import ANSWERED, REJECTED, Told, dispute_page
from portal.mail.invoice_mails import invoice_page
from portal.mail.message_mails import held_page, message_page, told_page
from portal.mail.page import MailPage, MailTable
from portal.mail.plan_mails import PROMISED, WORDS, instalment_table, plan_page
from portal.mail.question_mails import question_page
from portal.mail.receipt_mails import Refund, receipt_page, refund_page
from portal.mail.sample_stage import (
    AUTHOR,
    CUSTOMER,
    EMAIL,
    MINOR,
    NOBODY,
    NOTE,
    NUMBER,
    OTHER_MINOR,
    OTHER_NUMBER,
    Stage,
)
from portal.mail.settings import mail_settings_of
from portal.mail.staff_mails import NOTICES, staff_page
from portal.staff.indicators.mailing import HEADS, indicators_page
from portal.staff.people.inviting import colleague_page
from portal.staff.treasury.telling import contest_page
from portal.words import note_text
from receivables.domain.collecting.worklist import Account
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.mail.digests import Cashed, Contested

if TYPE_CHECKING:
    from collections.abc import Callable

    from receivables.store.work import Work

_SAID = note_text("La livraison de lundi est complète : le bon signé est joint à la facture.")


def sample(work: Work, kind: str, spoken: str, portal: str, reader: str = "") -> MailPage:
    """The mail of ``kind`` with sample data, in the supplier's look and own words, as ``reader`` gets it."""
    stage = Stage(supplier_name(work), spoken, portal, mail_settings_of(work).attach_invoice, reader)
    values = {
        "client": CUSTOMER,
        "facture": NUMBER,
        "factures": NUMBER,
        "montant": stage.money(MINOR),
        "echeance": stage.day(30),
        "jour": stage.day(),
        "motif": "",
    }
    made = MAKERS[kind](stage)
    return as_house(made, kind) if kind in BY_HOUSE else dress(work, made, Envelope(kind, "", "", values=values))


def _invoice(stage: Stage) -> MailPage:
    return invoice_page(
        number=NUMBER,
        amount=stage.money(MINOR),
        due=stage.day(30),
        issued=stage.day(),
        url=stage.link,
        supplier=stage.supplier,
        spoken=stage.spoken,
        attached=stage.attaches,
    )


def _receipt(told: str) -> Callable[[Stage], MailPage]:
    return lambda stage: receipt_page(_payment(), told, stage.supplier, stage.spoken, stage.link)


def _refund(stage: Stage) -> MailPage:
    refund = Refund(OTHER_MINOR, by_transfer=False, open_again=((OTHER_NUMBER, OTHER_MINOR),))
    return refund_page(_payment(), refund, stage.supplier, stage.spoken, stage.link)


def _payment() -> ToldPayment:
    return ToldPayment(
        attempt_id=NOBODY,
        customer_id=NOBODY,
        customer_name=CUSTOMER,
        method="card",
        amount_minor=MINOR + OTHER_MINOR,
        currency="EUR",
        attempt_state="succeeded",
        begun_at=now(),
        received_minor=MINOR + OTHER_MINOR,
        received_on=today(),
        reference=None,
        returned_minor=0,
        unpaid=False,
        contested=False,
        credit_minor=0,
        parts=(Part(NOBODY, NUMBER, MINOR), Part(NOBODY, OTHER_NUMBER, OTHER_MINOR)),
    )


def _reminder(template: str, late_days: int) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        rows = (_row(stage, NUMBER, MINOR, late_days), _row(stage, OTHER_NUMBER, OTHER_MINOR, late_days))
        total = stage.money(MINOR + OTHER_MINOR)
        filled = {"supplier": stage.supplier, "total": total, "due": stage.day(-late_days), "until": stage.day(8)}
        words = words_for(template, "business").filled({**filled, "days": "8", "accrued": ""}, stage.spoken)
        seller = Seller(stage.supplier, (), "", (), "", "", "", "", Branding())
        view = ReminderView(
            stage.spoken, words, seller, CUSTOMER, (), rows, total, "", (AUTHOR, ""), today(), "business"
        )
        return reminder_page(view, stage.link, attached=False)

    return make


def _row(stage: Stage, number: str, minor: int, late_days: int) -> InvoiceRow:
    due = today() - timedelta(days=late_days)
    return InvoiceRow(NOBODY, number, due, due, max(late_days, 0), stage.money(minor), stage.link)


def _dispute(what: str) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        said = stage.speak(_SAID) if what in (ANSWERED, REJECTED) else ""
        told = Told(what, NUMBER, "LIVR_INCOMP", stage.money(OTHER_MINOR), said)
        return dispute_page(told, stage.link, stage.supplier, stage.spoken)

    return make


def _plan(what: str) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        told = {
            "supplier": stage.supplier,
            "total": stage.money(MINOR),
            "left": stage.money(MINOR),
            "part": stage.money(MINOR // 3),
            "count": 3,
            "day": stage.day(7),
            "last": stage.day(90),
            "until": stage.day(14),
            "reason": stage.speak(note_text("le premier versement est trop loin")),
        }
        parts = [(today() + timedelta(days=30 * month), MINOR // 3) for month in (1, 2, 3)]
        shown = instalment_table(parts, "EUR", stage.spoken) if what in {"offered", "received", "agreed"} else None
        return plan_page(WORDS[what], told, stage.link, stage.spoken, shown)

    return make


def _promise(stage: Stage) -> MailPage:
    told = {"supplier": stage.supplier, "total": stage.money(MINOR), "day": stage.day(7)}
    return plan_page(PROMISED, told, stage.link, stage.spoken)


def _debit(kind: str) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        told: dict[str, object] = {
            "supplier": stage.supplier,
            "number": NUMBER,
            "amount": stage.money(MINOR),
            "day": stage.day(14),
        }
        if kind.startswith("debit_") and kind != "debit_why":
            told |= {"last4": "0189", "rum": "QT-2026-000042", "ics": "FR12ZZZ123456"}
        return debit_page(
            kind, {"label": "Visa 4242", **told} if kind == "collection" else told, stage.link, stage.spoken
        )

    return make


def _claim(stage: Stage) -> MailPage:
    values = {"facture": NOTE, "montant": stage.money(5214), "echeance": stage.day(30)}
    return claim_page(values, stage.link, stage.supplier, stage.spoken)


def _question(stage: Stage) -> MailPage:
    return question_page(stage.money(MINOR), stage.day(-2), stage.link, stage.supplier, stage.spoken)


def _message(stage: Stage) -> MailPage:
    values = {"supplier": stage.supplier, "author": AUTHOR, "number": NUMBER}
    page = message_page(values, stage.speak(_SAID), ("bon-de-livraison.pdf",), stage.spoken)
    return replace(page, button=(stage.speak("Voir la facture et nous écrire"), stage.link))


def _held(stage: Stage) -> MailPage:
    return held_page({"supplier": stage.supplier, "number": NUMBER, "url": stage.link}, stage.spoken)


def _message_told(stage: Stage) -> MailPage:
    values = {"name": CUSTOMER, "number": NUMBER, "author": AUTHOR, "url": stage.link}
    return told_page(values, stage.speak(note_text("Pouvez-vous nous renvoyer le bon de livraison ?")), stage.spoken)


def _iban(kind: str) -> Callable[[Stage], MailPage]:
    return lambda stage: iban_page(
        kind,
        {"supplier": stage.supplier, "who": AUTHOR, "holder": stage.supplier, "last4": "0189", "url": stage.link},
        stage.spoken,
    )


def _contest(state: str) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        told = {
            "supplier": stage.supplier,
            "customer": CUSTOMER,
            "amount": stage.money(MINOR),
            "reason": stage.speak(note_text("paiement non reconnu")),
            "until": stage.day(7),
            "invoices": NUMBER,
            "url": stage.link,
        }
        return contest_page(state, told, stage.spoken)

    return make


def _indicators(stage: Stage) -> MailPage:
    table = MailTable(
        heads=tuple(stage.speak(each) for each in HEADS),
        rows=(
            ((stage.speak(note_text("Délai moyen de paiement")), "46", "44"), None),
            ((stage.speak(note_text("Encours client")), stage.money(98 * MINOR), stage.money(97 * MINOR)), None),
        ),
    )
    return indicators_page({"supplier": stage.supplier, "day": stage.day(-1)}, (table,), stage.link, stage.spoken)


def _digest(stage: Stage) -> MailPage:
    digest = Digest(
        last_monday(today()),
        is_own=stage.reader != "all",
        cashed=(Cashed("EUR", 12 * MINOR, 9 * MINOR, 14),),
        late=(
            _account(CUSTOMER, 3 * MINOR, 41),
            _account("Garage du Port", MINOR, 12),
        ),
        contested=(Contested(NOBODY, NUMBER, CUSTOMER, "LIVR_INCOMP", today() + timedelta(days=2)),),
        reads_worklist=stage.reader != "sales",
    )
    return digest_page(digest, stage.supplier, stage.portal, stage.spoken, stage.link)


def _account(name: str, minor: int, days: int) -> Account:
    return Account(NOBODY, "C00012", name, "EUR", minor, minor, {}, 2, today() - timedelta(days=days))


def _sign_in(stage: Stage) -> MailPage:
    letter = SignInLetter(Person(NOBODY, EMAIL, AUTHOR, stage.spoken), stage.link, "ABCDEFGH", now(), 10)
    return sign_in_page(letter, stage.spoken)


def _code(stage: Stage) -> MailPage:
    return code_page("ABCDEFGH", stage.spoken)


def _key(stage: Stage) -> MailPage:
    return key_page("passkey_added", "Firefox, Linux", AUTHOR, stage.link, stage.spoken)


def _proof(stage: Stage) -> MailPage:
    return proof_page("ABCDEFGH", AUTHOR, stage.spoken)


def _asked(stage: Stage) -> dict[str, str]:
    return {"inviter": "Paul Pichon", "company": CUSTOMER, "supplier": stage.supplier, "name": AUTHOR}


def _decision(*, approved: bool) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        reason = "" if approved else stage.speak(note_text("Votre société est trop jeune pour un compte à terme."))
        return decision_page(_asked(stage), stage.link, stage.spoken, approved=approved, reason=reason)

    return make


def _change(*, taken: bool) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        reason = "" if taken else stage.speak(note_text("Le numéro SIREN donné est celui d'une autre société."))
        return change_page(_asked(stage), stage.link, stage.spoken, taken=taken, reason=reason)

    return make


def _colleague(stage: Stage) -> MailPage:
    person = Person(NOBODY, EMAIL, AUTHOR, stage.spoken)
    return colleague_page(stage.supplier, person, Role.COLLECTOR, stage.link, "Paul Roux")


def _notice(kind: str) -> Callable[[Stage], MailPage]:
    def make(stage: Stage) -> MailPage:
        told = {
            "supplier": stage.supplier,
            "customer": CUSTOMER,
            "subject": _invoice(stage).subject,
            "address": EMAIL,
            "reason": "550 5.1.1 no such user",
            "label": "ERP",
            "url": "https://erp.example.com/hooks",
            "name": stage.speak(note_text("Import de factures")),
            "file": "factures-2026.csv",
            "done": 996,
            "known": 0,
            "refused": 4,
        }
        if kind.startswith("sender_"):
            told["address"] = "factures@exemple.fr"
        return staff_page(kind, told, stage.link, stage.spoken)

    return make


BY_HOUSE = frozenset({"sign_in", "proof_code", "keys_changed"})
"""What the house writes in its own name: who signs in may work for several suppliers."""
MAKERS: dict[str, Callable[[Stage], MailPage]] = {
    "invoice": _invoice,
    **{f"receipt_{told}": _receipt(told) for told in ("paid", "in_flight", "failed", "returned")},
    "receipt_refunded": _refund,
    "reminder_before": _reminder("before", -5),
    "reminder": _reminder("firm", 12),
    "claim": _claim,
    **{
        f"dispute_{what}": _dispute(what)
        for what in ("received", "answered", "documents", "accepted", "partly", "rejected")
    },
    "message": _message,
    "message_held": _held,
    "question": _question,
    "promise": _promise,
    **{f"plan_{what}": _plan(what) for what in WORDS},
    **{
        kind: _debit(kind)
        for kind in ("debit_announced", "debit_again", "debit_moved", "debit_why", "collection", "collection_failed")
    },
    **{kind: _iban(kind) for kind in ("iban_changed", "iban_proposed", "iban_alone")},
    "message_told": _message_told,
    **{f"contest_{state}": _contest(state) for state in ("open", "lost", "won")},
    "indicators": _indicators,
    "digest": _digest,
    "export_ready": lambda stage: sample_page(stage.supplier, stage.spoken, stage.portal),
    "consent_code": _code,
    "sign_in": _sign_in,
    "proof_code": _proof,
    "keys_changed": _key,
    "customer_invited": lambda stage: invitation_page(_asked(stage), stage.link, stage.spoken),
    "opening_confirm": lambda stage: request_page(_asked(stage), stage.link, stage.spoken),
    "opening_accepted": _decision(approved=True),
    "opening_refused": _decision(approved=False),
    "company_taken": _change(taken=True),
    "company_refused": _change(taken=False),
    "colleague_invited": _colleague,
    **{kind: _notice(kind) for kind in NOTICES},
}
"""By kind of mail."""
