"""Every route against every kind of caller: what is not theirs looks like what does not exist."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import pytest
from access_builders import access_things
from claim_builders import claim_of
from credit_builders import credit_things
from customer_builders import add_lesser_people, customer_things
from debit_builders import debit_things
from declarant_builders import declare_by_hand
from exports_builders import export_things
from flask import Blueprint
from import_builders import import_things
from invoicing_builders import invoicing_things
from ledger_builders import customer_facts, issue
from matching_builders import ask_about, first_proposal, propose_line
from message_builders import message_things
from portal_house import build_house, form_token, press
from program_builders import program_things
from promise_builders import agreement_things
from risk_builders import risk_things
from settings_builders import settings_things
from statement_builders import Paper, Told, camt
from treasury_builders import fill_some_treasury, keep_transfers
from webhook_builders import webhook_things

from config.clock import new_id, today
from einvoice.reporting.periods import ReportKind, period_of
from payments.banking.by_hand import HandReceipt, record_by_hand
from payments.banking.deposits import make_deposit
from payments.paying.told import payments_on
from portal.access.people import add_membership, add_person
from portal.access.roles import Role, UnstatedAccessError
from portal.app import create_app
from portal.documents.bank_files import take_file
from portal.mail.unsubscribing import unsubscribe_url
from receivables.services.collecting.dunning import adopt_usual_scenarios
from receivables.services.collecting.tasking import NewTask, open_task, open_tasks
from receivables.store.customer_file.contacts import Contact, add_contact
from receivables.store.customer_file.saved_views import keep_view

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.store.work import Work

CALLERS = (
    "anonymous",
    "customer",
    "other_customer",
    "viewer",
    "payer",
    "disputer",
    "collector",
    "credit_manager",
    "sales",
    "auditor",
    "accountant",
    "owner",
    "neighbour",
)
EVERYBODY = frozenset(CALLERS)
OUR_STAFF = frozenset({"collector", "credit_manager", "auditor", "accountant", "owner"})
ALL_STAFF = OUR_STAFF | {"neighbour"}
SIGNED_IN = EVERYBODY - {"anonymous"}
CUSTOMERS = frozenset({"customer", "other_customer"})
OUR_CUSTOMER = frozenset({"customer"})
LESSER = frozenset({"viewer", "payer", "disputer"})
LOOKERS = CUSTOMERS | LESSER
PAYERS = CUSTOMERS | {"payer"}
DISPUTERS = CUSTOMERS | {"disputer"}
OUR_LOOKERS = OUR_CUSTOMER | LESSER
OUR_PAYERS = OUR_CUSTOMER | {"payer"}
OUR_DISPUTERS = OUR_CUSTOMER | {"disputer"}
OUR_READERS = OUR_STAFF | {"sales"}
ALL_READERS = ALL_STAFF | {"sales"}
OUR_BOOKS = frozenset({"accountant", "owner"})
OUR_CREDIT = OUR_BOOKS | {"credit_manager"}
OUR_LEDGERS = OUR_BOOKS | {"auditor"}
OUR_OWNER = frozenset({"owner"})

NOT_HERE = frozenset(
    {
        "static",
        "sign_in_provider.begin",
        "sign_in_provider.back",
        "sign_in_provider.begin_at",
        "sign_in_provider.back_from",
    }
)
"""Open to everybody, but not at the address tried, or not in a house without a sign-in provider."""

MATRIX: dict[str, tuple[str, frozenset[str]]] = {
    "static": ("/static/none.css", frozenset()),
    "favicon": ("/favicon.ico", EVERYBODY),
    "health": ("/healthz", EVERYBODY),
    "robots": ("/robots.txt", EVERYBODY),
    "sign_in.home": ("/", EVERYBODY),
    "sign_in.ask": ("/sign-in", EVERYBODY),
    "sign_in.send": ("/sign-in", EVERYBODY),
    "sign_in.sent": ("/sign-in/sent", EVERYBODY),
    "sign_in.by_code": ("/sign-in/code", EVERYBODY),
    "sign_in.confirm": ("/sign-in/xyz", EVERYBODY),
    "sign_in.by_link": ("/sign-in/xyz", EVERYBODY),
    "sign_in.leave": ("/sign-out", EVERYBODY),
    "sign_in.switch": ("/switch", EVERYBODY - {"anonymous"}),
    "sign_in_provider.begin": ("/sign-in/provider", frozenset()),
    "sign_in_provider.back": ("/sign-in/provider/back", frozenset()),
    "sign_in_provider.begin_at": ("/sign-in/provider/clients", frozenset()),
    "sign_in_provider.back_from": ("/sign-in/provider/clients/back", frozenset()),
    "sign_in_provider.leave": ("/sign-in/provider/out", EVERYBODY),
    "sign_in_passkey.ask": ("/sign-in/passkey", EVERYBODY),
    "sign_in_passkey.enter": ("/sign-in/passkey", EVERYBODY),
    "proof.ask": ("/prove", SIGNED_IN),
    "proof.by_passkey": ("/prove/passkey", SIGNED_IN),
    "proof.by_authenticator": ("/prove/authenticator", SIGNED_IN),
    "proof.by_recovery_code": ("/prove/recovery", SIGNED_IN),
    "proof.send": ("/prove/mail", SIGNED_IN),
    "proof.by_code": ("/prove/code", SIGNED_IN),
    "me.show": ("/me", SIGNED_IN),
    "me.end_one": ("/me/sessions/01900000-0000-7000-8000-000000000000/end", frozenset()),
    "me.end_others": ("/me/sessions/end", SIGNED_IN),
    "me.new_passkey": ("/me/passkeys/new", SIGNED_IN),
    "me.keep_passkey": ("/me/passkeys/new", SIGNED_IN),
    "me.remove_passkey": ("/me/passkeys/01900000-0000-7000-8000-000000000000/remove", frozenset()),
    "me.begin_authenticator": ("/me/authenticator", SIGNED_IN),
    "me.new_authenticator": ("/me/authenticator", SIGNED_IN),
    "me.keep_authenticator": ("/me/authenticator/confirm", SIGNED_IN),
    "me.remove_authenticator": ("/me/authenticator/remove", frozenset()),
    "me.make_codes": ("/me/recovery", SIGNED_IN),
    "staff_people.index": ("/s/people", OUR_OWNER),
    "staff_people.ask": ("/s/people/new", OUR_OWNER),
    "staff_people.send": ("/s/people/new", OUR_OWNER),
    "staff_people.withdraw": ("/s/people/invitations/{colleague_invited}/withdraw", OUR_OWNER),
    "staff_joining.confirm": ("/team/{colleague_joining}", EVERYBODY),
    "staff_joining.accept": ("/team/{colleague_joining}", EVERYBODY),
    "staff_people.show": ("/s/people/{colleague}", OUR_OWNER),
    "staff_people.change": ("/s/people/{colleague}/role", OUR_OWNER),
    "staff_people.end_sessions": ("/s/people/{colleague}/sessions/end", OUR_OWNER),
    "staff_people.end_session": (
        "/s/people/{colleague}/sessions/01900000-0000-7000-8000-000000000000/end",
        frozenset(),
    ),
    "staff_people.reset_keys": ("/s/people/{colleague}/keys/reset", OUR_OWNER),
    "staff_people.end": ("/s/people/{colleague}/end", OUR_OWNER),
    "staff_people.choose_second_proof": ("/s/people/second-proof", OUR_OWNER),
    "pay.show": ("{link}", EVERYBODY),
    "pay.begin": ("{link}/pay", EVERYBODY),
    "pay.announce": ("{link}/announced", EVERYBODY),
    "pay.receipt": ("{link}/receipts/{payment}", EVERYBODY),
    "pay.read": ("{link}/invoice", EVERYBODY),
    "basket.choose": ("/c/pay", PAYERS),
    "basket.review": ("/c/pay/review", PAYERS),
    "basket.pay": ("/c/pay", PAYERS),
    "basket.done": ("/c/pay/done?attempt=", LOOKERS),
    "basket.payment": ("/c/payments/{payment}", OUR_LOOKERS),
    "basket.refund": ("/c/payments/{payment}/refund", OUR_PAYERS),
    "reference.index": ("/api", EVERYBODY),
    "reference.section": ("/api/invoices", EVERYBODY),
    "reference.schema": ("/api/v1/openapi.json", EVERYBODY),
    "validation.show_form": ("/validate", EVERYBODY),
    "validation.check": ("/validate", EVERYBODY),
    "customer.home": ("/c/", LOOKERS),
    "customer.invoices": ("/c/invoices", LOOKERS),
    "customer.receipts": ("/c/receipts", LOOKERS),
    "customer.invoice": ("/c/invoices/{paid}", OUR_LOOKERS),
    "customer.pay": ("/c/invoices/{paid}/pay", OUR_PAYERS),
    "customer.document": ("/c/invoices/{paid}/documents/{document}", OUR_LOOKERS),
    "dispute.ask_by_link": ("{link}/dispute", EVERYBODY),
    "dispute.send_by_link": ("{link}/dispute", EVERYBODY),
    "dispute.fetch_by_link": ("{late}/documents/{sent}", EVERYBODY),
    "dispute.ask": ("/c/invoices/{paid}/dispute", OUR_DISPUTERS),
    "dispute.send": ("/c/invoices/{paid}/dispute", OUR_DISPUTERS),
    "claims.index": ("/s/claims", ALL_STAFF),
    "claims.ask": ("/s/claims/new/{customer}", OUR_STAFF),
    "claims.make": ("/s/claims/new/{customer}", OUR_STAFF - {"auditor"}),
    "claims.forgo": ("/s/claims/new/{customer}/forgo", OUR_STAFF - {"auditor"}),
    "claims.correct": ("/s/claims/new/{customer}/correct", OUR_STAFF - {"auditor"}),
    "claims.show": ("/s/claims/{claim}", OUR_STAFF),
    "claims.waive": ("/s/claims/{claim}/waive", OUR_STAFF - {"auditor"}),
    "write_offs.index": ("/s/claims/write-offs", ALL_STAFF),
    "write_offs.agree": ("/s/claims/write-offs/01900000-0000-7000-8000-000000000000/agree", OUR_CREDIT),
    "write_offs.refuse": ("/s/claims/write-offs/01900000-0000-7000-8000-000000000000/refuse", OUR_CREDIT),
    "write_offs.set_limit": ("/s/claims/write-offs/limit", OUR_OWNER),
    "claims.terms": ("/s/claims/terms", ALL_STAFF),
    "claims.change_terms": ("/s/claims/terms", OUR_BOOKS),
    "disputes_noted.ask": ("/s/disputes/new/{paid}", OUR_STAFF - {"auditor"}),
    "disputes_noted.note": ("/s/disputes/new/{paid}", OUR_STAFF - {"auditor"}),
    "disputes.index": ("/s/disputes", ALL_READERS),
    "disputes.show": ("/s/disputes/{dispute}", OUR_READERS),
    "disputes.give_answer": ("/s/disputes/{dispute}/answer", OUR_STAFF - {"auditor"}),
    "disputes.give_documents": ("/s/disputes/{dispute}/documents", OUR_STAFF - {"auditor"}),
    "disputes.give_way": ("/s/disputes/{dispute}/accept", OUR_STAFF - {"auditor"}),
    "disputes.stand_by": ("/s/disputes/{dispute}/reject", OUR_STAFF - {"auditor"}),
    "disputes.close": ("/s/disputes/{dispute}/close", OUR_STAFF - {"auditor"}),
    "disputes.assign": ("/s/disputes/{dispute}/assign", OUR_STAFF - {"auditor"}),
    "dunning.index": ("/s/dunning", ALL_STAFF),
    "dunning.begin": ("/s/dunning/begin", OUR_OWNER),
    "dunning.run": ("/s/dunning/run", ALL_STAFF - {"auditor"}),
    "dunning.customer": ("/s/dunning/customers/{customer}", OUR_STAFF),
    "dunning.approve": ("/s/dunning/customers/{customer}/approve", OUR_STAFF - {"auditor"}),
    "dunning.preview": ("/s/dunning/customers/{customer}/letters/none", frozenset()),
    "dunning.stop": ("/s/dunning/customers/{customer}/stop", OUR_STAFF - {"auditor"}),
    "dunning.resume": ("/s/dunning/customers/{customer}/resume", OUR_STAFF - {"auditor"}),
    "dunning.litigation_file": ("/s/dunning/customers/{customer}/file", OUR_STAFF - {"auditor"}),
    "dunning.sent": ("/s/dunning/sent", ALL_STAFF),
    "dunning.notice": ("/s/dunning/sent/{notice}", OUR_STAFF),
    "dunning.letter": ("/s/dunning/sent/{notice}/letter", frozenset()),
    "dunning.posted": ("/s/dunning/sent/{notice}/posted", OUR_STAFF - {"auditor"}),
    "dunning_scenarios.index": ("/s/dunning/scenarios", ALL_STAFF),
    "dunning_scenarios.edit": ("/s/dunning/scenarios/standard", OUR_CREDIT),
    "dunning_scenarios.keep": ("/s/dunning/scenarios/standard", OUR_CREDIT),
    "dunning_scenarios.copy": ("/s/dunning/scenarios", OUR_CREDIT),
    "dunning_scenarios.ask_settings": ("/s/dunning/settings", ALL_STAFF),
    "dunning_scenarios.save_settings": ("/s/dunning/settings", OUR_OWNER),
    "staff.dashboard": ("/s/", ALL_READERS),
    "staff.invoices": ("/s/invoices", ALL_READERS),
    "staff.problems": ("/s/problems", ALL_STAFF),
    "mails.index": ("/s/mails", ALL_STAFF),
    "mail_kinds.index": ("/s/mails/kinds", ALL_STAFF),
    "mail_kinds.show": ("/s/mails/kinds/invoice", ALL_STAFF),
    "mail_kinds.page": ("/s/mails/kinds/invoice/page", ALL_STAFF),
    "mail_sender.show": ("/s/mails/sender", OUR_OWNER),
    "mail_sender.ask": ("/s/mails/sender", OUR_OWNER),
    "mail_sender.check": ("/s/mails/sender/check", OUR_OWNER),
    "mail_sender.end": ("/s/mails/sender/end", OUR_OWNER),
    "mail_wishes.settings": ("/s/mails/settings", OUR_BOOKS),
    "mail_wishes.keep_settings": ("/s/mails/settings", OUR_BOOKS),
    "mail_wishes.mine": ("/s/mails/mine", ALL_READERS),
    "mail_wishes.keep_mine": ("/s/mails/mine", ALL_READERS),
    "unsubscribe.ask": ("/u/{stop}", EVERYBODY),
    "unsubscribe.stop": ("/u/{stop}/stop", EVERYBODY),
    "unsubscribe.resume": ("/u/{stop}/resume", EVERYBODY),
    "account.show": ("/s/customers/{customer}", OUR_READERS),
    "statements.show": ("/s/customers/{customer}/statement", OUR_READERS),
    "statements.file": ("/s/customers/{customer}/statement/file.pdf", OUR_READERS),
    "customer_statement.show": ("/c/statement", LOOKERS),
    "customer_statement.file": ("/c/statement/file.csv", LOOKERS),
    "programs.index": ("/s/programs", ALL_READERS),
    "programs.ask": ("/s/programs/new", OUR_OWNER),
    "programs.create": ("/s/programs/new", OUR_OWNER),
    "programs.show": ("/s/programs/{program}", OUR_OWNER),
    "programs.change": ("/s/programs/{program}", OUR_OWNER),
    "programs.rotate": ("/s/programs/{program}/secret", OUR_OWNER),
    "programs.end": ("/s/programs/{program}/end", OUR_OWNER),
    "programs.ask_token": ("/s/programs/tokens/new", ALL_READERS),
    "programs.make_token": ("/s/programs/tokens/new", ALL_READERS),
    "programs.revoke_token": ("/s/programs/tokens/{token}/end", OUR_OWNER),
    "webhooks.index": ("/s/webhooks", OUR_BOOKS),
    "webhooks.ask": ("/s/webhooks/new", OUR_OWNER),
    "webhooks.ask_change": ("/s/webhooks/{hook}/change", OUR_OWNER),
    "webhooks.show": ("/s/webhooks/{hook}", OUR_BOOKS),
    "webhooks.delivery": ("/s/webhooks/deliveries/{taken}", OUR_BOOKS),
    "webhooks.events": ("/s/webhooks/events", OUR_BOOKS),
    "webhook_acts.open_": ("/s/webhooks", OUR_OWNER),
    "webhook_acts.change": ("/s/webhooks/{hook}/change", OUR_OWNER),
    "webhook_acts.rotate": ("/s/webhooks/{hook}/secret", OUR_OWNER),
    "webhook_acts.change_state": ("/s/webhooks/{hook}/state", OUR_OWNER),
    "webhook_acts.test": ("/s/webhooks/{hook}/test", OUR_OWNER),
    "webhook_acts.replay": ("/s/webhooks/{hook}/replay", OUR_OWNER),
    "webhook_acts.replay_one": ("/s/webhooks/deliveries/{taken}/replay", OUR_OWNER),
    "imports.overview": ("/s/imports", OUR_BOOKS),
    "imports.take": ("/s/imports", OUR_BOOKS),
    "imports.template": ("/s/imports/template.csv", OUR_BOOKS),
    "imports.review": ("/s/imports/files/{brought}", OUR_BOOKS),
    "imports.start": ("/s/imports/files/{brought}", OUR_BOOKS),
    "imports.original": ("/s/imports/files/{brought}/original", OUR_BOOKS),
    "jobs.index": ("/s/jobs", ALL_READERS),
    "export_files.begin": ("/s/jobs/files", ALL_READERS),
    "export_files.show": ("/s/jobs/files/{export}", OUR_OWNER),
    "export_files.fetch": ("/s/jobs/files/{export}/file", OUR_OWNER),
    "jobs.show": ("/s/jobs/{job}", OUR_BOOKS),
    "jobs.refused": ("/s/jobs/{job}/refused", OUR_BOOKS),
    "jobs.act": ("/s/jobs/{job}/stop", OUR_BOOKS),
    "opening.overview": ("/s/opening", OUR_BOOKS),
    "opening.take": ("/s/opening", OUR_BOOKS),
    "opening.series": ("/s/opening/series", OUR_BOOKS),
    "opening.template": ("/s/opening/template.csv", OUR_BOOKS),
    "opening.review": ("/s/opening/files/{trial}", OUR_BOOKS),
    "opening.book": ("/s/opening/files/{trial}", OUR_BOOKS),
    "opening.show": ("/s/opening/{opening}", OUR_BOOKS),
    "opening.undo": ("/s/opening/{opening}/undo", OUR_BOOKS),
    "history.template": ("/s/opening/history.csv", OUR_BOOKS),
    "history.show": ("/s/opening/{opening}/history", OUR_BOOKS),
    "history.take": ("/s/opening/{opening}/history", OUR_BOOKS),
    "history.review": ("/s/opening/{opening}/history/{letters}", OUR_BOOKS),
    "history.start": ("/s/opening/{opening}/history/{letters}", OUR_BOOKS),
    "history.customer": ("/s/customers/{customer}/former", OUR_READERS),
    "exports.overview": ("/s/exports", ALL_STAFF),
    "exports.validate": ("/s/exports/validate", OUR_BOOKS),
    "exports.close": ("/s/exports/close", OUR_BOOKS),
    "exports.reopen": ("/s/exports/reopen", OUR_OWNER),
    "exports.rates": ("/s/exports/rates", OUR_BOOKS),
    "exports.fec": ("/s/exports/fec/{year_end}.zip", OUR_LEDGERS),
    "exports.ask_check": ("/s/exports/check", ALL_STAFF),
    "exports.check": ("/s/exports/check", ALL_STAFF),
    "exports.journal": ("/s/exports/journal.csv", OUR_LEDGERS),
    "exports.open_items": ("/s/exports/open.csv", ALL_STAFF),
    "exports.ages": ("/s/exports/ageing.csv", ALL_STAFF),
    "account.call": ("/s/customers/{stranger}/call", OUR_STAFF - {"auditor"}),
    "account.remark": ("/s/customers/{stranger}/remark", OUR_STAFF - {"auditor"}),
    "account.task": ("/s/customers/{stranger}/tasks/{todo}", OUR_STAFF - {"auditor"}),
    "account.new_contact": ("/s/customers/{stranger}/contacts", OUR_STAFF - {"auditor"}),
    "account.contact": ("/s/customers/{stranger}/contacts/{contact}", OUR_STAFF - {"auditor"}),
    "account.file": ("/s/customers/{stranger}/file", OUR_STAFF - {"auditor"}),
    "account_acts.promise": ("/s/customers/{stranger}/promise", OUR_STAFF - {"auditor"}),
    "account_acts.message": ("/s/customers/{stranger}/message", OUR_STAFF - {"auditor"}),
    "account_acts.dispute": ("/s/customers/{stranger}/dispute", OUR_STAFF - {"auditor"}),
    "account_acts.remind": ("/s/customers/{stranger}/remind", OUR_STAFF - {"auditor"}),
    "account_acts.stop": ("/s/customers/{stranger}/stop", OUR_STAFF - {"auditor"}),
    "account_acts.resume": ("/s/customers/{stranger}/resume", OUR_STAFF - {"auditor"}),
    "lettering.show": ("/s/customers/{stranger}/lettering", OUR_STAFF),
    "lettering.letter": ("/s/customers/{stranger}/lettering", OUR_STAFF - {"auditor"}),
    "lettering.undo": ("/s/customers/{stranger}/lettering/undo", OUR_STAFF - {"auditor"}),
    "lettering.transfer": ("/s/customers/{stranger}/lettering/transfer", OUR_STAFF - {"auditor"}),
    "lettering.exchange": ("/s/customers/{stranger}/lettering/exchange", OUR_STAFF - {"auditor"}),
    "worklist.show": ("/s/work", ALL_STAFF),
    "worklist.bulk": ("/s/work/bulk", ALL_STAFF - {"auditor"}),
    "worklist.task": ("/s/work/tasks/{todo}", OUR_STAFF - {"auditor"}),
    "reminding.show": ("/s/work/remind?customer={stranger}", ALL_STAFF - {"auditor"}),
    "reminding.send": ("/s/work/remind", ALL_STAFF - {"auditor"}),
    "finding.show": ("/s/search?q=Martin", ALL_READERS),
    "worklist.keep": ("/s/work/views", ALL_STAFF),
    "worklist.forget": ("/s/work/views/{view}/remove", frozenset({"owner"})),
    "staff.invoice": ("/s/invoices/{paid}", OUR_READERS),
    "staff.document": ("/s/invoices/{paid}/documents/{document}", OUR_READERS),
    "staff.evidence": ("/s/invoices/{paid}/evidence", OUR_STAFF),
    "mails.show": ("/s/mails/{mail}", OUR_STAFF),
    "mails.page": ("/s/mails/{mail}/page", OUR_STAFF),
    "mails.again": ("/s/mails/{mail}/again", OUR_STAFF - {"auditor"}),
    "mandates.index": ("/c/mandates", LOOKERS),
    "mandates.ask": ("/c/mandates/new", PAYERS),
    "mandates.draft": ("/c/mandates/new", PAYERS),
    "mandates.confirm": ("/c/mandates/{mandate}/sign", OUR_PAYERS),
    "mandates.sign": ("/c/mandates/{mandate}/sign", OUR_PAYERS),
    "mandates.send_again": ("/c/mandates/{mandate}/code", OUR_PAYERS),
    "mandates.ask_change": ("/c/mandates/{mandate}/account", OUR_PAYERS),
    "mandates.change": ("/c/mandates/{mandate}/account", OUR_PAYERS),
    "mandates.confirm_change": ("/c/mandates/{mandate}/account/confirm", OUR_PAYERS),
    "mandates.take_change": ("/c/mandates/{mandate}/account/confirm", OUR_PAYERS),
    "mandates.document": ("/c/mandates/{mandate}/document", OUR_LOOKERS),
    "mandates.revoke": ("/c/mandates/{mandate}/revoke", OUR_PAYERS),
    "autopay.show": ("/c/autopay", LOOKERS),
    "autopay.start": ("/c/autopay", PAYERS),
    "autopay.end": ("/c/autopay/end", PAYERS),
    "autopay.forget": ("/c/autopay/forget", PAYERS),
    "debits.index": ("/s/debits", ALL_STAFF),
    "debits.plan": ("/s/debits/plan", ALL_STAFF - {"auditor"}),
    "debits.cancel": ("/s/debits/{debit}/cancel", OUR_STAFF - {"auditor"}),
    "debits.make": ("/s/debits/files", OUR_BOOKS),
    "debits.batches": ("/s/debits/files", ALL_STAFF),
    "debits.answer": ("/s/debits/answers", OUR_BOOKS),
    "debits.batch": ("/s/debits/files/{batch}", OUR_STAFF),
    "debits.download": ("/s/debits/files/{batch}/download", OUR_BOOKS),
    "debits.sent": ("/s/debits/files/{batch}/sent", OUR_BOOKS),
    "debits.returns": ("/s/debits/returns", ALL_STAFF),
    "debits.finish": ("/s/debits/tasks/{task}/done", OUR_STAFF - {"auditor"}),
    "debits.ask_settings": ("/s/debits/settings", OUR_BOOKS),
    "debits.keep_settings": ("/s/debits/settings", OUR_OWNER),
    "debit_mandates.index": ("/s/debits/mandates", ALL_STAFF),
    "debit_mandates.show": ("/s/debits/mandates/{mandate}", OUR_STAFF),
    "debit_mandates.document": ("/s/debits/mandates/{mandate}/document", OUR_STAFF),
    "debit_mandates.bank_copy": ("/s/debits/mandates/{mandate}/bank-copy", OUR_BOOKS),
    "debit_mandates.confirm": ("/s/debits/mandates/{mandate}/confirm", OUR_STAFF - {"auditor"}),
    "debit_mandates.unblock": ("/s/debits/mandates/{mandate}/unblock", OUR_STAFF - {"auditor"}),
    "debit_mandates.end": ("/s/debits/mandates/{mandate}/end", OUR_STAFF - {"auditor"}),
    "debit_mandates.ask": ("/s/debits/mandates/new", OUR_BOOKS),
    "debit_mandates.take": ("/s/debits/mandates/new", OUR_BOOKS),
    "debit_mandates.take_table": ("/s/debits/mandates/import", OUR_BOOKS),
    "directory.home": ("/s/directory", ALL_STAFF),
    "directory.company": ("/s/directory/companies/552100554", ALL_STAFF),
    "directory.ask_again": ("/s/directory/companies/552100554", ALL_STAFF),
    "directory.start": ("/s/directory/checks", ALL_STAFF - {"auditor"}),
    "directory.show_check": ("/s/directory/checks/{check}", OUR_STAFF),
    "directory.stop": ("/s/directory/checks/{check}/stop", OUR_STAFF - {"auditor"}),
    "directory.download": ("/s/directory/checks/{check}/table.csv", OUR_STAFF),
    "staff.settle_problem": ("/s/problems/set-aside", ALL_STAFF - {"auditor"}),
    "platform.overview": ("/s/platform", OUR_BOOKS),
    "platform.ask_connection": ("/s/platform/connect", OUR_OWNER),
    "platform.connect": ("/s/platform/connect", OUR_OWNER),
    "platform.ask_access": ("/s/platform/accounts/{account}/access", OUR_OWNER),
    "platform.change_access": ("/s/platform/accounts/{account}/access", OUR_OWNER),
    "platform.test": ("/s/platform/accounts/{account}/test", OUR_BOOKS),
    "platform.ask_closing": ("/s/platform/accounts/{account}/close", OUR_OWNER),
    "platform.close": ("/s/platform/accounts/{account}/close", OUR_OWNER),
    "flows.log": ("/s/platform/flows", ALL_STAFF),
    "flows.flow": ("/s/platform/flows/{flow}", OUR_STAFF),
    "flows.sent_file": ("/s/platform/flows/{flow}/sent", OUR_STAFF),
    "flows.held_file": ("/s/platform/flows/{flow}/held/original", OUR_STAFF),
    "flows.compare": ("/s/platform/flows/{flow}/compare", OUR_STAFF),
    "flows.send_now": ("/s/platform/flows/{flow}/now", OUR_BOOKS),
    "flows.ask_again": ("/s/platform/flows/{flow}/again", OUR_BOOKS),
    "flows.again": ("/s/platform/flows/{flow}/again", OUR_BOOKS),
    "messages.index": ("/c/messages", LOOKERS),
    "messages.account": ("/c/messages/account", LOOKERS),
    "messages.say_on_account": ("/c/messages/account", DISPUTERS),
    "messages.invoice": ("/c/messages/invoices/{paid}", OUR_LOOKERS),
    "messages.say_on_invoice": ("/c/messages/invoices/{paid}", OUR_DISPUTERS),
    "messages.file": ("/c/messages/files/{said}/1", OUR_LOOKERS),
    "link_messages.ask": ("{link}/message", EVERYBODY),
    "link_messages.send": ("{link}/message", EVERYBODY),
    "link_messages.confirm": (f"/m/{'A' * 64}", EVERYBODY),
    "link_messages.settle": (f"/m/{'A' * 64}", EVERYBODY),
    "staff_messages.index": ("/s/messages", ALL_READERS),
    "staff_messages.show": ("/s/messages/invoices/{paid}", OUR_READERS),
    "staff_messages.reply": ("/s/messages/invoices/{paid}/reply", OUR_STAFF - {"auditor"}),
    "staff_messages.note": ("/s/messages/customers/{customer}/note", OUR_STAFF - {"auditor"}),
    "staff_messages.assign": ("/s/messages/invoices/{paid}/assign", OUR_STAFF - {"auditor"}),
    "staff_messages.close": ("/s/messages/invoices/{paid}/close", OUR_STAFF - {"auditor"}),
    "staff_messages.file": ("/s/messages/files/{said}/1", OUR_READERS),
    "message_templates.index": ("/s/messages/templates", ALL_STAFF),
    "message_templates.keep": ("/s/messages/templates", ALL_STAFF - {"auditor"}),
    "message_templates.remove": (
        "/s/messages/templates/01900000-0000-7000-8000-000000000000/remove",
        ALL_STAFF - {"auditor"},
    ),
    "iban.show": ("/s/iban", ALL_STAFF),
    "iban.propose": ("/s/iban", OUR_BOOKS),
    "iban.confirm": ("/s/iban/01900000-0000-7000-8000-000000000000/confirm", OUR_BOOKS),
    "iban.refuse": ("/s/iban/01900000-0000-7000-8000-000000000000/refuse", OUR_BOOKS),
    "customer_iban.show": ("/c/iban", LOOKERS),
    "customer_iban.check": ("/c/iban", LOOKERS),
    "customer_iban.show_by_link": ("{link}/iban", EVERYBODY),
    "customer_iban.check_by_link": ("{link}/iban", EVERYBODY),
    "matching.queue": ("/s/matching", ALL_STAFF),
    "matching.line": ("/s/matching/lines/{line}", OUR_STAFF),
    "matching_choice.show": ("/s/matching/lines/{line}/choose", OUR_STAFF - {"auditor"}),
    "matching_choice.book": ("/s/matching/lines/{line}/choose", OUR_STAFF - {"auditor"}),
    "matching.ask": ("/s/matching/lines/{line}/ask", OUR_STAFF - {"auditor"}),
    "matching.put_aside": ("/s/matching/lines/{line}/aside", OUR_STAFF - {"auditor"}),
    "matching.confirm": ("/s/matching/proposals/{proposal}", OUR_STAFF - {"auditor"}),
    "matching.undo": ("/s/matching/lines/{line}/undo", OUR_STAFF - {"auditor"}),
    "matching.payers": ("/s/matching/payers", ALL_STAFF),
    "matching.forget": ("/s/matching/payers/{customer}/forget", ALL_STAFF - {"auditor"}),
    "questions.show": ("/c/questions/{question}", OUR_PAYERS),
    "questions.answer": ("/c/questions/{question}", OUR_PAYERS),
    "bank.overview": ("/s/bank", ALL_STAFF),
    "bank.take": ("/s/bank", OUR_BOOKS),
    "bank.file": ("/s/bank/files/{file}", OUR_STAFF),
    "bank.question": ("/s/bank/files/{file}/question", OUR_BOOKS),
    "bank.answer": ("/s/bank/files/{file}/question", OUR_BOOKS),
    "bank.statements": ("/s/bank/statements", ALL_STAFF),
    "bank.statement": ("/s/bank/statements/{statement}", OUR_STAFF),
    "bank.original": ("/s/bank/statements/{statement}/original", OUR_STAFF),
    "bank_lines.listing": ("/s/bank/lines", ALL_STAFF),
    "bank_lines.line": ("/s/bank/lines/{line}", OUR_STAFF),
    "bank_lines.say": ("/s/bank/lines/{line}/aside", OUR_BOOKS),
    "receipts.listing": ("/s/receipts", ALL_STAFF),
    "receipts.take_list": ("/s/receipts/list", ALL_STAFF - {"auditor"}),
    "receipts.new": ("/s/receipts/new", ALL_STAFF - {"auditor"}),
    "receipts.record": ("/s/receipts/new/{customer}", OUR_STAFF - {"auditor"}),
    "receipts.show": ("/s/receipts/{receipt}", OUR_STAFF),
    "receipts.bounced": ("/s/receipts/{receipt}/bounce", OUR_STAFF - {"auditor"}),
    "receipts.slip": ("/s/receipts/deposit", ALL_STAFF - {"auditor"}),
    "receipts.deposit": ("/s/receipts/deposit", ALL_STAFF - {"auditor"}),
    "receipts.deposit_page": ("/s/receipts/deposits/{deposit}", OUR_STAFF),
    "settings.show": ("/s/settings", ALL_STAFF),
    "identity.show": ("/s/company/identity", OUR_OWNER),
    "identity.save": ("/s/company/identity", OUR_OWNER),
    "identity.show_terms": ("/s/company/terms", OUR_OWNER),
    "identity.save_terms": ("/s/company/terms", OUR_OWNER),
    "clients.index": ("/s/clients", ALL_READERS),
    "clients.ask": ("/s/clients/new", ALL_STAFF - {"auditor"}),
    "clients.add": ("/s/clients/new", ALL_STAFF - {"auditor"}),
    "clients.show": ("/s/clients/{customer}", OUR_READERS),
    "clients.save": ("/s/clients/{customer}", OUR_STAFF - {"auditor"}),
    "clients.check_vat": ("/s/clients/{customer}/vat", OUR_STAFF - {"auditor"}),
    "items.index": ("/s/items", ALL_READERS),
    "items.ask": ("/s/items/new", OUR_BOOKS),
    "items.add": ("/s/items/new", OUR_BOOKS),
    "items.show": ("/s/items/{item}", OUR_READERS),
    "items.save": ("/s/items/{item}", OUR_BOOKS),
    "items.retire": ("/s/items/{item}/retire", OUR_BOOKS),
    "series.show": ("/s/settings/series", ALL_STAFF),
    "series.save": ("/s/settings/series", OUR_BOOKS),
    "sales_terms.show": ("/s/settings/terms", ALL_STAFF),
    "sales_terms.publish": ("/s/settings/terms", OUR_BOOKS),
    "branding.show": ("/s/settings/branding", OUR_OWNER),
    "branding.save": ("/s/settings/branding", OUR_OWNER),
    "branding.logo": ("/s/settings/branding/logo.svg", OUR_STAFF),
    "mail_texts.index": ("/s/settings/mail-texts", ALL_STAFF),
    "mail_texts.show": ("/s/settings/mail-texts/every", ALL_STAFF),
    "mail_texts.save": ("/s/settings/mail-texts/every", OUR_BOOKS),
    "domain.show": ("/s/settings/domain", OUR_OWNER),
    "domain.ask": ("/s/settings/domain", OUR_OWNER),
    "domain.check": ("/s/settings/domain/check", OUR_OWNER),
    "domain.end": ("/s/settings/domain/end", OUR_OWNER),
    "law.show": ("/s/settings/law", ALL_STAFF),
    "audit_trail.show": ("/s/settings/audit", OUR_LEDGERS),
    "audit_trail.export": ("/s/settings/audit/trail.csv", OUR_LEDGERS),
    "invoicing.home": ("/s/invoicing", OUR_BOOKS),
    "invoicing.ask": ("/s/invoicing/new", OUR_BOOKS),
    "invoicing.begin": ("/s/invoicing/drafts", OUR_BOOKS),
    "invoice_form.write": ("/s/invoicing/drafts/{written}", OUR_BOOKS),
    "invoice_form.save": ("/s/invoicing/drafts/{written}", OUR_BOOKS),
    "invoice_form.look": ("/s/invoicing/drafts/{written}/look", OUR_BOOKS),
    "invoice_form.picture": ("/s/invoicing/drafts/{written}/page-1.png", OUR_BOOKS),
    "invoice_form.review": ("/s/invoicing/drafts/{written}/review", OUR_BOOKS),
    "invoice_form.issue": ("/s/invoicing/drafts/{written}/issue", OUR_BOOKS),
    "invoice_form.discard": ("/s/invoicing/drafts/{discarded}/discard", OUR_BOOKS),
    "invoice_follow.repeat": ("/s/invoicing/invoices/{written_before}/again", OUR_BOOKS),
    "invoice_follow.ask": ("/s/invoicing/invoices/{written_before}/credit", OUR_BOOKS),
    "invoice_follow.credit": ("/s/invoicing/invoices/{written_before}/credit", OUR_BOOKS),
    "invoice_follow.correct": ("/s/invoicing/invoices/{written_before}/correct", OUR_BOOKS),
    "invoice_follow.complete": ("/s/invoicing/invoices/{written_before}/final", frozenset()),
    "invoice_plans.templates": ("/s/invoicing/templates", OUR_BOOKS),
    "invoice_plans.keep": ("/s/invoicing/templates", OUR_BOOKS),
    "invoice_plans.remove": ("/s/invoicing/templates/01990000-0000-7000-8000-000000000001/remove", frozenset()),
    "invoice_plans.index": ("/s/invoicing/recurring", OUR_BOOKS),
    "invoice_plans.ask": ("/s/invoicing/recurring/new/{written}", OUR_BOOKS),
    "invoice_plans.begin": ("/s/invoicing/recurring/new/{written}", OUR_BOOKS),
    "invoice_plans.show": ("/s/invoicing/recurring/{recurring}", OUR_BOOKS),
    "invoice_plans.change": ("/s/invoicing/recurring/{recurring}", OUR_BOOKS),
    "company.show": ("/s/company", OUR_OWNER),
    "company.save": ("/s/company", OUR_OWNER),
    "reports.listing": ("/s/reports", ALL_STAFF),
    "reports.period": ("/s/reports/payments/2026-10-01", ALL_STAFF),
    "reports.prepare": ("/s/reports/payments/2026-10-01/prepare", OUR_BOOKS),
    "reports.version": ("/s/reports/{report}", OUR_STAFF),
    "reports.file": ("/s/reports/{report}/file", OUR_STAFF),
    "purchases.listing": ("/s/purchases", ALL_STAFF),
    "purchases.page": ("/s/purchases/{purchase}", OUR_STAFF),
    "purchases.original": ("/s/purchases/{purchase}/original", OUR_STAFF),
    "purchases.xml": ("/s/purchases/{purchase}/xml", OUR_STAFF),
    "purchases.readable": ("/s/purchases/{purchase}/readable", OUR_STAFF),
    "purchases.answer": ("/s/purchases/{purchase}/statuses", frozenset({"accountant", "owner"})),
    "indicators.index": ("/s/indicators", ALL_READERS),
    "indicators.table": ("/s/indicators/table.csv", ALL_READERS),
    "indicators.show": ("/s/indicators/figures/dso", ALL_READERS),
    "indicators.lines": ("/s/indicators/lines/receivable.csv", ALL_READERS),
    "indicators.breakdown": ("/s/indicators/by/age", ALL_READERS),
    "indicator_forecast.index": ("/s/indicators/forecast", ALL_READERS),
    "indicator_forecast.table": ("/s/indicators/forecast/table.csv", ALL_READERS),
    "indicator_mailings.index": ("/s/indicators/mailings", ALL_STAFF),
    "indicator_mailings.add": ("/s/indicators/mailings", ALL_STAFF),
    "indicator_mailings.stop": ("/s/indicators/mailings/01990000-0000-7000-8000-000000000001/stop", frozenset()),
    "treasury.overview": ("/s/treasury", ALL_STAFF),
    "treasury.payouts": ("/s/treasury/payouts", ALL_STAFF),
    "treasury.payout": ("/s/treasury/payouts/{payout}", OUR_STAFF),
    "treasury.payout_table": ("/s/treasury/payouts/{payout}/table.csv", OUR_STAFF),
    "treasury.comparisons": ("/s/treasury/comparisons", ALL_STAFF),
    "treasury.comparison_table": ("/s/treasury/comparisons/table.csv", ALL_STAFF),
    "payments.index": ("/s/payments", ALL_STAFF),
    "payments.table": ("/s/payments/table.csv", ALL_STAFF),
    "payments.show": ("/s/payments/{treasure_payment}", OUR_STAFF),
    "payments.plan": ("/s/payments/{treasure_payment}/refund", OUR_STAFF - {"auditor"}),
    "payments.order": ("/s/payments/{treasure_payment}/refund", OUR_STAFF - {"auditor"}),
    "payments.use_credit": ("/s/payments/{treasure_payment}/aim", OUR_STAFF - {"auditor"}),
    "payments.take_back": ("/s/payments/{treasure_payment}/unaim", OUR_STAFF - {"auditor"}),
    "scores.index": ("/s/scores", ALL_READERS),
    "scores.show": ("/s/scores/customers/{customer}", OUR_READERS),
    "scores.set_block": ("/s/scores/customers/{customer}/block", OUR_STAFF - {"auditor"}),
    "scores.ask": ("/s/scores/customers/{customer}/ask", OUR_STAFF - {"auditor"}),
    "scores.agencies": ("/s/scores/agencies", ALL_STAFF),
    "scores.take": ("/s/scores/agencies/files", ALL_STAFF - {"auditor"}),
    "scores.connect": ("/s/scores/agencies/accounts", OUR_CREDIT),
    "insurance.index": ("/s/insurance", ALL_STAFF),
    "insurance.keep_policy": ("/s/insurance/policies", OUR_CREDIT),
    "insurance.connect": ("/s/insurance/accounts", OUR_CREDIT),
    "insurance.decisions": ("/s/insurance/decisions", ALL_STAFF),
    "insurance.take": ("/s/insurance/decisions", frozenset()),
    "insurance.ask": ("/s/insurance/requests", frozenset()),
    "insurance.overdues": ("/s/insurance/overdues", ALL_STAFF),
    "insurance.declare": ("/s/insurance/overdues", frozenset()),
    "factoring.index": ("/s/factoring", ALL_STAFF),
    "factoring.add_factor": ("/s/factoring/factors", OUR_BOOKS),
    "factoring.factor": ("/s/factoring/factors/{factor}", OUR_STAFF),
    "factoring.add_move": ("/s/factoring/factors/{factor}/moves", OUR_BOOKS),
    "factoring.set_account": ("/s/factoring/factors/{factor}/account", OUR_BOOKS),
    "factoring.choose": ("/s/factoring/assign", OUR_BOOKS),
    "factoring.assign": ("/s/factoring/assign", OUR_BOOKS),
    "factoring.show": ("/s/factoring/{assignment}", OUR_STAFF),
    "factoring.paid": ("/s/factoring/{assignment}/paid", OUR_BOOKS),
    "factoring.give_over": ("/s/factoring/{assignment}/hand-over", OUR_BOOKS),
    "factoring.take_back": ("/s/factoring/{assignment}/back", OUR_BOOKS),
    "credit.index": ("/s/credit", ALL_READERS),
    "credit.derogations": ("/s/credit/derogations", ALL_READERS),
    "credit.policy": ("/s/credit/policy", ALL_READERS),
    "credit.customer": ("/s/credit/customers/{customer}", OUR_READERS),
    "credit.lines": ("/s/credit/customers/{customer}/lines", OUR_READERS),
    "credit.decisions": ("/s/credit/customers/{customer}/decisions", OUR_READERS),
    "credit_acts.limit": ("/s/credit/customers/{customer}/limits", OUR_CREDIT),
    "credit_acts.stop_limit": ("/s/credit/customers/{customer}/limits/{credit_limit}/end", OUR_CREDIT),
    "credit_acts.ask": ("/s/credit/customers/{customer}/derogations", OUR_STAFF - {"auditor"}),
    "credit_acts.agree": ("/s/credit/derogations/{derogation}/agree", OUR_CREDIT),
    "credit_acts.refuse": ("/s/credit/derogations/{derogation}/refuse", OUR_CREDIT),
    "credit_acts.decide": ("/s/credit/customers/{customer}/decisions", OUR_STAFF - {"auditor"}),
    "credit_acts.insolvency": ("/s/credit/customers/{customer}/insolvency", OUR_STAFF - {"auditor"}),
    "credit_acts.change_insolvency": ("/s/credit/insolvencies/{insolvency}", OUR_STAFF - {"auditor"}),
    "credit_acts.parent": ("/s/credit/customers/{customer}/parent", OUR_CREDIT),
    "credit_acts.change_policy": ("/s/credit/policy", OUR_CREDIT),
    "refunds.index": ("/s/treasury/refunds", ALL_STAFF),
    "refunds.agree": ("/s/treasury/refunds/{treasure_order}/agree", OUR_BOOKS),
    "refunds.refuse": ("/s/treasury/refunds/{treasure_order}/refuse", OUR_BOOKS),
    "refunds.set_limit": ("/s/treasury/refunds/limit", OUR_OWNER),
    "refunds.make_transfers": ("/s/treasury/refunds/transfers", OUR_BOOKS),
    "refunds.transfer_file": ("/s/treasury/refunds/transfers/{transfers}.xml", OUR_BOOKS),
    "contests.index": ("/s/treasury/disputes", ALL_STAFF),
    "contests.show": ("/s/treasury/disputes/{contest}", OUR_STAFF),
    "contests.preview": ("/s/treasury/disputes/{contest}/evidence.pdf", OUR_STAFF),
    "contests.answer": ("/s/treasury/disputes/{contest}/answer", OUR_STAFF - {"auditor"}),
    "agreements.index": ("/c/plans", LOOKERS),
    "agreements.ask_promise": ("/c/plans/promise", DISPUTERS),
    "agreements.promise": ("/c/plans/promise", DISPUTERS),
    "agreements.ask": ("/c/plans/new", DISPUTERS),
    "agreements.review": ("/c/plans/review", DISPUTERS),
    "agreements.propose": ("/c/plans", DISPUTERS),
    "agreements.show": ("/c/plans/{plan}", OUR_LOOKERS),
    "agreements.accept": ("/c/plans/{plan}/accept", OUR_DISPUTERS),
    "agreements.refuse": ("/c/plans/{plan}/refuse", OUR_DISPUTERS),
    "people.index": ("/c/people", LOOKERS),
    "people.send": ("/c/people", CUSTOMERS),
    "people.withdraw": ("/c/people/invitations/{invitation}/withdraw", OUR_CUSTOMER),
    "people.keep": ("/c/people/{member}/rights", OUR_CUSTOMER),
    "people.remove": ("/c/people/{member}/remove", OUR_CUSTOMER),
    "people.confirm": ("/join/{joining}", EVERYBODY),
    "people.accept": ("/join/{joining}", EVERYBODY),
    "everywhere.show": ("/c/all", LOOKERS),
    "readable.show": ("/c/invoices/{paid}/read", frozenset()),
    "customer_company.show": ("/c/company", LOOKERS),
    "customer_company.ask": ("/c/company", CUSTOMERS),
    "customer_company.add": ("/c/company/contacts", CUSTOMERS),
    "customer_company.change": ("/c/company/contacts/{own_contact}", OUR_CUSTOMER),
    "customer_export.show": ("/c/export", CUSTOMERS),
    "customer_export.begin": ("/c/export", CUSTOMERS),
    "customer_export.watch": ("/c/export/{own_export}", OUR_CUSTOMER),
    "customer_export.fetch": ("/c/export/{own_export}/file", OUR_CUSTOMER),
    "customer_export.file": ("/c/export/file.zip", CUSTOMERS),
    "advices.index": ("/c/advices", PAYERS),
    "advices.send": ("/c/advices", PAYERS),
    "advices.show": ("/c/advices/{advice}", OUR_PAYERS),
    "advices.confirm": ("/c/advices/{advice}", OUR_PAYERS),
    "advices.file": ("/c/advices/{advice}/file", OUR_PAYERS),
    "advices.withdraw": ("/c/advices/{advice}/withdraw", OUR_PAYERS),
    "terms.show": ("/terms/{supplier}/{terms}", EVERYBODY),
    "terms.file": ("/terms/{supplier}/{terms}/file", EVERYBODY),
    "looks.sheet": ("{look_sheet}", EVERYBODY),
    "looks.logo": ("{look_logo}", EVERYBODY),
    "account_opening.ask": ("/open/{reference}", EVERYBODY),
    "account_opening.send": ("/open/{reference}", EVERYBODY),
    "account_opening.confirm": ("/opening/{asked_token}", EVERYBODY),
    "account_opening.settle": ("/opening/{asked_token}", EVERYBODY),
    "requests.index": ("/s/requests", ALL_STAFF),
    "requests.account": ("/s/requests/accounts/{account_request}", OUR_STAFF),
    "requests.approve": ("/s/requests/accounts/{account_request}/approve", OUR_CREDIT),
    "requests.refuse": ("/s/requests/accounts/{account_request}/refuse", OUR_CREDIT),
    "requests.take": ("/s/requests/changes/{change}/take", OUR_STAFF - {"auditor"}),
    "requests.leave": ("/s/requests/changes/{change}/leave", OUR_STAFF - {"auditor"}),
    "requests.advice": ("/s/requests/advices/{advice}", OUR_STAFF),
    "requests.file": ("/s/requests/advices/{advice}/file", OUR_STAFF),
    "requests.ask_opening": ("/s/requests/opening", ALL_STAFF),
    "requests.keep_opening": ("/s/requests/opening", OUR_OWNER),
    "desk.show": ("/s/desk", ALL_STAFF),
    "desk.keep": ("/s/desk", ALL_STAFF - {"auditor"}),
    "desk.keep_house": ("/s/desk/house", OUR_BOOKS),
    "promises.index": ("/s/promises", ALL_STAFF),
    "promises.choose_customer": ("/s/promises/customers", ALL_STAFF - {"auditor"}),
    "promises.ask": ("/s/promises/new/{customer}", OUR_STAFF - {"auditor"}),
    "promises.take": ("/s/promises/new/{customer}", OUR_STAFF - {"auditor"}),
    "promises.withdraw": ("/s/promises/{promise}/withdraw", OUR_STAFF - {"auditor"}),
    "promises.show_policy": ("/s/promises/policy", ALL_STAFF),
    "promises.save_policy": ("/s/promises/policy", OUR_OWNER),
    "plans.index": ("/s/promises/plans", ALL_STAFF),
    "plans.show": ("/s/promises/plans/{plan}", OUR_STAFF),
    "plans.agree": ("/s/promises/plans/{plan}/agree", OUR_STAFF - {"auditor"}),
    "plans.refuse": ("/s/promises/plans/{plan}/refuse", OUR_STAFF - {"auditor"}),
    "plans.withdraw": ("/s/promises/plans/{plan}/withdraw", OUR_STAFF - {"auditor"}),
    "plans.ask": ("/s/promises/plans/new/{customer}", OUR_STAFF - {"auditor"}),
    "plans.review": ("/s/promises/plans/new/{customer}/review", OUR_STAFF - {"auditor"}),
    "plans.propose": ("/s/promises/plans/new/{customer}", OUR_STAFF - {"auditor"}),
    "provider_accounts.index": ("/s/treasury/accounts", OUR_BOOKS),
    "provider_accounts.ask_connection": ("/s/treasury/accounts/connect", OUR_OWNER),
    "provider_accounts.connect": ("/s/treasury/accounts/connect", OUR_OWNER),
    "provider_accounts.choose_methods": ("/s/treasury/accounts/{gateway}/methods", OUR_OWNER),
    "provider_accounts.change_secret": ("/s/treasury/accounts/{gateway}/secret", OUR_OWNER),
    "provider_accounts.forget_secret": ("/s/treasury/accounts/{gateway}/secret/forget", OUR_OWNER),
    "provider_accounts.ask_switch": ("/s/treasury/accounts/{gateway}/activate", OUR_OWNER),
    "provider_accounts.switch": ("/s/treasury/accounts/{gateway}/activate", OUR_OWNER),
}
"""Endpoint: an address of this house, and who gets something there. Everybody else: sign-in, or nothing at all."""


def a_stop(house: House) -> str:
    """The token by which somebody wants no digest any more."""
    url = unsubscribe_url(house.services, house.supplier.supplier_id, "somebody@client.example", "digest")
    return url.rpartition("/")[2]


THINGS: dict[UUID, dict[str, object]] = {}


def address(pattern: str, house: House) -> str:
    """An address of this house; what stands in it is made and looked up once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in THINGS:
        THINGS[supplier_id] = _things(house)
    return pattern.format_map(THINGS[supplier_id])


