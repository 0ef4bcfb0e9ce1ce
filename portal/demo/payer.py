"""What the customer of the demonstration finds besides invoices: a discount, instalments, a credit, a question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.clock import today
from einvoice.intake import issue_prepared, prepare_own
from payments.banking.by_hand import HandReceipt, record_by_hand
from payments.matching.asking import ask_payers
from receivables.store.customer_file.customers import get_customer
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from portal.demo.cast import Article
    from portal.demo.story import Staged
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

ACTOR = "demo"
DISCOUNT_PERCENT, DISCOUNT_DAYS = 2, 10
PARTS_EVERY = timedelta(days=30)
PARTS = 3
TOO_MUCH_MINOR = 2_200
"""By how much the customer's cheque is above its invoice."""


@dataclass(frozen=True, slots=True)
class DemoPayer:
    """The customer of ``staged`` who may sign in."""

    services: Services
    staged: Staged
    customer_id: UUID

    def send_invoices(self) -> None:
        """An invoice with a discount still in time, one in instalments of which one is due, one paid with too much."""
        identity, day, upkeep, _ = self.staged.player.articles
        discount = {"discount_percent": DISCOUNT_PERCENT, "discount_days": DISCOUNT_DAYS}
        self._issue([(day, 2)], terms=discount)
        part = identity.price * (1 + identity.rate / 100)
        self._issue(
            [(identity, PARTS)],
            instalments=[{"due_on": today() + number * PARTS_EVERY, "amount": part} for number in range(PARTS)],
        )
        self._overpay(self._issue([(upkeep, 1)]))

    def ask_about_money(self) -> None:
        """Ask whether a payment of which nobody knows the payer is this customer's."""
        with self.services.works.begin(self.staged.supplier.supplier_id) as work:
            line_id = work.scalar(
                "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND state = 'unidentified' "
                "AND amount_minor > 0 ORDER BY amount_minor, line_id LIMIT 1"
            )
            if line_id is not None:
                ask_payers(work, line_id, [self.customer_id], ACTOR)

    def _issue(self, sold: list[tuple[Article, int]], **more: Any) -> Invoice:
        player = self.staged.player
        with self.services.works.begin(self.staged.supplier.supplier_id) as work:
            name = get_customer(work, self.customer_id).name
            lines = [
                {
                    "name": article.name,
                    "quantity": Decimal(count),
                    "unit": article.unit,
                    "net_price": article.price,
                    "vat_rate": article.rate,
                }
                for article, count in sold
            ]
            buyer = next(each for each in player.customers if each["name"] == name)
            request = {"buyer": buyer, "issue_date": today(), "lines": lines, **more}
            prepared = prepare_own(to_json(request).encode(), player.profile, self.services.validator, today())
            return issue_prepared(work, self.services.archive, prepared, ACTOR)

    def _overpay(self, invoice: Invoice) -> None:
        """A cheque for more than its invoice: the rest is the customer's to use."""
        with self.services.works.begin(self.staged.supplier.supplier_id) as work:
            record_by_hand(
                work,
                HandReceipt(
                    kind="cheque",
                    customer_id=self.customer_id,
                    amount_minor=invoice.payable_minor + TOO_MUCH_MINOR,
                    currency=invoice.currency,
                    received_on=today(),
                    reference="0481516",
                    aims={invoice.invoice_id: invoice.payable_minor},
                ),
                ACTOR,
            )
