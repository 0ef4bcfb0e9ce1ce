"""Every page of the portal, and how long a form each of them takes."""

from __future__ import annotations

from portal import demo_design
from portal.access import me_pages, proof_pages, provider_pages
from portal.access import pages as sign_in_pages
from portal.api import reference as api_reference
from portal.customer import (
    advices,
    basket,
    disputing,
    everywhere,
    link_messages,
    looks,
    opening,
    pay_link,
    readable,
    unidentified,
)
from portal.customer import autopay as autopay_page
from portal.customer import company as customer_company_page
from portal.customer import export as customer_export_page
from portal.customer import iban as iban_page
from portal.customer import mandates as mandate_pages
from portal.customer import messages as message_pages
from portal.customer import pages as customer_pages
from portal.customer import promises as agreement_pages
from portal.customer import statement as customer_statement_pages
from portal.customer import terms as terms_pages
from portal.customer.people import pages as people_pages
from portal.documents import attachments
from portal.mail import demo_mails, unsubscribe_pages
from portal.staff import company as company_page
from portal.staff import pages as staff_pages
from portal.staff.account import acts as account_acts
from portal.staff.account import pages as account_pages
from portal.staff.bank import lines as bank_line_pages
from portal.staff.bank import pages as bank_pages
from portal.staff.claims import pages as claim_pages
from portal.staff.claims import write_offs as write_off_pages
from portal.staff.credit import acts as credit_acts
from portal.staff.credit import pages as credit_pages
from portal.staff.debits import mandate_pages as debit_mandate_pages
from portal.staff.debits import pages as debit_pages
from portal.staff.directory import pages as directory_pages
from portal.staff.disputes import noting as dispute_noting
from portal.staff.disputes import pages as dispute_pages
from portal.staff.dunning import pages as dunning_pages
from portal.staff.dunning import scenario_pages as dunning_scenario_pages
from portal.staff.exports import pages as export_pages
from portal.staff.exports import statements as statement_pages
from portal.staff.factoring import pages as factoring_pages
from portal.staff.iban import pages as iban_staff_page
from portal.staff.imports import pages as import_pages
from portal.staff.indicators import board as indicator_pages
from portal.staff.indicators import forecast as indicator_forecast_pages
from portal.staff.indicators import mailings as indicator_mailing_pages
from portal.staff.insurance import pages as insurance_pages
from portal.staff.invoicing import following as invoice_follow_pages
from portal.staff.invoicing import kept as invoice_plan_pages
from portal.staff.invoicing import pages as invoicing_pages
from portal.staff.invoicing import writing as invoice_form_pages
from portal.staff.jobs import files as export_file_pages
from portal.staff.jobs import pages as job_pages
from portal.staff.lettering import pages as lettering_pages
from portal.staff.mails import kinds as mail_kind_pages
from portal.staff.mails import pages as mail_pages
from portal.staff.mails import sender as mail_sender_pages
from portal.staff.mails import wishes as mail_wish_pages
from portal.staff.matching import choosing as matching_choice_pages
from portal.staff.matching import pages as matching_pages
from portal.staff.messages import pages as staff_message_pages
from portal.staff.messages import template_pages as message_template_pages
from portal.staff.opening import history as history_pages
from portal.staff.opening import pages as opening_pages
from portal.staff.people import joining as staff_joining_pages
from portal.staff.people import pages as staff_people_pages
from portal.staff.platform import flow_pages as platform_flow_pages
from portal.staff.platform import pages as platform_pages
from portal.staff.programs import pages as program_pages
from portal.staff.promises import pages as promise_pages
from portal.staff.promises import plan_pages
from portal.staff.purchases import pages as purchase_pages
from portal.staff.receipts import pages as receipt_pages
from portal.staff.reports import pages as report_pages
from portal.staff.requests import desks as desk_pages
from portal.staff.requests import pages as request_pages
from portal.staff.scores import pages as score_pages
from portal.staff.settings import rooms as settings_rooms
from portal.staff.treasury import accounts as provider_account_pages
from portal.staff.treasury import contests as contest_pages
from portal.staff.treasury import overview as treasury_pages
from portal.staff.treasury import payments as payment_pages
from portal.staff.treasury import refunds as refund_pages
from portal.staff.webhooks import acts as webhook_acts
from portal.staff.webhooks import pages as webhook_pages
from portal.staff.worklist import finding as finding_pages
from portal.staff.worklist import pages as worklist_pages
from portal.staff.worklist import reminding as reminding_pages
from portal.validation import pages as validation_pages
from portal.validation import uploads