def _things(house: House) -> dict[str, object]:
    return {
        "link": house.links["paid"],
        "paid": house.invoices["paid"].invoice_id,
        "colleague": a_colleague(house),
        "document": house.document_id,
        "customer": house.customer_id,
        "mail": house.mail_id,
        "stop": a_stop(house),
        "purchase": house.purchase_id,
        "check": house.check_id,
        "dispute": house.dispute_id,
        "late": house.links["late"],
        "sent": house.sent_id,
        "account": house.account_id,
        "flow": house.flow(2),
        "report": a_report(house),
        **a_treasure(house),
        "payment": a_payment(house),
        **waiting_line(house),
        **bank_things(house),
        **debit_things(house),
        **message_things(house),
        **customer_things(house),
        **access_things(house),
        **account_things(house),
        **agreement_things(house),
        **program_things(house),
        "hook": webhook_things(house)["hook"],
        "taken": webhook_things(house)["taken"],
        **credit_things(house),
        **invoicing_things(house),
        "factor": risk_things(house)["factor"],
        "assignment": risk_things(house)["assignment"],
        "claim": claim_of(house),
        "item": settings_things(house)["item"],
        "notice": a_reminder(house),
        "year_end": date(today().year, 12, 31),
        **import_things(house),
        **export_things(house),
    }


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: whoever may, presses every button in it."""
    built = build_house(services, "Atelier des Portes")
    add_lesser_people(built)
    return built


COLLEAGUES: dict[UUID, UUID] = {}


def a_colleague(house: House) -> UUID:
    """Somebody of the staff whom no other test needs: whoever may, ends what they have."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in COLLEAGUES:
        person = add_person(house.services.database, f"leaving@{house.supplier.siren}.example", "Dominique")
        add_membership(house.services.database, person.person_id, supplier_id, Role.SALES)
        COLLEAGUES[supplier_id] = person.person_id
    return COLLEAGUES[supplier_id]


