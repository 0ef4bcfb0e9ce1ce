"""The pages that are looked at in a real browser, each with who looks, and the way to open them."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from access_builders import access_things
from claim_builders import claim_of
from customer_builders import customer_things
from debit_builders import debit_things
from exports_builders import export_things
from import_builders import import_things
from invoicing_builders import invoicing_things
from message_builders import message_things
from payment_sandbox import KEY, serving
from portal_house import build_house
from program_builders import program_things
from promise_builders import agreement_things
from risk_builders import risk_links, risk_things
from settings_builders import settings_things
from test_access import a_payment, a_report, a_treasure, bank_things, waiting_line
from webhook_builders import webhook_things
from werkzeug.serving import make_server

from payments.accounts import open_account
from portal.access.sessions import open_session
from portal.app import create_app
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext
    from portal_house import House

    from portal.wiring import Services

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP, NARROWEST = (390, 844), (1280, 800), (320, 640)
WITHOUT_BROWSER = f"No browser at {CHROMIUM}: install chromium to look."


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- only where there is a browser

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield opened
        opened.close()


@contextmanager
def serving_house(services: Services, name: str = "Atelier Lumière") -> Iterator[tuple[House, str]]:
    """A house behind a real server, paid through the payment sandbox behind another."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        server = make_server("127.0.0.1", 0, lambda *_: [b""], threaded=True)
        base = f"http://127.0.0.1:{server.server_port}"
        settings = services.settings.model_copy(update={"public_url": base})
        fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
        own = type(services)(**{**fields, "settings": settings})
        house = build_house(own, name)
        with own.works.begin(house.supplier.supplier_id) as work:
            open_account(
                work,
                own.keyring,
                provider="stripe",
                key=KEY,
                webhook_secret="whsec_test",
                base_url=provider,
                live=False,
            )
            work.execute(
                "UPDATE gateway_accounts SET settings = CAST(:settings AS jsonb) WHERE supplier_id = :supplier",
                settings='{"methods": ["card", "sepa_debit", "paypal"]}',
            )
        server.app = create_app(own)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield house, base
        server.shutdown()
        server.server_close()


