"""Fill the demonstration: suppliers, customers, invoices of half a year, payments and refunds through the real road."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import httpx

from config.clock import today
from einvoice.intake import issue_prepared, prepare_own
from einvoice.platform.accounts import connect_platform
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from payments.accounts import open_account
from payments.checkout import start_checkout
from payments.debits.settings import DebitSettings, save_settings
from payments.errors import PaymentError
from payments.gateways.stripe_facts import READERS
from payments.paying.plans import AimsPlan, CheckoutRequest
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.demo.cast import cast_of
from portal.demo.programs import add_programs
from portal.demo.settings import say_of_oneself
from portal.profiles import save_profile
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.money import Money
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.register import Supplier, create_supplier
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from datetime import date
    from uuid import UUID

    from portal.demo.cast import Player
    from portal.demo.house import Addresses
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

SEED = 2026
SANDBOX_KEY = "sk_test_quittance_sandbox"
HISTORY_DAYS = 180
METHODS = ["card", "sepa_debit", "transfer", "paypal"]
AT_ONCE = 4
PAYOUT_WITHIN_S = 10.0
"""How long the demonstration waits for news of a payout, in seconds; the statement comes without it after that."""
LEFT_LATE_OF = 3
"""One late invoice in so many stays unpaid, the latest among them."""
REFUNDED_OF = 25
"""One invoice in so many is looked at for a refund."""
OWNER = ("camille@demo.example", "Camille Renard")
COLLECTOR = ("lucas@demo.example", "Lucas Morel")
ACCOUNTANT = ("ines@demo.example", "Inès Garnier")
"""The second person for what two have to agree on: large refunds, another account number."""
CREDIT_MANAGER = ("nora@demo.example", "Nora Lefèvre")
SALES = ("hugo@demo.example", "Hugo Blanc")
PAYER = ("compta@demo.example", "Dominique Payet")
ICS = "FR72ZZZ123456"
"""The published example of a French creditor identifier."""
_PAYOUTS_THERE = "SELECT count(*) FROM payouts WHERE supplier_id = :supplier AND state = 'paid'"
_STAFF = (
    (OWNER, Role.OWNER),
    (COLLECTOR, Role.COLLECTOR),
    (ACCOUNTANT, Role.ACCOUNTANT),
    (CREDIT_MANAGER, Role.CREDIT_MANAGER),
    (SALES, Role.SALES),
)
MAX_LINES = 4
TO_PERSONS = 0.25
"""How many invoices go to private persons, at a supplier that has some among its buyers."""
PAID_WHEN_LATE, PAID_WHEN_NOT_DUE = 0.85, 0.25
"""How many of the invoices past their due date, and of the others, are paid in the demonstration."""
CARDS = (("4242424242424242", 0.94), ("delayed", 1.0))
"""Test means of the sandbox with the share of payments up to which each is drawn."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A supplier of the demonstration with what it issued."""

    supplier: Supplier
    player: Player
    account_id: UUID
    invoices: tuple[Invoice, ...]

    @property
    def sandbox_key(self) -> str:
        """The key of this supplier's own account at the provider's sandbox."""
        return sandbox_key(self.supplier)


def sandbox_key(supplier: Supplier) -> str:
    """A key that the sandbox opens an account of its own for."""
    return f"{SANDBOX_KEY}_{supplier.supplier_id.hex}"