NOTICES: dict[UUID, UUID] = {}


def a_reminder(house: House) -> UUID:
    """A reminder of this house about its late invoice, made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in NOTICES:
        with house.services.works.begin(supplier_id) as work:
            adopt_usual_scenarios(work, "test")
            (row,) = work.rows(
                "INSERT INTO dunning_notices (supplier_id, notice_id, customer_id, scenario_id, channel, level, "
                "template, contact, written_by, state, written_on, written_at, changed_at) SELECT :supplier, :id, "
                ":customer, "
                "scenario_id, 'call', 2, 'call', '{}', 'test', 'written', :on, made_at, made_at FROM dunning_scenarios "
                "WHERE supplier_id = :supplier LIMIT 1 RETURNING notice_id",
                id=new_id(),
                customer=house.customer_id,
                on=today(),
            )
            NOTICES[supplier_id] = row["notice_id"]
    return NOTICES[supplier_id]


def a_payment(house: House) -> UUID:
    """The payment of the paid invoice."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return payments_on(work, house.invoices["paid"].invoice_id)[0].attempt_id


def a_stranger(work: Work) -> UUID:
    """A customer whom no other test looks at: whoever may, changes what they owe and have."""
    return issue(work, customer=customer_facts("Atelier des Essais", "100000009")).customer_id


