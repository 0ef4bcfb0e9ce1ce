"""The whole loop unattended: issue, pay, letter, tell, refund, verify; each step printed with its ids and amounts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from config.safe_xml import UnsafeXmlError
from einvoice.errors import EInvoiceError
from einvoice.receiving.purchases import list_purchases
from portal.cli.keeping import show_findings, verify_house
from portal.demo.house import DemoError
from portal.demo.story import payment_of
from portal.documents.issuing import Issued, IssueOptions, issue_content
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from einvoice.receiving.purchases import PurchaseLine
    from portal.demo.house import DemoHouse
    from portal.demo.story import Stage, Staged
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

WITHIN_S = 60.0
"""Every step of the loop is done in seconds; a minute means that it will never be."""
SAMPLE_FOLDERS = ("facturx", "cii", "ubl")


@dataclass(slots=True)
class Loop:
    """Runs the loop on a staged house and prints what happens."""

    house: DemoHouse
    services: Services
    stage: Stage
    say: Callable[[str], None]

    def run(self, staged: list[Staged], samples: Path | None) -> bool:
        """Every step; returns whether ``verify`` found no gap.

        Raises:
            DemoError: a step did not happen.
        """
        for each in staged:
            payable = [i for i in each.invoices if not i.is_credit_note and i.payable_minor > 0]
            payable.sort(key=lambda invoice: invoice.routing is Routing.B2B)
            self._one(each, payable[-1])
        for each in staged:
            self._say_received(each)
        self._samples(samples)
        self._wait_quiet()
        findings = verify_house(self.services)
        self.say("Verify:")
        show_findings(findings)
        return not any(each.gap for each in findings)

    def _one(self, staged: Staged, invoice: Invoice) -> None:
        """Pay one invoice through its link, look at everything that follows, then refund it."""
        total = Money(invoice.payable_minor, invoice.currency)
        self.say(f"[bold]{staged.supplier.name}[/], invoice {invoice.number}, {total}")
        self._say_exposure(staged, invoice, "before")
        self._pay_by_link(staged, invoice)
        ref = self._await("the payment in the books", lambda: payment_of(self.services, staged, invoice))
        self.say(f"  paid       {ref}")
        self._say_letter(staged, invoice)
        self._say_exposure(staged, invoice, "after")
        told = invoice.vat_on_collection
        if told:
            self._say_told(staged, invoice, 1)
        refund = self.stage.refund(staged, ref, total, f"refund-{invoice.invoice_id}")
        self._await("the refund in the books", lambda: self._open(staged, invoice) == invoice.payable_minor or None)
        self.say(f"  refunded   {refund}, {total} due again")
        if told:
            self._say_told(staged, invoice, 2)
        else:
            self.say("  212        none: VAT does not fall due on collection here")

    def _pay_by_link(self, staged: Staged, invoice: Invoice) -> None:
        """As a payer does: open the link, press the button, pay on the provider's page."""
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            url = self.services.pay_link(work, invoice.invoice_id, "document")
        with httpx.Client(timeout=20, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
            page = browser.get(url)
            if page.status_code != httpx.codes.OK or invoice.number not in page.text:
                raise DemoError(f"The pay page {url} answers {page.status_code}.")
            field = page.text.partition('name="form_token" value="')[2].partition('"')[0]
            pressed = browser.post(f"{url}/pay", data={"form_token": field})
            target = pressed.headers.get("Location", "")
            if pressed.status_code != httpx.codes.SEE_OTHER or not target.startswith(self.house.addresses.payments):
                raise DemoError(f"The pay button answers {pressed.status_code} towards {target!r}.")
        session = target.partition("?")[0].rpartition("/")[2]
        self.say(f"  link       {url[:48]}...  checkout {session}")
        self.stage.sandbox("POST", f"/_sandbox/pay/{session}", {"card": "4242424242424242"}, staged.sandbox_key)

    def _say_letter(self, staged: Staged, invoice: Invoice) -> None:
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            row = work.row(
                "SELECT letters.code, letters.lettered_on FROM receivable_items JOIN letterings AS letters "
                "USING (supplier_id, lettering_id) WHERE supplier_id = :supplier AND invoice_id = :invoice",
                invoice=invoice.invoice_id,
            )
        if row is None:
            raise DemoError(f"Invoice {invoice.number} is paid but carries no letter.")
        self.say(f"  lettered   {row['code']} on {row['lettered_on']}")

    def _say_exposure(self, staged: Staged, invoice: Invoice, when: str) -> None:
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            exposure = exposure_of(work, invoice.customer_id)
        self.say(f"  exposure   {Money(exposure.total_minor, invoice.currency)} {when} the payment")

    def _say_told(self, staged: Staged, invoice: Invoice, which: int) -> None:
        """The ``which``-th 212 of an invoice, accepted by the platform."""
        row = self._await(f"212 number {which} at the platform", lambda: self._accepted_status(staged, invoice, which))
        parts = ", ".join(f"{e['amount']} at {e['rate']} %" for e in row["amounts"] if e["kind"] == "MEN")
        self.say(f"  212        {parts}; message {row['message_id']}, flow {row['flow_ref']}")

    def _accepted_status(self, staged: Staged, invoice: Invoice, which: int) -> dict[str, Any] | None:
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            told = work.rows(
                "SELECT message_id, amounts FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice "
                "AND code = '212' AND direction = 'out' ORDER BY created_at",
                invoice=invoice.invoice_id,
            )
            flows = work.rows(
                "SELECT flow_ref, state, refusal FROM platform_flows WHERE supplier_id = :supplier "
                "AND invoice_id = :invoice AND kind = 'status' ORDER BY created_at",
                invoice=invoice.invoice_id,
            )
        refused = next((flow for flow in flows if flow["state"] == "refused"), None)
        if refused:
            raise DemoError(f"The platform refused a 212 of {invoice.number}: {refused['refusal']}")
        if len(flows) < which or flows[which - 1]["state"] != "accepted":
            return None
        return {**told[which - 1], "flow_ref": flows[which - 1]["flow_ref"]}

    def _say_received(self, staged: Staged) -> None:
        """The purchase invoice that an invented supplier sent through the platform."""

        def look() -> PurchaseLine | None:
            with self.services.works.begin(staged.supplier.supplier_id) as work:
                return next(iter(list_purchases(work, limit=1)), None)

        line = self._await("a purchase invoice from the platform", look)
        self.say(f"[bold]{staged.supplier.name}[/] received {line.number} of {line.seller_name}: {line.verdict}")

    def _samples(self, samples: Path | None) -> None:
        """Issue third-party files, each with its own seller, and pay some of them through the same road."""
        if samples is None or not samples.is_dir():
            self.say("No third-party samples on this machine: the loop ran on its own invoices.")
            return
        files = [path for name in SAMPLE_FOLDERS for path in sorted((samples / name).glob("*.*"))]
        issued: list[Issued] = []
        self.say(f"Third-party files of {samples.name}:")
        for path in files:
            try:
                one = issue_content(
                    self.services, path.read_bytes(), path.name, IssueOptions(create_supplier=True, actor="demo")
                )
            except (EInvoiceError, UnsafeXmlError, ReceivablesError) as error:
                self.say(f"  refused    {path.name}: {error.code}")
                continue
            issued.append(one)
            amount = Money(one.invoice.payable_minor, one.invoice.currency)
            self.say(f"  issued     {path.name}: {one.invoice.number}, {amount}, {one.invoice.routing}")
        self.say(f"  {len(issued)} issued of {len(files)}; a duplicate is the same invoice in another syntax")

    def _open(self, staged: Staged, invoice: Invoice) -> int:
        with self.services.works.begin(staged.supplier.supplier_id) as work:
            return due_on_invoice(work, invoice.invoice_id).open_minor

    def _wait_quiet(self) -> None:
        """Until the worker has nothing left to do."""
        self._await("an idle worker", lambda: self._is_quiet() or None)

    def _is_quiet(self) -> bool:
        with self.services.database.register() as connection:
            return not connection.exec_driver_sql(
                "SELECT 1 FROM inbox WHERE state IN ('new', 'waiting') UNION ALL "
                "SELECT 1 FROM outbox WHERE state = 'new' LIMIT 1"
            ).first()

    def _await(self, what: str, look: Callable[[], Any]) -> Any:
        """What ``look`` finds, as soon as it finds something.

        Raises:
            DemoError: nothing within :data:`WITHIN_S`.
        """
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            self.house.check_alive()
            found = look()
            if found is not None:
                return found
            time.sleep(0.1)
        raise DemoError(f"Waited {WITHIN_S:.0f} seconds for {what}.")
