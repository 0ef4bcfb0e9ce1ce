"""Remittance advices as they come: tables, pages of text and bank notices, each read to the same lines."""

from __future__ import annotations

import pytest

from payments.advices.errors import AdviceError
from payments.advices.reading import amounts_in, read_notice, read_table, read_texts

NOTICE = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N1</MsgId>
<CreDtTm>2026-11-12T08:00:00</CreDtTm></GrpHdr><Ntfctn><Id>N1</Id><CreDtTm>2026-11-12T08:00:00</CreDtTm>
<Acct><Id><IBAN>FR7610278060000002019440123</IBAN></Id><Ccy>EUR</Ccy></Acct>{entries}
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"""
ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sense}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-12</Dt></BookgDt><ValDt><Dt>2026-11-12</Dt></ValDt><NtryDtls><TxDtls>
<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sense}</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>Autre</Nm></Pty></Cdtr>
<CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct></RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf>
</TxDtls></NtryDtls></Ntry>"""
OURS, THEIRS = "FR7630006000011234567890189", "DE89370400440532013000"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("1 200,50 EUR", (120050,)),
        ("1.200,50 et 1'200.50", (120050, 120050)),
        ("1\u202f200,50 €", (120050,)),
        ("-120,00 puis 30,00-", (-12000, -3000)),
        ("(45,10)", (-4510,)),
        ("le 12/11/2026, F-2026-00042", ()),
        ("12,5 et 3,999", ()),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, amounts: tuple[int, ...]) -> None:
    assert amounts_in(text) == amounts


def test_a_table_is_read_by_its_heads_and_its_total_is_no_line() -> None:
    read = read_table(
        "N° facture;Date;Montant TTC;Montant payé\n"
        "F-2026-00042;01/10/2026;1 300,00;1 200,50\n"
        "AV-2026-00003;;-120,00;-120,00\nF-2026-00043;;;1200\nTotal;;;2280,50\n".encode("cp1252")
    )
    assert [line.amounts for line in read.lines] == [(120050,), (-12000,), (120000,)]
    assert read.told_minor == 228050
    assert "F202600042" in read.lines[0].mentions[0].wholes


def test_a_table_without_heads_is_read_by_what_stands_in_it() -> None:
    read = read_table(b"F-2026-00042,paid,1200.50\nnothing here,,\n")
    assert [(line.said, line.amounts) for line in read.lines] == [("F-2026-00042 · paid · 1200.50", (120050,))]


def test_an_empty_table_is_refused_with_what_to_do() -> None:
    with pytest.raises(AdviceError) as refused:
        read_table(b" \n\n")
    assert refused.value.code == "advice.no_text"


def test_a_page_of_text_gives_lines_total_and_day() -> None:
    read = read_texts(
        [
            "Avis de virement du 12/11/2026",
            "Facture F-2026-00042     02/10/2026     1 200,50 EUR",
            "F-2026-00043     1.000,00",
            "TOTAL DU VIREMENT     2 200,50 €",
        ]
    )
    assert [line.amounts for line in read.lines] == [(120050,), (100000,)]
    assert read.told_minor == 220050
    assert read.paid_on is not None
    assert read.paid_on.isoformat() == "2026-11-12"


def test_of_a_bank_notice_only_payments_to_us_are_taken() -> None:
    entries = "".join(
        (
            ENTRY.format(amount="1200.50", sense="DBIT", iban=OURS, text="FACTURE F-2026-00042"),
            ENTRY.format(amount="99.00", sense="DBIT", iban=THEIRS, text="FACTURE F-2026-00043"),
            ENTRY.format(amount="50.00", sense="CRDT", iban=OURS, text="F-2026-00044"),
        )
    )
    read = read_notice(NOTICE.format(entries=entries).encode(), [OURS])
    assert [line.amounts for line in read.lines] == [(120050,)]
    assert read.told_minor == 120050
