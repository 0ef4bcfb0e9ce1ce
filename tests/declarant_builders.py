"""A supplier that declares itself by Flux 10, with sales and receipts on any day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from ledger_builders import attempt, customer_facts, issue
from report_builders import foreign_document

from config.clock import new_id, now
from einvoice.kept import KeptDocument, kept_to_json
from einvoice.platform.accounts import PlatformAccount
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from einvoice.reporting.facts import facts_of
from einvoice.reporting.lines import totals_of
from einvoice.reporting.periods import Period, ReportKind, period_of
from einvoice.reporting.preparing import Reporter
from einvoice.reporting.store import Declaration, insert_declaration, lines_of, versions_of
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.money import Money
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.services.settlement.receipts import record_facts
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.validation.verdict import Report
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DRIVER = PlatformDriver(
    "trial",
    "http://127.0.0.1:1",
    "http://127.0.0.1:1/token",
    matricule="1234",
)


def at(day: date) -> datetime:
    """Noon of a day, as a provider tells it."""
    return datetime.combine(day, time(11), tzinfo=UTC)


def own_account(work: Work, *, reporting: str = "own", label: str = "Plateforme d'essai") -> UUID:
    """An account of a platform to which we send Flux 10 ourselves."""
    account_id = new_id()
    work.execute(
        "INSERT INTO platform_accounts (supplier_id, account_id, label, driver, sealed_client_secret, created_at) "
        "VALUES (:supplier, :id, :label, CAST(:driver AS jsonb), '', :at)",
        id=account_id,
        label=label,
        driver=to_json({"reporting": reporting}),
        at=now(),
    )
    return account_id


@dataclass
class Declarer:
    """One supplier of a size that must declare since September 2026, and its desk of declarations."""

    works: Works
    supplier: Supplier
    archive: ArchivePort
    check: Callable[[bytes], Report]
    driver: PlatformDriver = DRIVER
    reporting: str = "own"
    account_id: UUID | None = None
    files: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.works.begin(self.id) as work:
            work.execute(
                "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
                "VALUES (:supplier, CAST(:profile AS jsonb), :at)",
                profile=to_json({"name": "Atelier Lumière SARL", "size": "large", "vat_regime": "quarterly"}),
                at=now(),
            )
            self.account_id = own_account(work, reporting=self.reporting)

    @property
    def id(self) -> UUID:
        return self.supplier.supplier_id

    def account(self, _: Work) -> PlatformAccount | None:
        """The active account."""
        if self.account_id is None:
            return None
        settings = PlatformSettings(
            self.driver,
            "client",
            "secret",
            reporting=self.reporting,  # type: ignore[arg-type]
        )
        return PlatformAccount(self.account_id, "Plateforme d'essai", settings)

    @property
    def reporter(self) -> Reporter:
        return Reporter(self.works, self.archive, self._judge, self.account)

    def _judge(self, content: bytes) -> Report:
        self.files.append(content)
        return self.check(content)

    def profile(self, **changes: Any) -> None:
        """Change the profile."""
        with self.works.begin(self.id) as work:
            work.execute(
                "UPDATE supplier_profiles SET profile = profile || CAST(:changes AS jsonb) "
                "WHERE supplier_id = :supplier",
                changes=to_json(changes),
            )

    def sell(self, day: date = date(2026, 10, 5), **changes: Any) -> Invoice:
        """A consumer's invoice of 100.00 at two rates, due on collection."""
        consumer = customer_facts("Camille Renard", None)
        values = {"customer": consumer, "routing": Routing.B2C, "issued_on": day, **changes}
        with self.works.begin(self.id) as work:
            return issue(work, **values)

    def sell_abroad(self, day: date = date(2026, 10, 5), made: Document | None = None, **changes: Any) -> Invoice:
        """An invoice to a German company, with its legal document; reverse-charged unless told otherwise."""
        made = made or foreign_document(issue_date=day.isoformat())
        rows = tuple(
            VatRow(
                row.category,
                row.rate or 0,  # type: ignore[arg-type]
                Money.of(row.taxable, made.currency).minor,
                Money.of(row.tax, made.currency).minor,
            )
            for row in made.vat
        )
        total = Money.of(made.totals.with_vat, made.currency).minor
        values = {
            "customer": customer_facts(made.buyer.name, None),
            "routing": Routing.B2B_INTERNATIONAL,
            "issued_on": day,
            "currency": made.currency,
            "vat_rows": rows,
            "total_minor": total,
            "payable_minor": total,
            "vat_on_collection": any(row.tax_minor for row in rows),
            "document": kept_to_json(KeptDocument(made, ("cii",))),
            "type_code": made.type_code,
            "process": made.process,
            **changes,
        }
        with self.works.begin(self.id) as work:
            return issue(work, **values)

    def receive(self, invoice: Invoice, day: date, amount_minor: int | None = None) -> str:
        """Money for an invoice; returns its payment reference."""
        with self.works.begin(self.id) as work:
            paid = attempt(work, invoice, amount_minor, currency=invoice.currency)
            amount = amount_minor or invoice.payable_minor
            ref = f"pi_{paid.hex}"
            record_facts(work, [MoneyReceived(ref, paid, amount, invoice.currency, at(day), "card")])
        return ref

    def give_back(self, payment: str, day: date, amount_minor: int, kind: str = "refund") -> None:
        """Money that goes back."""
        with self.works.begin(self.id) as work:
            record_facts(work, [MoneyReturned(f"re_{new_id().hex}", payment, kind, amount_minor, "EUR", at(day))])

    def prepare(self, today: date) -> list[Declaration]:
        """What the chore makes on a day."""
        return self.reporter.prepare_due(self.id, today)

    def acknowledge(self, state: str = "accepted") -> None:
        """The platform acknowledges every flow that it was sent."""
        with self.works.begin(self.id) as work:
            work.execute(
                "UPDATE platform_flows SET state = :state WHERE supplier_id = :supplier AND state <> 'accepted'",
                state=state,
            )

    def versions(self, kind: ReportKind, day: date) -> list[Declaration]:
        """Every version of a period, newest first."""
        with self.works.begin(self.id) as work:
            return versions_of(work, period_of("quarterly", kind, day))

    def lines(self, made: Declaration) -> list[tuple[str, str, int | None, int | None]]:
        """(block, rate, base or amount, VAT) of a version."""
        with self.works.begin(self.id) as work:
            return [
                (
                    each.block,
                    f"{each.rate.normalize():f}",
                    each.taxable_minor if each.amount_minor is None else each.amount_eur_minor,
                    each.tax_minor,
                )
                for each in lines_of(work, made.report_id)
            ]

    def troubles(self) -> list[tuple[str, str]]:
        """What stands in the way now: code and sentence."""
        with self.works.begin(self.id) as work:
            rows = work.rows(
                "SELECT code, sentence FROM report_troubles WHERE supplier_id = :supplier AND cleared_at IS NULL "
                "ORDER BY code"
            )
        return [(row["code"], row["sentence"]) for row in rows]


def declare_by_hand(work: Work, period: Period, version: int = 1, sha256: str = "") -> Declaration:
    """A version of a period with its true lines and a file of nothing, for tests of the books."""
    document_id = new_id()
    work.execute(
        "INSERT INTO documents (supplier_id, document_id, form, filename, mime, sha256, size_bytes, retain_until, "
        "created_at) VALUES (:supplier, :id, 'flux10', :name, 'application/xml', :sha, 0, '2037-12-31', :at)",
        id=document_id,
        sha=sha256,
        name=f"{period.name}-{version}",
        at=now(),
    )
    made = Declaration(
        report_id=new_id(),
        period=period,
        type_code="IN" if version == 1 else "RE",
        version=version,
        number=f"{period.name}-{version}",
        regime="quarterly",
        state="prepared",
        answer=None,
        document_id=document_id,
        created_at=now(),
        totals=[],
    )
    lines = facts_of(work, period).lines
    insert_declaration(work, made, totals_of(lines), lines)
    return made
