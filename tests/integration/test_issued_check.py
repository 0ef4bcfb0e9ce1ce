"""Whether a file that somebody dropped is ours: asked with an invoice that was really issued, produced and archived."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pytest

from config import clock
from payments.bank_accounts import active_account_of, plain_iban
from portal.documents import issued_check
from portal.documents.issued_check import Answer, DropsBusyError, judge_dropped, read_dropped

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import Story

    from receivables.domain.invoicing.invoices import Invoice

OTHER = "FR1420041010050500013M02606"


@pytest.fixture
def invoice(plain_story: Story) -> Invoice:
    return plain_story.issue().invoice


def file_of(story: Story, invoice: Invoice, form: str) -> bytes:
    with story.services.works.begin(story.id) as work:
        sha256: str = work.scalar(
            "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND invoice_id = :invoice AND form = :form",
            invoice=invoice.invoice_id,
            form=form,
        )
    return story.services.archive.get(sha256)


def judge(story: Story, invoice: Invoice, content: bytes, customer_id: UUID | None = None) -> Answer:
    read = read_dropped(content)
    with story.services.works.begin(story.id) as work:
        return judge_dropped(work, content, read, customer_id or invoice.customer_id).answer


def printed_iban(story: Story) -> bytes:
    with story.services.works.begin(story.id) as work:
        account = active_account_of(work)
    assert account is not None
    return plain_iban(account.iban).encode()


def with_xml(pdf: bytes, change: bytes, to: bytes) -> bytes:
    """The same pages around other invoice data."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        xml = opened.attachments["factur-x.xml"].get_file().read_bytes()
        assert change in xml
        spec = pikepdf.AttachedFileSpec(opened, xml.replace(change, to), filename="factur-x.xml", mime_type="text/xml")
        opened.attachments["factur-x.xml"] = spec
        written = BytesIO()
        opened.save(written)
    return written.getvalue()


def test_the_pdf_that_we_issued_is_ours_to_the_byte(plain_story: Story, invoice: Invoice) -> None:
    assert judge(plain_story, invoice, file_of(plain_story, invoice, "facturx")) is Answer.OURS


def test_our_pdf_with_another_account_inside_is_told_as_altered(plain_story: Story, invoice: Invoice) -> None:
    pdf = file_of(plain_story, invoice, "facturx")
    assert judge(plain_story, invoice, with_xml(pdf, printed_iban(plain_story), OTHER.encode())) is Answer.ALTERED_IBAN


def test_our_pdf_with_another_amount_inside_is_told_as_altered(plain_story: Story, invoice: Invoice) -> None:
    pdf = file_of(plain_story, invoice, "facturx")
    altered = with_xml(pdf, b"DuePayableAmount>120.00", b"DuePayableAmount>999.00")
    assert judge(plain_story, invoice, altered) is Answer.ALTERED


def test_our_data_in_a_file_that_was_saved_again_are_not_called_our_file(plain_story: Story, invoice: Invoice) -> None:
    pdf = file_of(plain_story, invoice, "facturx")
    assert judge(plain_story, invoice, with_xml(pdf, b"<", b"<")) is Answer.RESAVED


def test_another_number_or_anothers_invoice_is_not_ours_for_this_payer(plain_story: Story, invoice: Invoice) -> None:
    pdf = file_of(plain_story, invoice, "facturx")
    renumbered = with_xml(pdf, f">{invoice.number}<".encode(), b">F-1999-0001<")
    assert judge(plain_story, invoice, renumbered) is Answer.NOT_OURS
    resaved = with_xml(pdf, b"<", b"<")
    assert judge(plain_story, invoice, resaved, clock.new_id()) is Answer.NOT_OURS


def test_a_pdf_without_data_cannot_be_compared(plain_story: Story, invoice: Invoice) -> None:
    blank = BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(blank)
    assert judge(plain_story, invoice, blank.getvalue()) is Answer.UNREADABLE
    assert judge(plain_story, invoice, b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>') is Answer.UNREADABLE


def test_an_account_that_was_retired_since_does_not_make_our_own_file_false(
    plain_story: Story, invoice: Invoice
) -> None:
    pdf = file_of(plain_story, invoice, "facturx")
    with plain_story.services.works.begin(plain_story.id) as work:
        work.execute(
            "UPDATE supplier_profiles SET profile = profile || '{\"iban\": null}' WHERE supplier_id = :supplier"
        )
    assert judge(plain_story, invoice, pdf) is Answer.OURS
    assert judge(plain_story, invoice, with_xml(pdf, b"<", b"<")) is Answer.RESAVED


def test_only_so_many_files_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [issued_check._PLACES.acquire(blocking=False) for _ in range(10)]
    try:
        with pytest.raises(DropsBusyError):
            read_dropped(b"%PDF-1.7")
    finally:
        for had in taken:
            if had:
                issued_check._PLACES.release()
    assert read_dropped(b"%PDF-1.7") is None
    monkeypatch.setattr(issued_check, "read_finished", lambda content: re.fullmatch("x", content.decode()))
    assert read_dropped(b"y") is None