ACCOUNTS: dict[UUID, dict[str, UUID]] = {}


def account_things(house: House) -> dict[str, UUID]:
    """A customer with a contact and a task, and a view that the owner keeps; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in ACCOUNTS:
        with house.services.works.begin(supplier_id) as work:
            stranger = a_stranger(work)
            contact = add_contact(
                work, Contact(None, stranger, "Ada", "payment", "ada@essais.example", None, "fr"), "test"
            )
            open_task(work, NewTask("access/todo", "call_again", today(), stranger))
            assert contact.contact_id is not None
            ACCOUNTS[supplier_id] = {
                "stranger": stranger,
                "contact": contact.contact_id,
                "todo": open_tasks(work, customer_id=stranger)[0].task_id,
                "view": keep_view(work, house.people["owner"].person_id, "Access", "whose=all"),
            }
    return ACCOUNTS[supplier_id]


BANK: dict[UUID, dict[str, str]] = {}


def bank_things(house: House) -> dict[str, str]:
    """A statement, its file, and a cheque on a slip; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in BANK:
        content = camt(Paper(today(), 0, (Told(-100, today(), house.supplier.name, text=str(supplier_id)),)))
        taken = take_file(house.services, supplier_id, "releve.xml", content, "test")
        with house.services.works.begin(supplier_id) as work:
            cheque = HandReceipt("cheque", a_stranger(work), 100, "EUR", today(), "CHQ-ACCESS")
            receipt = record_by_hand(work, cheque, "test")
            slip = make_deposit(
                work, "cheque", [receipt.receipt_id], reference="ACCESS", deposited_on=today(), actor="test"
            )
        found = (taken.statements[0].statement_id, receipt.receipt_id, slip.deposit_id)
        names = ("statement", "receipt", "deposit")
        BANK[supplier_id] = {"file": taken.sha256, **dict(zip(names, map(str, found), strict=True))}
    return BANK[supplier_id]