BLUEPRINTS = (
    sign_in_pages.blueprint,
    provider_pages.provider_blueprint,
    provider_pages.passkey_blueprint,
    proof_pages.blueprint,
    me_pages.blueprint,
    staff_people_pages.blueprint,
    staff_joining_pages.blueprint,
    pay_link.blueprint,
    validation_pages.blueprint,
    api_reference.blueprint,
    customer_pages.blueprint,
    basket.blueprint,
    staff_pages.blueprint,
    worklist_pages.blueprint,
    reminding_pages.blueprint,
    finding_pages.blueprint,
    account_pages.blueprint,
    account_acts.blueprint,
    lettering_pages.blueprint,
    invoicing_pages.blueprint,
    invoice_form_pages.blueprint,
    invoice_follow_pages.blueprint,
    invoice_plan_pages.blueprint,
    disputing.blueprint,
    dispute_pages.blueprint,
    dunning_pages.blueprint,
    dunning_scenario_pages.blueprint,
    claim_pages.blueprint,
    write_off_pages.blueprint,
    dispute_noting.blueprint,
    directory_pages.blueprint,
    platform_pages.blueprint,
    platform_flow_pages.blueprint,
    purchase_pages.blueprint,
    report_pages.blueprint,
    company_page.blueprint,
    *settings_rooms.BLUEPRINTS,
    bank_pages.blueprint,
    bank_line_pages.blueprint,
    matching_pages.blueprint,
    matching_choice_pages.blueprint,
    unidentified.blueprint,
    receipt_pages.blueprint,
    iban_page.blueprint,
    iban_staff_page.blueprint,
    indicator_pages.blueprint,
    indicator_forecast_pages.blueprint,
    indicator_mailing_pages.blueprint,
    treasury_pages.blueprint,
    payment_pages.blueprint,
    refund_pages.blueprint,
    contest_pages.blueprint,
    provider_account_pages.blueprint,
    mandate_pages.blueprint,
    autopay_page.blueprint,
    debit_pages.blueprint,
    debit_mandate_pages.blueprint,
    agreement_pages.blueprint,
    program_pages.blueprint,
    promise_pages.blueprint,
    plan_pages.blueprint,
    credit_pages.blueprint,
    credit_acts.blueprint,
    message_pages.blueprint,
    link_messages.blueprint,
    staff_message_pages.blueprint,
    message_template_pages.blueprint,
    mail_pages.blueprint,
    mail_sender_pages.blueprint,
    mail_kind_pages.blueprint,
    mail_wish_pages.blueprint,
    unsubscribe_pages.blueprint,
    score_pages.blueprint,
    insurance_pages.blueprint,
    factoring_pages.blueprint,
    export_pages.blueprint,
    statement_pages.blueprint,
    webhook_pages.blueprint,
    webhook_acts.blueprint,
    import_pages.blueprint,
    opening_pages.blueprint,
    history_pages.blueprint,
    job_pages.blueprint,
    export_file_pages.blueprint,
    customer_statement_pages.blueprint,
    terms_pages.blueprint,
    looks.blueprint,
    people_pages.blueprint,
    everywhere.blueprint,
    readable.blueprint,
    advices.blueprint,
    customer_company_page.blueprint,
    customer_export_page.blueprint,
    opening.blueprint,
    request_pages.blueprint,
    desk_pages.blueprint,
)
"""Every page of the portal; the API and the sandboxes are handed to :func:`create_app` by whoever serves them."""

DEMO_BLUEPRINTS = (demo_mails.blueprint, demo_design.blueprint)
"""Pages of the demonstration only."""
MAX_FORM_BYTES = 64 * 1024
"""Our longest form is a search."""
LONGER_FORMS = {
    "validation.check": uploads.MAX_FORM_BYTES,
    "customer_iban.check": uploads.MAX_FORM_BYTES,
    "customer_iban.check_by_link": uploads.MAX_FORM_BYTES,
    "directory.start": uploads.MAX_FORM_BYTES,
    "bank.take": bank_pages.MAX_FORM_BYTES,
    "receipts.take_list": receipt_pages.MAX_LIST_BYTES,
    "debits.answer": debit_pages.MAX_FORM_BYTES,
    "debit_mandates.take_table": debit_mandate_pages.MAX_FORM_BYTES,
    "dispute.send_by_link": attachments.MOST_FORM_BYTES,
    "dispute.send": attachments.MOST_FORM_BYTES,
    "disputes.give_documents": attachments.MOST_FORM_BYTES,
    "exports.check": export_pages.MAX_FORM_BYTES,
    "sales_terms.publish": settings_rooms.MAX_TERMS_BYTES,
    "branding.save": settings_rooms.MAX_LOGO_BYTES,
    "exports.rates": export_pages.MAX_FORM_BYTES,
    "imports.take": import_pages.MAX_FORM_BYTES,
    "opening.take": opening_pages.MAX_FORM_BYTES,
    "history.take": history_pages.MAX_FORM_BYTES,
    "advices.send": attachments.MOST_FORM_BYTES,
    "messages.say_on_account": attachments.MOST_FORM_BYTES,
    "messages.say_on_invoice": attachments.MOST_FORM_BYTES,
    "staff_messages.reply": attachments.MOST_FORM_BYTES,
    "invoice_form.save": invoice_form_pages.MAX_FORM_BYTES,
    "invoice_form.look": invoice_form_pages.MAX_FORM_BYTES,
}
"""By endpoint: forms by which a file comes in."""
