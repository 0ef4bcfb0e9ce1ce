"""Refunds by transfer: agreed orders become one file, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from debit_builders import OTHER_IBAN, due_invoice, set_up
from lxml import etree

from config.clock import new_id, today
from payments.debits.listing import batch_file
from payments.debits.pain import xsd_of
from payments.debits.transfers import FORMATS, make_transfer_file
from payments.errors import PaymentError
from payments.refunds.orders import NewRefund, agree_refund, ask_refund
from payments.refunds.sending import transfers_to_make
from receivables.services.settlement.paying import RecordPayment, record_payment

if TYPE_CHECKING:
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def order(work: Work) -> None:
    """A payment of 120.00 for an invoice of 100.00, and an order to give 20.00 back by transfer."""
    invoice = due_invoice(work)
    attempt_id = record_payment(
        work,
        RecordPayment(
            payment_ref=f"line:{new_id()}",
            customer_id=invoice.customer_id,
            amount_minor=12000,
            currency="EUR",
            received_on=today(),
            method="transfer",
            road="bank",
            counter="bank",
            aims={invoice.invoice_id: 10000},
            actor="accountant",
        ),
    )
    wish = NewRefund(new_id(), attempt_id, 2000, "transfer", "Trop perçu", "accountant", transfer_iban=OTHER_IBAN)
    if ask_refund(work, wish).state == "to_agree":
        agree_refund(work, wish.order_id, "owner")


@pytest.mark.parametrize("schema", FORMATS)
def test_orders_leave_in_one_file_and_no_order_leaves_twice(works: Works, supplier: Supplier, schema: str) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_up(work)
        order(work)
        order(work)
        batch_id = make_transfer_file(work, transfers_to_make(work), "accountant", schema)
        assert batch_id is not None
        root = etree.fromstring(batch_file(work, batch_id).content)
        assert xsd_of(schema).validate(root)
        assert next(each.text for each in root.iter("{*}CtrlSum")) == "40.00"
        told = {each.text for each in root.iter("{*}EndToEndId")}
        rows = work.rows("SELECT state, refund_ref FROM refund_orders WHERE supplier_id = :supplier")
        assert {row["refund_ref"] for row in rows} == told
        assert {row["state"] for row in rows} == {"sent"}
        assert make_transfer_file(work, transfers_to_make(work), "accountant", schema) is None


def test_an_order_that_was_sent_is_refused(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_up(work)
        order(work)
        orders = transfers_to_make(work)
        work.execute("UPDATE refund_orders SET state = 'sent' WHERE supplier_id = :supplier")
        sent = [type(each)(**{**{n: getattr(each, n) for n in each.__slots__}, "state": "sent"}) for each in orders]
        with pytest.raises(PaymentError) as refused:
            make_transfer_file(work, sent, "accountant")
    assert refused.value.code == "debit.not_a_transfer"
