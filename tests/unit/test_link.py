"""A payment link in a finished invoice: it stands where the schema wants it, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import builders
import pytest
from format_samples import SAMPLES, WRITERS, assert_xsd_valid, sample
from lxml import etree

from config import safe_xml
from einvoice.document import Attachment
from einvoice.errors import LinkNotCarriedError
from einvoice.formats.cii import write_cii
from einvoice.formats.link import add_payment_link
from einvoice.formats.reader import read_xml
from einvoice.formats.ubl import write_ubl

URL = "https://pay.example/p/Zm9v?x=1&y=2"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_link_in_a_sample_changes_nothing_else(name: str) -> None:
    root = safe_xml.parse(sample(name))
    before = etree.tostring(root, method="c14n")
    if read_xml(root).profile.endswith("factur-x.eu:1p0:basic"):
        with pytest.raises(LinkNotCarriedError) as refusal:
            add_payment_link(root, URL, "PAIEMENT-1")
        assert refusal.value.code == "link.profile_has_no_place"
        return
    patched = add_payment_link(root, URL, "PAIEMENT-1")
    assert etree.tostring(root, method="c14n") == before
    assert_xsd_valid(patched)
    linked = safe_xml.parse(patched)
    assert Attachment("PAIEMENT-1", url=URL) in read_xml(linked).document.attachments
    (new,) = (each.getparent() for each in linked.iter() if each.text == "PAIEMENT-1")
    new.getparent().remove(new)
    assert etree.tostring(linked, method="c14n") == before


def test_a_link_that_is_there_already_is_not_doubled() -> None:
    for write in WRITERS.values():
        once = add_payment_link(safe_xml.parse(write(builders.document())), URL, "PAIEMENT-1")
        assert add_payment_link(safe_xml.parse(once), URL, "PAIEMENT-1") == once


@pytest.mark.parametrize(
    "profile",
    [
        "urn:factur-x.eu:1p0:minimum",
        "urn:factur-x.eu:1p0:basicwl",
        "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    ],
)
def test_a_profile_without_supporting_documents_carries_no_link(profile: str) -> None:
    root = safe_xml.parse(write_cii(replace(builders.document(), profile=profile)))
    with pytest.raises(LinkNotCarriedError) as refusal:
        add_payment_link(root, URL, "PAIEMENT-1")
    assert refusal.value.code == "link.profile_has_no_place"


def test_a_signed_file_is_never_altered() -> None:
    root = safe_xml.parse(write_ubl(builders.document()))
    root.append(root.makeelement("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    with pytest.raises(LinkNotCarriedError) as refusal:
        add_payment_link(root, URL, "PAIEMENT-1")
    assert refusal.value.code == "link.file_is_signed"


def test_a_link_in_a_credit_note_stands_where_the_schema_wants_it() -> None:
    document = builders.credit_note(tender_reference="LOT-1", project_reference="P-1", contract_reference="C-1")
    for write in WRITERS.values():
        assert_xsd_valid(add_payment_link(safe_xml.parse(write(document)), URL, "PAIEMENT-1"))
