"""A customer's platform asks for documents (208): our answer (209) carries them there, once, and closes nothing."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from config.clock import new_id
from einvoice.errors import EInvoiceError
from einvoice.keeping import KeptFile
from portal.documents.attachments import Attachments
from portal.staff.disputes.acts import Actor, send_documents
from receivables.domain.conversations.disputes import State
from receivables.services.accounting.checks import run_checks
from receivables.store.conversations.disputes import disputes_on

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import PlatformHouse, Story

    from receivables.domain.conversations.disputes import Dispute

NOTE = Attachments((KeptFile(b"%PDF-1.7 delivery note", "bl.pdf", "application/pdf"),))


def only(story: Story, invoice_id: UUID) -> Dispute:
    with story.services.works.begin(story.id) as work:
        (dispute,) = disputes_on(work, invoice_id)
    return dispute


def test_our_209_carries_the_documents_that_a_208_asked_for(story: Story, platform_house: PlatformHouse) -> None:
    invoice = story.issue().invoice
    story.until(lambda: "203" in story.codes())
    platform_house.play(invoice.number, story.siren, status="208", reason="JUSTIF_ABS", comment="Bon de livraison ?")
    story.until(lambda: "208" in story.codes())
    dispute = only(story, invoice.invoice_id)
    assert dispute.state is State.INFO_NEEDED
    actor = Actor(story.services, story.id, "collector", new_id().hex)
    for _ in range(2):  # the same form, sent twice
        send_documents(actor, dispute.dispute_id, "Le voici.", NOTE)
    story.until(lambda: any("status" in each and each["status"]["code"] == "209" for each in story.at_platform()))
    assert story.codes("out").count("209") == 1
    (row,) = story.rows(
        "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND form = 'cdar' AND filename LIKE '%-209-%'"
    )
    message = story.services.archive.get(row["sha256"])
    carried = re.search(rb"AttachmentBinaryObject[^>]*>([^<]+)<", message)
    assert carried
    assert b64decode(carried[1]) == NOTE.files[0].content
    assert b"Le voici." in message
    assert only(story, invoice.invoice_id).state is State.OPEN
    with story.services.works.begin(story.id) as work:
        assert {each.code: each.gap for each in run_checks(work) if each.gap} == {}


def test_a_209_that_cannot_go_leaves_nothing_behind(
    story: Story, platform_house: PlatformHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = story.issue().invoice
    story.until(lambda: "203" in story.codes())
    platform_house.play(invoice.number, story.siren, status="208", reason="JUSTIF_ABS")
    story.until(lambda: "208" in story.codes())
    dispute = only(story, invoice.invoice_id)
    from einvoice.lifecycle import sending  # noqa: PLC0415 -- to make the limit small

    monkeypatch.setattr(sending, "MAX_ATTACHED_BYTES", 3)
    with pytest.raises(EInvoiceError):
        send_documents(Actor(story.services, story.id, "collector", new_id().hex), dispute.dispute_id, "", NOTE)
    assert only(story, invoice.invoice_id).state is State.INFO_NEEDED
    assert story.rows("SELECT 1 FROM documents WHERE supplier_id = :supplier AND form = 'attachment'") == []
    assert story.rows("SELECT 1 FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'dispute/%'") == []