LINES: dict[UUID, dict[str, UUID]] = {}


def waiting_line(house: House) -> dict[str, UUID]:
    """A bank line with a proposal, and another about which the customer is asked; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in LINES:
        with house.services.works.begin(supplier_id) as work:
            line, other = propose_line(work, a_stranger(work)), propose_line(work, house.customer_id)
            LINES[supplier_id] = {
                "line": line,
                "proposal": first_proposal(work, line).proposal_id,
                "question": ask_about(work, other, house.customer_id),
            }
    return LINES[supplier_id]


def ask_once_more(house: House) -> None:
    """Ask the customer another question: whoever answers settles it for all of them."""
    address("", house)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        line = propose_line(work, house.customer_id)
        THINGS[house.supplier.supplier_id]["question"] = ask_about(work, line, house.customer_id)


TREASURES: dict[UUID, dict[str, str]] = {}


def a_treasure(house: House) -> dict[str, str]:
    """Payout, payment, refund, chargeback, account and file of this house, made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in TREASURES:
        with house.services.works.begin(supplier_id) as work:
            made = fill_some_treasury(work, house.services.keyring, house.supplier.reference)
            TREASURES[supplier_id] = {
                "payout": made.banked_ref,
                "treasure_payment": str(made.attempt_id),
                "treasure_order": str(made.order_id),
                "contest": made.dispute_ref,
                "gateway": str(made.account_id),
                "transfers": str(keep_transfers(work)),
            }
    return TREASURES[supplier_id]


