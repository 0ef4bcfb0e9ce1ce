"""The life-cycle message: written as the schema and the French rules want it, read back without loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_material import shared

from config import safe_xml
from config.clock import PARIS
from einvoice.document import Address, Identifier, Party
from einvoice.lifecycle.cdar import read_cdar, write_cdar
from einvoice.lifecycle.collected import CollectedInvoice, collected_message
from einvoice.lifecycle.message import (
    AttachedFile,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusAmount,
    StatusMessage,
    StatusMessageError,
    StatusParty,
    compose,
)
from einvoice.lifecycle.reasons import ALLOWED, PUBLIC_BUYER_REFUSALS
from einvoice.lifecycle.statuses import STATUSES, Phase
from einvoice.validation.verdict import Verdict
from receivables.domain.money import Money

if TYPE_CHECKING:
    from einvoice.validation.check import Validator

NOON = datetime(2026, 10, 14, 10, 0, 5, tzinfo=UTC)
SELLER = Party(
    "Vendeur & Fils SAS",
    Address("FR"),
    legal_id=Identifier("100000009", "0002"),
    endpoint=Identifier("100000009_STATUTS", "0225"),
)
BUYER = Party(
    "Acheteur SA", Address("FR"), legal_id=Identifier("200000008", "0002"), endpoint=Identifier("200000008", "0225")
)
INVOICE = CollectedInvoice("F-2026-0043", "380", date(2026, 9, 15), NOON - timedelta(days=20))
EUR = Money.of


def receipt(**changes: object) -> StatusMessage:
    facts: dict[str, object] = {
        "seller": SELLER,
        "buyer": BUYER,
        "invoice": INVOICE,
        "split": [(Decimal(20), EUR("425.81")), (Decimal("5.5"), EUR("234.19"))],
        "sequence": 1,
        "collected_at": NOON,
        "made_at": NOON + timedelta(minutes=3),
        "remaining": EUR("1200.00"),
    }
    return collected_message(**(facts | changes))  # type: ignore[arg-type]


def through_xml(message: StatusMessage) -> StatusMessage:
    return read_cdar(safe_xml.parse(write_cdar(message)))


# --- samples ---------------------------------------------------------------------------------------------------------


def test_every_published_message_is_read_and_written_again_without_loss() -> None:
    paths = [
        *shared("samples/cdar").glob("*.xml"),
        *shared("standards/cdar-examples-annexB").glob("*.xml"),
        *shared("standards/examples-own").glob("cdar-*.xml"),
        *shared("samples/refused").glob("cdar-*.xml"),
    ]
    assert len(paths) >= 20
    for path in paths:
        original = safe_xml.parse(path.read_bytes())
        message = read_cdar(original)
        assert f"-{message.status}" in path.name, path.name
        assert through_xml(message) == message, path.name
        assert leaves(safe_xml.parse(write_cdar(message))) == leaves(original), path.name


def leaves(root: object) -> list[tuple[str, str]]:
    """Every text of the document with its element, in order: what must not be lost or moved."""
    found = []
    for element in root.iter():  # type: ignore[attr-defined]
        text = (element.text or "").strip()
        if isinstance(element.tag, str) and text:
            number = element.tag.endswith(("ValueAmount", "ValuePercent"))
            found.append((element.tag, str(Decimal(text).normalize()) if number else text))
    return found


def test_a_dispute_is_read_with_its_reason_its_action_and_its_wrong_and_expected_values() -> None:
    path = shared("standards/cdar-examples-annexB/UC4_F202500006_04-CDV-207_En_litige.xml")
    message = read_cdar(safe_xml.parse(path.read_bytes()))
    assert message.reasons == (Reason("TX_TVA_ERR", "Taux de TVA erroné", "NIN", "Créer une Facture Rectificative"),)
    assert message.amounts == ()
    assert [(datum.kind, datum.term, datum.rate) for datum in message.details[0].data] == [
        ("DIV", "BT-152", Decimal(10)),
        ("DVA", "BT-152", Decimal(20)),
    ]
    assert message.invoice.number == "F202500006"
    assert message.issuer.siren == "200000008"
    assert message.occurred_at == datetime(2025, 7, 1, 16, 0, tzinfo=UTC)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_an_unknown_status_is_read_and_kept() -> None:
    xml = write_cdar(receipt()).replace(b">212<", b">299<")
    assert read_cdar(safe_xml.parse(xml)).status == "299"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<ram:IssuerAssignedID>F-2026-0043</ram:IssuerAssignedID>", "", "cdar.incomplete"),
        ("<ram:ProcessConditionCode>212</ram:ProcessConditionCode>", "", "cdar.incomplete"),
        ('format="204">20261014120305', 'format="204">20261314120305', "cdar.unreadable_date"),
        (">425.81<", ">425,81<", "cdar.unreadable_number"),
        (">425.81<", ">NaN<", "cdar.unreadable_number"),
        (">QUJD<", ">QU-D<", "cdar.unreadable_attachment"),
        ("CrossDomainAcknowledgementAndResponse>", "CrossIndustryInvoice>", "cdar.not_cdar"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_code(old: str, new: str, code: str) -> None:
    text = write_cdar(replace(receipt(), attachments=(AttachedFile(b"ABC", "abc.txt"),))).decode()
    assert old in text
    if code == "cdar.not_cdar":
        text = text.replace("<rsm:CrossDomainAcknowledgementAndResponse ", "<rsm:CrossIndustryInvoice ")
    with pytest.raises(StatusMessageError) as refused:
        read_cdar(safe_xml.parse(text.replace(old, new).encode()))
    assert refused.value.code == code


def test_a_message_about_two_invoices_is_refused_rather_than_half_read() -> None:
    text = write_cdar(receipt()).decode()
    start, end = text.index("<ram:ReferenceReferencedDocument>"), text.index("</rsm:AcknowledgementDocument>")
    with pytest.raises(StatusMessageError) as refused:
        read_cdar(safe_xml.parse((text[:end] + text[start:end] + text[end:]).encode()))
    assert refused.value.code == "cdar.several_invoices"


def test_all_comments_of_a_note_are_kept() -> None:
    message = receipt(comment="première ligne")
    xml = write_cdar(message).replace(
        "première ligne</ram:Content>".encode(),
        "première ligne</ram:Content><ram:Content>seconde</ram:Content>".encode(),
    )
    assert read_cdar(safe_xml.parse(xml)).note == "première ligne\nseconde"


# --- the property ----------------------------------------------------------------------------------------------------

texts = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp")), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool)
)
optional_texts = st.none() | texts
identifiers = st.builds(Identifier, texts, st.none() | st.sampled_from(["0002", "0009", "0225", "0238"]))
instants = (
    st.integers(1_704_067_200, 2_208_988_800)  # the years 2024 to 2039
    .map(lambda second: datetime.fromtimestamp(second, UTC))
    # the second pass through autumn's repeated hour cannot be told apart on the wire
    .filter(lambda instant: instant.astimezone(PARIS).fold == 0)
)
days = st.dates(date(2024, 1, 1), date(2040, 1, 1))
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
parties = st.builds(
    StatusParty,
    st.none() | st.sampled_from(["SE", "BY", "WK", "DFH"]),
    st.lists(identifiers, max_size=2).map(tuple),
    optional_texts,
    st.none() | identifiers,
)
data = st.builds(
    Datum,
    kind=st.none() | st.sampled_from(["MEN", "RAP", "MPA", "DIV", "DVA"]),
    amount=st.just(None),
    rate=st.none() | st.decimals(min_value=0, max_value=100, places=4),
    dated_on=st.none() | days,
    term=optional_texts,
    changed=st.none() | st.booleans(),
    name=optional_texts,
    location=optional_texts,
    text=optional_texts,
) | st.builds(
    Datum, kind=st.sampled_from(["MEN", "RAP", "ESC"]), amount=amounts, currency=st.sampled_from(["EUR", "USD"])
)
reasons = st.builds(Reason, texts, optional_texts, optional_texts, optional_texts)
details = st.builds(
    Detail,
    st.none() | st.integers(1, 99),
    st.none() | reasons,
    st.lists(st.builds(Note, texts, optional_texts), max_size=2).map(tuple),
    st.lists(data, max_size=4).map(tuple),
    optional_texts,
)
messages = st.builds(
    StatusMessage,
    message_id=texts,
    status=texts,
    made_at=instants,
    invoice=st.builds(
        InvoiceReference,
        texts,
        optional_texts,
        st.none() | days,
        st.none() | parties,
        st.none() | instants,
        optional_texts,
    ),
    set_at=st.none() | instants,
    sender=parties,
    issuer=parties,
    recipients=st.lists(parties, min_size=1, max_size=3).map(tuple),
    details=st.lists(details, max_size=3).map(tuple),
    process=optional_texts,
    guideline=texts,
    name=optional_texts,
    phase=optional_texts,
    document_status=optional_texts,
    label=optional_texts,
    attachments=st.lists(st.builds(AttachedFile, st.binary(max_size=60), texts, optional_texts), max_size=2).map(tuple),
)


@given(messages)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back_equal(message: StatusMessage) -> None:
    assert through_xml(message) == message


@pytest.mark.parametrize("local", ["20261025013000", "20261025033000", "20260329033000", "20261014235959"])
def test_times_are_french_and_the_legal_day_survives_the_wire(local: str) -> None:
    instant = datetime.strptime(local, "%Y%m%d%H%M%S").replace(tzinfo=PARIS).astimezone(UTC)
    message = replace(receipt(), set_at=instant)
    assert f'<udt:DateTimeString format="204">{local}<' in write_cdar(message).decode()
    assert through_xml(message).set_at == instant


def test_a_text_that_xml_forbids_is_refused_before_it_is_sent() -> None:
    with pytest.raises(StatusMessageError) as refused:
        write_cdar(receipt(comment="coup de\x07 sonnette"))
    assert refused.value.code == "cdar.unwritable"


def test_a_message_without_recipient_is_refused() -> None:
    with pytest.raises(StatusMessageError) as refused:
        write_cdar(replace(receipt(), recipients=()))
    assert refused.value.code == "cdar.no_recipient"


# --- the 212 ---------------------------------------------------------------------------------------------------------


def test_a_partial_receipt_names_each_rate_and_what_remains() -> None:
    message = receipt()
    assert message.amounts == (
        StatusAmount("MEN", Decimal("425.81"), "EUR", Decimal(20)),
        StatusAmount("MEN", Decimal("234.19"), "EUR", Decimal("5.5")),
        StatusAmount("RAP", Decimal("1200.00"), "EUR", None),
    )
    assert (message.phase, message.document_status, message.status) == ("23", "47", "212")
    assert (message.sender.role, message.issuer.role, message.recipients[0].role) == ("WK", "SE", "BY")
    assert message.invoice.seller is not None
    assert message.invoice.seller.siren == "100000009"
    assert message.details[0].sequence == 1


def test_two_receipts_of_the_same_second_have_two_ids_and_one_receipt_always_the_same() -> None:
    first, second = receipt(sequence=1), receipt(sequence=2)
    assert first.message_id == "F-2026-0043_212_20261014120005-1#380_20260915"
    assert second.message_id != first.message_id
    assert receipt(sequence=1, made_at=NOON + timedelta(days=2)).message_id == first.message_id


def test_zero_parts_are_left_out_and_equal_rates_are_added() -> None:
    split = [(Decimal("20.00"), EUR("10.00")), (Decimal(10), EUR(0)), (Decimal(20), EUR("2.50"))]
    message = receipt(split=split, remaining=EUR(0))
    assert message.amounts == (StatusAmount("MEN", Decimal("12.50"), "EUR", Decimal(20)),)


def test_money_given_back_is_negative_per_rate_and_says_why() -> None:
    split = [(Decimal(20), EUR("-425.81")), (Decimal("5.5"), EUR("-234.19"))]
    message = receipt(split=split, remaining=None, comment="Prélèvement rejeté (AM04)")
    assert [amount.amount for amount in message.amounts] == [Decimal("-425.81"), Decimal("-234.19")]
    assert message.note == "Prélèvement rejeté (AM04)"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"split": [(Decimal(20), EUR(-1))]}, "collected.no_comment"),
        ({"split": [(Decimal(20), EUR(0))]}, "collected.nothing"),
        ({"split": []}, "collected.nothing"),
        ({"split": [(Decimal(20), EUR(1)), (Decimal(10), EUR(1, "USD"))]}, "collected.currencies_differ"),
        ({"remaining": EUR(5, "USD")}, "collected.currencies_differ"),
        ({"seller": replace(SELLER, legal_id=None)}, "status.no_siren"),
        ({"buyer": replace(BUYER, endpoint=None)}, "status.no_address"),
        ({"sequence": 0}, "collected.bad_sequence"),
    ],
)
def test_a_receipt_that_cannot_be_declared_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(StatusMessageError) as refused:
        receipt(**changes)
    assert refused.value.code == code
    assert refused.value.sentence_fr


# --- the real rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(receipt(), id="partial, two rates"),
        pytest.param(receipt(remaining=None, split=[(Decimal("2.1"), EUR("0.01"))]), id="one cent"),
        pytest.param(receipt(split=[(Decimal(20), EUR("-9.99"))], comment="Remboursement"), id="refund"),
        pytest.param(receipt(invoice=replace(INVOICE, type_code="381", deposited_at=None)), id="credit note"),
        pytest.param(receipt(split=[(Decimal(0), EUR(1000, "JPY"))], remaining=None), id="no decimals"),
        pytest.param(receipt(buyer=replace(BUYER, legal_id=None)), id="buyer without legal id"),
    ],
)
def test_every_212_passes_the_schema_and_the_french_rules(validator: Validator, message: StatusMessage) -> None:
    report = validator.check_cdar(write_cdar(message))
    assert report.verdict is Verdict.VALID, report.fatal


def test_the_rules_refuse_a_212_without_a_rate(validator: Validator) -> None:
    """The counter-proof: the same engine refuses what BR-FR-CDV-14 forbids."""
    message = receipt()
    without = replace(message, details=(replace(message.details[0], data=(Datum("MEN", Decimal(1), "EUR"),)),))
    report = validator.check_cdar(write_cdar(without))
    assert "BR-FR-CDV-14_MDT-207" in {finding.rule for finding in report.fatal}


def test_every_status_of_the_table_makes_a_message_that_the_rules_accept(validator: Validator) -> None:
    seller = StatusParty("SE", (Identifier("100000009", "0002"),), "Vendeur", Identifier("100000009", "0225"))
    buyer = StatusParty("BY", (Identifier("200000008", "0002"),), "Acheteur", Identifier("200000008", "0225"))
    for status in STATUSES.values():
        if status.phase is None:
            continue
        by_platform = status.phase is Phase.TRANSMISSION
        reason = Reason(min(ALLOWED[status.code])) if status.needs_reason else None
        data = (Datum("MEN", Decimal(12), "EUR", Decimal(20)),) if status.code == "212" else ()
        message = compose(
            status.code,
            message_id=f"F1_{status.code}",
            invoice=InvoiceReference("F1", "380", date(2026, 9, 15), StatusParty("SE", seller.identifiers)),
            issuer=StatusParty("WK") if by_platform else buyer,
            recipients=(seller,),
            made_at=NOON,
            set_at=NOON,
            details=(Detail(1, reason, data=data),),
        )
        report = validator.check_cdar(write_cdar(message))
        assert report.verdict is Verdict.VALID, (status.code, report.fatal)
        assert not report.findings, status.code


def test_a_status_without_phase_cannot_be_composed() -> None:
    with pytest.raises(StatusMessageError) as refused:
        compose(
            "299",
            message_id="x",
            invoice=InvoiceReference("F1"),
            issuer=StatusParty("SE"),
            recipients=(),
            made_at=NOON,
            set_at=NOON,
        )
    assert refused.value.code == "cdar.unknown_status"


def test_public_buyers_have_all_private_reasons_and_some_more() -> None:
    assert ALLOWED["210"] < PUBLIC_BUYER_REFUSALS
