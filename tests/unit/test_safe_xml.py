"""The one XML parser refuses what invoices never need, and gives back what they say."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from config.safe_xml import MAX_DEPTH, UnsafeXmlError, parse, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "a bare DOCTYPE": b"<!DOCTYPE Invoice><Invoice/>",
    "an internal entity": b'<!DOCTYPE i [<!ENTITY e "x">]><i>&e;</i>',
    "a file": b'<!DOCTYPE i [<!ENTITY e SYSTEM "file:///etc/passwd">]><i>&e;</i>',
    "an address": b'<!DOCTYPE i [<!ENTITY e SYSTEM "http://127.0.0.1:9/x">]><i>&e;</i>',
    "a parameter entity": b'<!DOCTYPE i [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><i/>',
    "an external subset": b'<!DOCTYPE i SYSTEM "http://127.0.0.1:9/x.dtd"><i/>',
    "a public subset": b'<!DOCTYPE i PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd"><i/>',
    "the billion laughs": f'<!DOCTYPE i [<!ENTITY a0 "ha">{LAUGHS}]><i>&a9;</i>'.encode(),
    "laughs in an attribute": f'<!DOCTYPE i [<!ENTITY a0 "ha">{LAUGHS}]><i a="&a9;"/>'.encode(),
    "the quadratic blow-up": b'<!DOCTYPE i [<!ENTITY e "' + b"x" * 50_000 + b'">]><i>' + b"&e;" * 5_000 + b"</i>",
    "a default attribute": b'<!DOCTYPE i [<!ATTLIST i currencyID CDATA "EUR">]><i/>',
    "UTF-16": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE i [<!ENTITY e "x">]><i>&e;</i>'.encode("utf-16"),
    "nothing": b"",
    "no XML": b"%PDF-1.7",
    "half a file": b"<Invoice><Line>",
    "two roots": b"<a/><b/>",
    "an undeclared entity": b"<i>&e;</i>",
    "an undeclared prefix": b"<rsm:i/>",
    "an unknown encoding": b'<?xml version="1.0" encoding="EBCDIC-XX"?><i/>',
    "a control character": b"<i>\x01</i>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_quickly_and_opens_no_socket(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("the parser opened a socket"))
    began = time.monotonic()
    with pytest.raises(UnsafeXmlError) as refused:
        parse(ATTACKS[attack])
    assert refused.value.code in {"xml.doctype", "xml.not_well_formed"}
    assert str(refused.value) == refused.value.sentence
    assert refused.value.sentence_fr != refused.value.sentence
    assert time.monotonic() - began < 5


def test_a_refusal_does_not_repeat_a_name_of_any_length() -> None:
    with pytest.raises(UnsafeXmlError) as refused:
        parse(b"<" + b"x" * 40_000 + b"\x01")
    assert len(refused.value.sentence) < 500
    assert len(refused.value.sentence_fr) < 500


def test_a_doctype_is_named_as_such() -> None:
    with pytest.raises(UnsafeXmlError, match="remove it") as refused:
        parse(ATTACKS["a bare DOCTYPE"])
    assert refused.value.code == "xml.doctype"


def test_too_many_bytes_and_too_deep_a_tree_are_refused() -> None:
    with pytest.raises(UnsafeXmlError) as large:
        parse(b"<i>" + b"x" * 100 + b"</i>", max_bytes=100)
    assert large.value.code == "xml.too_large"
    with pytest.raises(UnsafeXmlError) as deep:
        parse(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))
    assert deep.value.code == "xml.too_deep"
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).tag == "a"


def test_an_xinclude_and_a_schema_location_are_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t")
    xml = f'<i xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret}" parse="text"/></i>'
    assert b"s3cr3t" not in to_bytes(parse(xml.encode()))


@pytest.mark.parametrize("text", ["déjà vu & <balise>", "€ 12,50", "\U0001d518nicode", "  spaces  "])
def test_what_is_read_is_written_again(text: str) -> None:
    root = parse(b"<i><t/></i>")
    root[0].text = text
    assert parse(to_bytes(root))[0].text == text