REPORTS: dict[UUID, UUID] = {}


def a_report(house: House) -> UUID:
    """The declaration of this house, made once, with a file in the archive."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in REPORTS:
        content = b"<Report/>"
        house.services.archive.put(content, date(2037, 12, 31))
        with house.services.works.begin(supplier_id) as work:
            period = period_of("quarterly", ReportKind.TRANSACTIONS, date(2026, 10, 1))
            made = declare_by_hand(work, period, sha256=hashlib.sha256(content).hexdigest())
        REPORTS[supplier_id] = made.report_id
    return REPORTS[supplier_id]


class Browser:
    """The browser of one kind of caller: it keeps its session and its form token until an act of its own ends them."""

    def __init__(self, app: Flask, who: str, house: House, neighbour: House) -> None:
        self.client, self.house = app.test_client(), house
        self.home, self.who = (neighbour, "collector") if who == "neighbour" else (house, who)
        self.methods: dict[str, set[str]] = {}
        for rule in app.url_map.iter_rules():
            self.methods.setdefault(rule.endpoint, set()).update(rule.methods or ())
        self.token = ""

    def call(self, endpoint: str) -> TestResponse:
        self._come_in()
        path = address(MATRIX[endpoint][0], self.house)
        if "GET" in self.methods[endpoint]:
            return self.client.get(path)
        self.token = self.token or form_token(self.client)
        return press(self.client, path, form_token=self.token)

    def _come_in(self) -> None:
        """Sign in, at first and where the session was ended by what was called last."""
        if self.who != "anonymous" and self.client.get_cookie("session") is None:
            self.home.sign_in(self.client, self.who)
            self.token = ""


@pytest.mark.parametrize("who", CALLERS)
def test_every_route_lets_in_exactly_who_it_should(app: Flask, house: House, neighbour: House, who: str) -> None:
    ask_once_more(house)
    browser = Browser(app, who, house, neighbour)
    for endpoint, (_, allowed) in MATRIX.items():
        answer = browser.call(endpoint)
        to_sign_in = answer.status_code == 303 and answer.location == "/sign-in"
        if who in allowed:
            assert answer.status_code != 404, (endpoint, who)
            assert answer.status_code != 500, (endpoint, who)
            assert not to_sign_in or endpoint.startswith(("sign_in.", "sign_in_provider.leave")), (endpoint, who)
        elif who == "anonymous" and endpoint not in NOT_HERE:
            assert to_sign_in, (endpoint, answer.status_code)
        else:
            assert answer.status_code == 404, (endpoint, who, answer.status_code)


def test_the_matrix_names_every_route_of_the_portal(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == MATRIX.keys()


def test_a_foreign_and_a_missing_invoice_look_the_same(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    foreign = client.get(f"/c/invoices/{house.invoices['foreign'].invoice_id}")
    missing = client.get("/c/invoices/01900000-0000-7000-8000-000000000000")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(str(house.invoices["foreign"].invoice_id), "") == missing.text.replace(
        "01900000-0000-7000-8000-000000000000", ""
    )


def test_a_customers_lists_hold_nothing_of_another_customer(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    foreign = house.invoices["foreign"].number
    for path in ("/c/", "/c/invoices", f"/c/invoices?q={foreign}", "/c/receipts"):
        assert f">{foreign}<" not in client.get(path).text


def test_a_customer_never_gets_a_life_cycle_message_as_a_document(client: FlaskClient, house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        message_id = work.scalar(
            "SELECT document_id FROM documents WHERE supplier_id = :supplier AND form = 'cdar' AND invoice_id = :id",
            id=house.invoices["paid"].invoice_id,
        )
    path = f"invoices/{house.invoices['paid'].invoice_id}/documents/{message_id}"
    house.sign_in(client, "customer")
    assert client.get(f"/c/{path}").status_code == 404
    house.sign_in(client, "collector")
    assert client.get(f"/s/{path}").status_code == 200


def test_staff_do_not_read_other_peoples_sign_in_mails(client: FlaskClient, house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        mail_id = work.scalar(
            "SELECT mail_id FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'sign-in/%' LIMIT 1"
        )
    house.sign_in(client, "collector")
    assert "Votre lien de connexion" not in client.get("/s/mails").text
    assert client.get(f"/s/mails/{mail_id}").status_code == 404


def test_a_person_of_two_suppliers_switches_and_sees_one_at_a_time(
    client: FlaskClient, house: House, neighbour: House
) -> None:
    person = add_person(house.services.database, f"two@{house.supplier.siren}.example", "Deux Maisons")
    for each in (house, neighbour):
        add_membership(house.services.database, person.person_id, each.supplier.supplier_id, Role.ACCOUNTANT)
    house.people["two"] = person
    house.sign_in(client, "two")
    ours, theirs = (f"/s/invoices/{each.invoices['due'].invoice_id}" for each in (house, neighbour))
    press(client, "/switch", place=f"{house.supplier.supplier_id}.accountant")
    assert [client.get(path).status_code for path in (ours, theirs)] == [200, 404]
    press(client, "/switch", place=f"{neighbour.supplier.supplier_id}.accountant")
    assert [client.get(path).status_code for path in (ours, theirs)] == [404, 200]
    client.set_cookie("place", f"{neighbour.supplier.supplier_id}.owner")
    assert client.get(ours).status_code == 200, "a place that is none of theirs falls back to their first"


def test_the_app_refuses_to_start_with_a_route_that_does_not_say_who_may_call_it(services: Services) -> None:
    planted = Blueprint("planted", __name__)

    @planted.get("/planted")
    def forgotten() -> str:
        return "anybody could read this"

    with pytest.raises(UnstatedAccessError, match=r"/planted \(planted.forgotten\)"):
        create_app(services, [planted])