def addresses(house: House) -> dict[str, tuple[str | None, str]]:
    """The pages that are looked at, each with who looks."""
    return {
        "pay, due": (None, house.links["due"]),
        "pay, late and failed": (None, house.links["late"]),
        "pay, partly on its way": (None, house.links["mixed"]),
        "pay, paid": (None, house.links["paid"]),
        "pay, credit note": (None, house.links["credit"]),
        "pay, where to transfer to": (None, f"{house.links['due']}/iban"),
        "nothing": (None, "/p/none"),
        "sign-in": (None, "/sign-in"),
        "sign-in, sent": (None, "/sign-in/sent"),
        "validation": (None, "/validate"),
        "api, all calls": (None, "/api"),
        "api, one resource": (None, "/api/invoices"),
        "validation, valid": (None, "/validate?demo"),
        "validation, invalid": (None, "/validate?demo=faulty"),
        "customer, home": ("customer", "/c/"),
        "customer, invoices": ("customer", "/c/invoices?show=to_pay"),
        "customer, invoice": ("customer", f"/c/invoices/{house.invoices['late'].invoice_id}"),
        "customer, receipts": ("customer", "/c/receipts"),
        "customer, invoice to read": (
            "other_customer",
            f"/c/invoices/{invoicing_things(house)['written_before']}/read",
        ),
        "customer, people": ("customer", "/c/people"),
        "customer, people to a viewer": ("viewer", "/c/people"),
        "customer, home of a viewer": ("viewer", "/c/"),
        "customer, every supplier": ("customer", "/c/all"),
        "customer, invoices narrowed": ("customer", "/c/invoices?show=late&least=9999999&from=2026-01-01"),
        "customer, company": ("customer", "/c/company"),
        "customer, export": ("customer", "/c/export"),
        "customer, advices": ("customer", "/c/advices"),
        "customer, advice to confirm": ("customer", f"/c/advices/{customer_things(house)['advice']}"),
        "customer, advice confirmed": ("customer", f"/c/advices/{customer_things(house)['advice_done']}"),
        "pay, invitation": (None, f"/join/{customer_things(house)['joining']}"),
        "pay, account request": (None, f"/open/{customer_things(house)['reference']}"),
        "pay, account request to confirm": (None, f"/opening/{customer_things(house)['asked_token']}"),
        "pay, terms": (None, "/terms/{supplier}/{terms}".format(**customer_things(house))),
        "staff, requests": ("owner", "/s/requests"),
        "staff, account request": (
            "owner",
            f"/s/requests/accounts/{customer_things(house)['account_request']}",
        ),
        "staff, advice": ("collector", f"/s/requests/advices/{customer_things(house)['advice_done']}"),
        "staff, opening page": ("owner", "/s/requests/opening"),
        "staff, contact and hours": ("owner", "/s/desk"),
        "customer, statement": ("customer", "/c/statement"),
        "staff, statement": ("collector", f"/s/customers/{house.customer_id}/statement"),
        "staff, exports": ("owner", "/s/exports"),
        "staff, imports": ("accountant", "/s/imports"),
        "staff, an import to confirm": ("accountant", f"/s/imports/files/{import_things(house)['brought']}"),
        "staff, jobs": ("owner", "/s/jobs"),
        "staff, an export that is ready": ("owner", f"/s/jobs/files/{export_things(house)['export']}"),
        "customer, an export that is ready": ("customer", f"/c/export/{export_things(house)['own_export']}"),
        "staff, a job": ("accountant", f"/s/jobs/{import_things(house)['job']}"),
        "staff, openings": ("accountant", "/s/opening"),
        "staff, an opening on trial": ("accountant", f"/s/opening/files/{import_things(house)['trial']}"),
        "staff, an opening": ("owner", f"/s/opening/{import_things(house)['opening']}"),
        "staff, letters of before on trial": (
            "accountant",
            f"/s/opening/{import_things(house)['opening']}/history/{import_things(house)['letters']}",
        ),
        "staff, letters of before": ("accountant", f"/s/opening/{import_things(house)['opening']}/history"),
        "staff, former books of a customer": ("sales", f"/s/customers/{import_things(house)['former']}/former"),
        "staff, programs": ("owner", "/s/programs"),
        "staff, new program": ("owner", "/s/programs/new"),
        "staff, a program": ("owner", f"/s/programs/{program_things(house)['program']}"),
        "staff, new token": ("collector", "/s/programs/tokens/new"),
        "staff, webhooks": ("owner", "/s/webhooks"),
        "staff, new webhook": ("owner", "/s/webhooks/new"),
        "staff, a webhook": ("owner", f"/s/webhooks/{webhook_things(house)['hook']}"),
        "staff, a webhook delivery": ("owner", f"/s/webhooks/deliveries/{webhook_things(house)['untaken']}"),
        "staff, event log": ("accountant", "/s/webhooks/events"),
        "staff, check of a FEC": ("auditor", "/s/exports/check"),
        "customer, basket": ("customer", "/c/pay"),
        "customer, amount that is none": ("customer", "/c/pay/review?oldest=-5"),
        "customer, preview": ("customer", "/c/pay/review?all=due"),
        "customer, one payment": ("customer", f"/c/payments/{a_payment(house)}"),
        "customer, settled by credits": ("customer", "/c/pay/done?attempt="),
        "pay, an amount of one's own": (None, f"{house.links['due']}?amount=other"),
        "pay, an amount that is none": (None, f"{house.links['due']}?amount=1.200"),
        "pay, receipt": (None, f"{house.links['paid']}/receipts/{a_payment(house)}"),
        "customer, where to transfer to": ("customer", "/c/iban"),
        "staff, bank account": ("owner", "/s/iban"),
        "staff, people": ("owner", "/s/people"),
        "staff, write-offs": ("owner", "/s/claims/write-offs"),
        "staff, a colleague": ("owner", f"/s/people/{house.people['collector'].person_id}"),
        "staff, invitation": ("owner", "/s/people/new"),
        "staff, invitation read by the colleague": (None, f"/team/{access_things(house)['colleague_joining']}"),
        "staff, own access": ("owner", "/me"),
        "staff, new passkey": ("owner", "/me/passkeys/new"),
        "staff, step-up": ("owner", "/prove?lost=form"),
        "staff, dashboard of sales": ("sales", "/s/"),
        "staff, dashboard": ("collector", "/s/"),
        "staff, customer": ("collector", f"/s/customers/{house.customer_id}"),
        "staff, whom to call": ("collector", "/s/work?whose=all"),
        "staff, whom to remind": ("collector", f"/s/work/remind?customer={house.customer_id}"),
        "staff, search": ("collector", "/s/search?q=Boulangerie"),
        "staff, indicators": ("collector", "/s/indicators"),
        "staff, one indicator": ("auditor", "/s/indicators/figures/dso"),
        "staff, indicators by reason": ("collector", "/s/indicators/by/reason"),
        "staff, cash forecast": ("owner", "/s/indicators/forecast?week=0"),
        "staff, indicators by mail": ("collector", "/s/indicators/mailings"),
        "staff, invoices": ("collector", "/s/invoices"),
        "staff, invoice": ("collector", f"/s/invoices/{house.invoices['paid'].invoice_id}"),
        "staff, problems": ("collector", "/s/problems"),
        "staff, mails": ("collector", "/s/mails"),
        "staff, mail": ("collector", f"/s/mails/{house.mail_id}"),
        "staff, kinds of mails": ("collector", "/s/mails/kinds"),
        "staff, preview of a mail": ("collector", "/s/mails/kinds/invoice"),
        "staff, settings of mails": ("owner", "/s/mails/settings"),
        "staff, preview of a digest": ("collector", "/s/mails/kinds/digest?to=sales"),
        "staff, sending address": ("owner", "/s/mails/sender"),
        "staff, my mails": ("collector", "/s/mails/mine"),
        "staff, platform": ("owner", "/s/platform"),
        "staff, connect a platform": ("owner", "/s/platform/connect"),
        "staff, change the access": ("owner", f"/s/platform/accounts/{house.account_id}/access"),
        "staff, settings": ("owner", "/s/settings"),
        "staff, who we are": ("owner", "/s/company/identity"),
        "staff, terms of payment": ("owner", "/s/company/terms"),
        "staff, customers as they are kept": ("collector", "/s/clients"),
        "staff, a new customer": ("collector", "/s/clients/new"),
        "staff, a customer as it is kept": ("collector", f"/s/clients/{house.customer_id}"),
        "staff, items": ("owner", "/s/items?show=all"),
        "staff, an item": ("owner", f"/s/items/{settings_things(house)['item']}"),
        "staff, numbers": ("owner", "/s/settings/series"),
        "staff, terms and conditions": ("owner", "/s/settings/terms"),
        "staff, looks": ("owner", "/s/settings/branding"),
        "staff, texts of mails": ("owner", "/s/settings/mail-texts"),
        "staff, a text of mails": ("owner", "/s/settings/mail-texts/invoice"),
        "staff, own domain": ("owner", "/s/settings/domain"),
        "staff, calendar of the law": ("owner", "/s/settings/law"),
        "staff, audit trail": ("owner", "/s/settings/audit"),
        "staff, our company": ("owner", "/s/company"),
        "staff, delivery log": ("collector", "/s/platform/flows"),
        "staff, flow": ("owner", f"/s/platform/flows/{house.flow(1)}"),
        "staff, refused flow": ("owner", f"/s/platform/flows/{house.flow(2)}"),
        "staff, send again": ("owner", f"/s/platform/flows/{house.flow(2)}/again"),
        "staff, whom to invoice": ("accountant", "/s/invoicing/new"),
        "staff, invoice being written": ("accountant", f"/s/invoicing/drafts/{invoicing_things(house)['written']}"),
        "staff, invoice to check": ("accountant", f"/s/invoicing/drafts/{invoicing_things(house)['written']}/review"),
        "staff, drafts": ("accountant", "/s/invoicing"),
        "staff, recurring invoices": ("accountant", "/s/invoicing/recurring"),
        "staff, recurring invoice": ("accountant", f"/s/invoicing/recurring/{invoicing_things(house)['recurring']}"),
        "staff, invoice regularly": (
            "accountant",
            f"/s/invoicing/recurring/new/{invoicing_things(house)['written']}",
        ),
        "staff, templates of invoices": ("accountant", "/s/invoicing/templates"),
        "staff, credit note": (
            "accountant",
            f"/s/invoicing/invoices/{invoicing_things(house)['written_before']}/credit",
        ),
        "staff, purchases": ("accountant", "/s/purchases"),
        "staff, purchase": ("accountant", f"/s/purchases/{house.purchase_id}"),
        "dispute, form": (None, f"{house.links['due']}/dispute"),
        "dispute, form of a customer": ("customer", f"/c/invoices/{house.invoices['due'].invoice_id}/dispute"),
        "staff, directory": ("collector", "/s/directory"),
        "staff, directory, wrong number": ("collector", "/s/directory?number=12"),
        "staff, company": ("collector", "/s/directory/companies/552100554?to=552100554_OLD"),
        "staff, company without platform": ("collector", "/s/directory/companies/910001486"),
        "staff, public buyer": ("collector", "/s/directory/companies/910002963"),
        "staff, customer file": ("collector", f"/s/directory/checks/{house.check_id}?still=1"),
        "staff, declarations": ("accountant", "/s/reports"),
        "staff, period to declare": ("accountant", "/s/reports/payments/2026-10-01"),
        "staff, declaration": ("accountant", f"/s/reports/{a_report(house)}"),
        "staff, debits": ("accountant", "/s/debits"),
        "staff, files of debits": ("accountant", "/s/debits/files"),
        "staff, file of debits": ("accountant", f"/s/debits/files/{debit_things(house)['batch']}"),
        "staff, debits that came back": ("collector", "/s/debits/returns"),
        "staff, settings of debits": ("owner", "/s/debits/settings"),
        "staff, mandates": ("accountant", "/s/debits/mandates"),
        "staff, mandate": ("collector", f"/s/debits/mandates/{debit_things(house)['mandate']}"),
        "staff, mandates from elsewhere": ("accountant", "/s/debits/mandates/new"),
        "customer, mandates": ("customer", "/c/mandates"),
        "customer, new mandate": ("customer", "/c/mandates/new?scheme=b2b"),
        "customer, sign": ("customer", f"/c/mandates/{debit_things(house)['drafted']}/sign"),
        "customer, other account": ("customer", f"/c/mandates/{debit_things(house)['mandate']}/account"),
        "customer, autopay": ("customer", "/c/autopay"),
        "staff, dunning": ("owner", "/s/dunning"),
        "staff, dunning of a customer": ("collector", f"/s/dunning/customers/{house.customer_id}"),
        "staff, dunning settings": ("owner", "/s/dunning/settings"),
        "staff, matching": ("collector", "/s/matching?state=all"),
        "staff, bank": ("accountant", "/s/bank"),
        "staff, bank statement": ("accountant", f"/s/bank/statements/{bank_things(house)['statement']}"),
        "staff, bank lines": ("collector", "/s/bank/lines"),
        "staff, bank line": ("accountant", f"/s/bank/lines/{waiting_line(house)['line']}"),
        "staff, cheques": ("collector", "/s/receipts"),
        "staff, cheque to write down": ("collector", f"/s/receipts/new?customer={house.customer_id}"),
        "staff, cheque": ("collector", f"/s/receipts/{bank_things(house)['receipt']}"),
        "staff, slip": ("collector", "/s/receipts/deposit"),
        "staff, line to match": ("collector", f"/s/matching/lines/{waiting_line(house)['line']}"),
        "staff, other invoices": (
            "collector",
            f"/s/matching/lines/{waiting_line(house)['line']}/choose?customer={house.customer_id}&q=a",
        ),
        "staff, known payers": ("collector", "/s/matching/payers"),
        "customer, is it yours": ("customer", f"/c/questions/{waiting_line(house)['question']}"),
        "staff, interest": ("collector", "/s/claims"),
        "staff, interest of a customer": ("collector", f"/s/claims/new/{house.customer_id}"),
        "staff, claim": ("collector", f"/s/claims/{claim_of(house)}"),
        "staff, terms of interest": ("owner", "/s/claims/terms"),
        "staff, note a dispute": ("collector", f"/s/disputes/new/{house.invoices['due'].invoice_id}"),
        "pay, a factor": (None, risk_links(house)["assigned"]),
        "staff, scores": ("collector", "/s/scores"),
        "staff, score": ("collector", f"/s/scores/customers/{house.customer_id}"),
        "staff, agencies": ("owner", "/s/scores/agencies"),
        "staff, insurance": ("owner", "/s/insurance"),
        "staff, limits of insurers": ("owner", "/s/insurance/decisions"),
        "staff, overdues to declare": ("collector", "/s/insurance/overdues"),
        "staff, factoring": ("owner", "/s/factoring"),
        "staff, factor": ("owner", f"/s/factoring/factors/{risk_things(house)['factor']}"),
        "staff, assigned claim": ("owner", f"/s/factoring/{risk_things(house)['assignment']}"),
        "staff, assign": ("owner", "/s/factoring/assign"),
        "staff, credit": ("accountant", "/s/credit?show=all"),
        "staff, credit of a customer": ("accountant", f"/s/credit/customers/{house.customer_id}"),
        "staff, lines of an exposure": ("collector", f"/s/credit/customers/{house.customer_id}/lines"),
        "staff, derogations": ("owner", "/s/credit/derogations"),
        "staff, rules of credit": ("owner", "/s/credit/policy"),
        "staff, treasury": ("accountant", "/s/treasury"),
        "staff, payments": ("collector", "/s/payments"),
        "staff, payment": ("collector", f"/s/payments/{a_treasure(house)['treasure_payment']}"),
        "staff, refund": ("collector", f"/s/payments/{a_treasure(house)['treasure_payment']}/refund?amount=1"),
        "staff, refunds": ("owner", "/s/treasury/refunds"),
        "staff, payouts": ("accountant", "/s/treasury/payouts"),
        "staff, payout": ("accountant", f"/s/treasury/payouts/{a_treasure(house)['payout']}"),
        "staff, comparisons": ("accountant", "/s/treasury/comparisons"),
        "staff, chargebacks": ("collector", "/s/treasury/disputes"),
        "staff, chargeback": ("collector", f"/s/treasury/disputes/{a_treasure(house)['contest']}"),
        "staff, providers": ("owner", "/s/treasury/accounts"),
        "staff, connect a provider": ("owner", "/s/treasury/accounts/connect"),
        "staff, switch provider": ("owner", f"/s/treasury/accounts/{a_treasure(house)['gateway']}/activate"),
        "customer, time to pay": ("customer", "/c/plans"),
        "customer, a promise": ("customer", "/c/plans/promise"),
        "customer, propose a plan": ("customer", "/c/plans/new"),
        "customer, a plan to agree to": ("customer", f"/c/plans/{agreement_things(house)['plan']}"),
        "customer, preview of a plan": (
            "customer",
            f"/c/plans/review?count=3&pick={house.invoices['due'].invoice_id}",
        ),
        "staff, promises": ("collector", "/s/promises?show=all"),
        "staff, plans": ("collector", "/s/promises/plans?show=all"),
        "staff, a plan": ("collector", f"/s/promises/plans/{agreement_things(house)['plan']}"),
        "staff, whose promise": ("collector", "/s/promises/customers"),
        "staff, note a promise": ("collector", f"/s/promises/new/{house.customer_id}"),
        "staff, offer a plan": ("collector", f"/s/promises/plans/new/{house.customer_id}"),
        "staff, policy of plans": ("owner", "/s/promises/policy"),
        "staff, messages": ("collector", f"/s/messages?show=all&said={message_things(house)['said']}"),
        "staff, conversation": ("collector", f"/s/messages/invoices/{house.invoices['paid'].invoice_id}"),
        "staff, templates of messages": ("collector", "/s/messages/templates"),
        "customer, messages": ("customer", "/c/messages"),
        "customer, conversation": ("customer", f"/c/messages/invoices/{house.invoices['paid'].invoice_id}"),
        "pay, write to the supplier": (None, f"{house.links['due']}/message"),
        "pay, confirm what was written": (None, f"{house.links['due']}/message?sent=1"),
        "staff, disputes": ("collector", "/s/disputes"),
        "staff, dispute": ("collector", f"/s/disputes/{house.dispute_id}"),
        "staff, invoice in dispute": ("collector", f"/s/invoices/{house.invoices['late'].invoice_id}"),
    }


def look(
    browser: Browser, served: tuple[House, str], who: str | None, size: tuple[int, int], scheme: str = "light"
) -> BrowserContext:
    house, base = served
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="fr-FR",
        reduced_motion="reduce",
    )
    if who:
        token = open_session(house.services.database, house.services.settings, house.people[who].person_id)
        context.add_cookies([{"name": "session", "value": token, "url": base}])
    return context