@dataclass(frozen=True, slots=True)
class Stage:
    """Fills the house behind ``addresses``; ``progress`` is told of every finished step."""

    services: Services
    addresses: Addresses
    progress: Callable[[str, int, int], None]

    def open_suppliers(self) -> list[tuple[Supplier, Player, UUID]]:
        """The suppliers with their profile, provider, platform, and the people who may sign in."""
        opened = []
        staff = [(add_person(self.services.database, *who), role) for who, role in _STAFF]
        for player in cast_of(Random(SEED)):  # noqa: S311 -- the same play every time
            supplier = create_supplier(self.services.database, player.profile.siren, player.profile.name)
            key = sandbox_key(supplier)
            self.sandbox("POST", "/_sandbox/accounts", {"name": supplier.name, "key": key})
            secret = self._register_webhook(supplier)
            named = {"supplier_id": str(supplier.supplier_id), "name": supplier.name}
            self.sandbox("POST", "/_sandbox/merchants", named, key)
            with self.services.works.begin(supplier.supplier_id) as work:
                save_profile(work, player.profile, _stated(player))
                say_of_oneself(work, player)
                add_programs(work)
                account_id = open_account(
                    work,
                    self.services.keyring,
                    provider="stripe",
                    key=key,
                    webhook_secret=secret,
                    base_url=self.addresses.payments,
                    live=False,
                    settings={"methods": METHODS},
                )
                connect_platform(work, self.services.keyring, "Plateforme bac à sable", self._platform(player))
            for person, role in staff:
                add_membership(self.services.database, person.person_id, supplier.supplier_id, role)
            opened.append((supplier, player, account_id))
        return opened

    def issue_all(self, opened: list[tuple[Supplier, Player, UUID]], count: int) -> list[Staged]:
        """Issue ``count`` invoices, each judged before it is numbered, oldest first."""
        random = Random(SEED)  # noqa: S311 -- the same play every time
        days = sorted(int(HISTORY_DAYS * random.random() ** 2) for _ in range(count))
        issued: dict[UUID, list[Invoice]] = {supplier.supplier_id: [] for supplier, _, _ in opened}
        asked: dict[UUID, dict[str, Any]] = {}
        self.progress("issue", 0, count)
        for number, day in enumerate(reversed(days), start=1):
            supplier, player, _ = random.choice(opened)
            issue_date = today() - timedelta(days=day)
            request = _request(
                random, player, issue_date, [(each, asked[each.invoice_id]) for each in issued[supplier.supplier_id]]
            )
            prepared = prepare_own(to_json(request).encode(), player.profile, self.services.validator, today())
            with self.services.works.begin(supplier.supplier_id) as work:
                invoice = issue_prepared(work, self.services.archive, prepared, "demo")
            issued[supplier.supplier_id].append(invoice)
            asked[invoice.invoice_id] = request
            self.progress("issue", number, count)
        return [Staged(s, player, account, tuple(issued[s.supplier_id])) for s, player, account in opened]

    def let_in_payer(self, staged: Staged) -> UUID:
        """A customer's accountant who may sign in: of the business with most to pay. Returns the customer's id."""
        business = [each for each in staged.invoices if each.routing is Routing.B2B]
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            dues = due_on_invoices(work, [each.invoice_id for each in business])
        payable = {each.invoice_id for each in dues if each.payable_minor > 0}
        invoices = Counter(each.customer_id for each in business)
        to_pay = Counter(each.customer_id for each in business if each.invoice_id in payable)
        customer_id = max(invoices, key=lambda each: (to_pay[each], invoices[each]))
        person = add_person(self.services.database, *PAYER)
        add_membership(
            self.services.database,
            person.person_id,
            staged.supplier.supplier_id,
            Role.CUSTOMER,
            customer_id=customer_id,
        )
        return customer_id

    def offer_debits(self, staged: Staged) -> None:
        """Let customers of ``staged`` sign mandates: its bank has given it a creditor identifier."""
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            save_settings(work, DebitSettings(ICS, staged.supplier.name), "demo")

    def pay_many(self, staged: list[Staged], left_out: AbstractSet[UUID] = frozenset()) -> int:
        """Pay most of what is late and some of the rest, by the hosted page's control road; ``left_out`` stay as is."""
        random = Random(SEED)  # noqa: S311 -- the same play every time
        left_out = left_out | {invoice.invoice_id for each in staged for invoice in left_late(each)}
        chosen = [
            (each, invoice, _card(random))
            for each in staged
            for invoice in each.invoices
            if not invoice.is_credit_note
            and invoice.invoice_id not in left_out
            and random.random() < (PAID_WHEN_LATE if invoice.due_on < today() else PAID_WHEN_NOT_DUE)
        ]
        self.progress("pay", 0, len(chosen))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            paid = 0
            for done, was_paid in enumerate(pool.map(lambda one: self._pay_if_asked(*one), chosen), start=1):
                paid += was_paid
                self.progress("pay", done, len(chosen))
        return paid

    def declare(self, staged: list[Staged]) -> int:
        """Declare the periods that are over, of those who declare themselves; returns how many declarations."""
        own = (each for each in staged if each.player.number_of_platform)
        return sum(len(self.services.reporter.prepare_due(each.supplier.supplier_id)) for each in own)

    def refund_some(self, staged: list[Staged]) -> int:
        """Refund a few payments, wholly and in part; returns how many."""
        random = Random(SEED)  # noqa: S311 -- the same play every time
        refunded = 0
        for each in staged:
            for invoice in random.sample(each.invoices, len(each.invoices) // REFUNDED_OF):
                ref = payment_of(self.services, each, invoice)
                if ref is not None:
                    part = random.choice((1, 2))
                    amount = Money(invoice.payable_minor // part, invoice.currency)
                    self.refund(each, ref, amount, f"refund-{invoice.invoice_id}")
                    refunded += 1
        return refunded

    def _pay_if_asked(self, staged: Staged, invoice: Invoice, card: str) -> bool:
        """Pay; no where its platform or its buyer has refused the invoice meanwhile, or a credit note settles it."""
        try:
            self.pay(staged, invoice, card)
        except PaymentError as error:
            if error.code != "payment.nothing_due":
                raise
            return False
        return True

    def pay(self, staged: Staged, invoice: Invoice, card: str = CARDS[0][0]) -> None:
        """Press the button of an invoice and pay on the provider's page."""
        started = start_checkout(
            self.services.works,
            CheckoutRequest(
                supplier_id=staged.supplier.supplier_id,
                supplier_name=staged.supplier.name,
                plan=AimsPlan({invoice.invoice_id: None}),
                return_url=self.addresses.portal,
                language="fr",
                lifetime=timedelta(minutes=self.services.settings.checkout_minutes),
            ),
            staged.account_id,
            self.services.gateway_for,
        )
        url = started.url or ""
        session = url.rstrip("/").rpartition("/")[2].partition("?")[0]
        self.sandbox("POST", f"/_sandbox/pay/{session}", {"card": card}, staged.sandbox_key)

    def refund(self, staged: Staged, payment_ref: str, amount: Money, key: str) -> str:
        """Give money back at the provider, as a treasurer does in its back office."""
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            gateway = self.services.gateway_for(work)
        return gateway.refund(payment_ref, amount, key)

    def pay_out(self, staged: Staged) -> None:
        """Have the provider send what it holds to the bank, where it arrives, and wait until the house knows of it."""
        made = self.sandbox("POST", "/_sandbox/payouts", {"pending": True}, staged.sandbox_key)["payouts"]
        for each in made:
            self.sandbox("POST", f"/_sandbox/payouts/{each['id']}/arrive", key=staged.sandbox_key)
        deadline = time.monotonic() + PAYOUT_WITHIN_S
        while time.monotonic() < deadline:
            with self.services.works.begin(staged.supplier.supplier_id) as work:
                if work.scalar(_PAYOUTS_THERE) >= len(made):
                    return
            time.sleep(0.2)

    def sandbox(self, method: str, path: str, body: dict[str, Any] | None = None, key: str = SANDBOX_KEY) -> Any:
        """Call the payment sandbox's control road, on the account that the key opens."""
        answer = httpx.request(
            method,
            self.addresses.payments + path,
            json=body or {},
            headers={"Authorization": f"Bearer {key}"},
            timeout=20,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _register_webhook(self, supplier: Supplier) -> str:
        data = {"url": f"{self.addresses.portal}/hooks/stripe/{supplier.supplier_id}"}
        data |= {f"enabled_events[{number}]": name for number, name in enumerate(sorted(READERS))}
        answer = httpx.post(
            f"{self.addresses.payments}/v1/webhook_endpoints",
            data=data,
            headers={"Authorization": f"Bearer {sandbox_key(supplier)}"},
            timeout=20,
        )
        answer.raise_for_status()
        secret: str = answer.json()["secret"]
        return secret

    def _platform(self, player: Player) -> PlatformSettings:
        driver = PlatformDriver(
            name="sandbox",
            base_url=self.addresses.platform,
            token_url=f"{self.addresses.platform}/oauth2/token",
            directory_url=f"{self.addresses.platform}/directory-service",
            matricule=player.number_of_platform,
        )
        return PlatformSettings(
            driver,
            client_id=player.profile.siren,
            client_secret="sandbox-secret",  # noqa: S106 -- its own
            reporting="own" if player.number_of_platform else "platform",
        )


def payment_of(services: Services, staged: Staged, invoice: Invoice) -> str | None:
    """The provider's payment that settled an invoice, or ``None``."""
    with services.works.begin(staged.supplier.supplier_id) as work:
        ref: str | None = work.scalar(
            "SELECT attempt.payment_ref FROM payment_attempts AS attempt JOIN reservations AS reservation "
            "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND reservation.invoice_id = :invoice "
            "AND attempt.state = 'succeeded'",
            invoice=invoice.invoice_id,
        )
    return ref


def _stated(player: Player) -> dict[str, str]:
    """What the profile holds beside the seller's data; what is left out there is not stated."""
    profile = player.profile
    own = {"size": profile.size, "vat_regime": profile.vat_regime} if player.consumers else {}
    return {"colour": player.colour, **own}


def left_late(staged: Staged) -> list[Invoice]:
    """Invoices past their due date that nobody pays, old and new: something to chase at each supplier."""
    late = [each for each in staged.invoices if each.due_on < today() and not each.is_credit_note]
    return late[::-LEFT_LATE_OF]


def _card(random: Random) -> str:
    draw = random.random()
    return next(name for name, limit in CARDS if draw < limit)


def _request(
    random: Random, player: Player, issue_date: date, earlier: list[tuple[Invoice, dict[str, Any]]]
) -> dict[str, Any]:
    """An invoice of this day, or now and then a credit note on the first line of an earlier one."""
    to_person = player.consumers and random.random() < TO_PERSONS
    buyer = random.choice(player.consumers if to_person else player.customers)
    articles = random.sample(player.articles, random.randint(1, MAX_LINES))
    request: dict[str, Any] = {
        "buyer": buyer,
        "issue_date": issue_date,
        "purchase_order": f"BC-{random.randint(1000, 9999)}",
        "lines": [
            {
                "name": article.name,
                "quantity": Decimal(random.randint(1, 12)),
                "unit": article.unit,
                "net_price": article.price,
                "vat_rate": article.rate,
            }
            for article in articles
        ],
    }
    if earlier and random.random() < 0.04:  # noqa: PLR2004 -- one in twenty-five
        credited, before = random.choice([each for each in earlier if not each[0].is_credit_note])
        request |= {
            "type_code": "381",
            "buyer": before["buyer"],
            "purchase_order": before["purchase_order"],
            "lines": before["lines"][:1],
            "preceding_invoices": [{"number": credited.number, "issue_date": credited.issued_on}],
        }
    return request
