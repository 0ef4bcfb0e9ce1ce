"""What earlier credit notes took off an invoice, from the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.crediting.limits import Credited
from einvoice.document import VatBreakdown
from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.domain.money import Money
from receivables.store.invoicing.invoices import vat_rows_from_json

if TYPE_CHECKING:
    from decimal import Decimal

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def credited_before(work: Work, invoice: Invoice) -> Credited:
    """What earlier credit notes took off ``invoice``, which they name at their head or on their lines (BR-FR-CO-05).

    Those that name several invoices are left out: what they credit of which, they do not say.
    """
    rows = work.rows(
        "SELECT prepaid_minor + payable_minor AS asked_minor, vat_rows FROM invoices WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND type_code = ANY(:kinds) "
        "AND (SELECT array_agg(DISTINCT concat(named->>'number', ' ', coalesce(named->>'issued_on', :day))) FROM ("
        "SELECT jsonb_path_query(document, '$.document.preceding[*]') AS named UNION ALL "
        "SELECT jsonb_path_query(document, '$.document.lines[*].preceding')) AS earlier) = ARRAY[:named] "
        "ORDER BY invoice_id",
        customer=invoice.customer_id,
        kinds=sorted(CREDIT_NOTES),
        day=invoice.issued_on.isoformat(),
        named=f"{invoice.number} {invoice.issued_on.isoformat()}",
    )

    def amount(minor: int) -> Decimal:
        return Money(minor, invoice.currency).decimal

    return Credited(
        amount(sum(row["asked_minor"] for row in rows)),
        tuple(
            VatBreakdown(amount(each.taxable_minor), amount(each.tax_minor), each.category, each.rate)
            for row in rows
            for each in vat_rows_from_json(row["vat_rows"])
        ),
    )
