"""What the directory's answers mean: who is reachable, at which address, and how a customer file is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einvoice.directory.addresses import Choice, Wanted, Why, choose_address
from einvoice.directory.customer_file import CustomerFileError, identify, read_customer_file
from einvoice.directory.reach import CompanyAnswer, Reach, answer_from_json, answer_to_json, judge_reach
from einvoice.directory.words import REACH_WORDS, ReachReason, ReachState
from einvoice.platform.directory import (
    DirectoryLine,
    LegalUnit,
    LineStatus,
    Mesh,
    read_facility,
    read_line,
    read_routing_code,
    read_unit,
)
from einvoice.platform.port import PlatformUnreachableError
from portal.staff.directory.table import write_table

SIREN, SIRET, OTHER_SIRET = "552100554", "55210055400013", "55210055400021"
UNIT = LegalUnit(SIREN, "Imprimerie du Port", "PrivateVatRegistered")
TOWN = LegalUnit(SIREN, "Commune de Valserine", "Public")


def line(address: str = SIREN, status: LineStatus = LineStatus.ENABLED, **more: Any) -> DirectoryLine:
    return DirectoryLine(address, status, siren=SIREN, **{"platform_type": "WK", **more})


def answer(*lines: DirectoryLine, unit: LegalUnit | None = UNIT, **more: Any) -> CompanyAnswer:
    return CompanyAnswer(SIREN, unit, lines, **more)


GENERAL = line()
SITE = line(f"{SIREN}_{SIRET}", siret=SIRET)
SERVICE = line(f"{SIREN}_{SIRET}_ACHATS", siret=SIRET, routing_code="ACHATS")
TWIN = line(f"{SIREN}_{OTHER_SIRET}_ACHATS", siret=OTHER_SIRET, routing_code="ACHATS")
INVOICES = line(f"{SIREN}_Invoice", suffix="Invoice")
STATUSES = line(f"{SIREN}_Status", suffix="Status")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (answer(GENERAL), ReachReason.OPEN_LINE),
        (answer(GENERAL, line(f"{SIREN}_X", LineStatus.DISABLED)), ReachReason.OPEN_LINE),
        (answer(line(status=LineStatus.DISABLED)), ReachReason.NO_PLATFORM),
        (answer(line(platform="9998")), ReachReason.NO_PLATFORM),
        (answer(line(platform_type="DFH")), ReachReason.NO_PLATFORM),
        (answer(line(platform_type="DFH"), unit=TOWN), ReachReason.OPEN_LINE),
        (answer(line(platform_type="DFH"), unit=None), ReachReason.NO_PLATFORM),
        (answer(line(status=LineStatus.UPCOMING)), ReachReason.UPCOMING),
        (answer(line(status=LineStatus.UNKNOWN)), ReachReason.NO_STATUS),
        (answer(line(status=LineStatus.UNKNOWN), line(f"{SIREN}_X", LineStatus.DISABLED)), ReachReason.NO_STATUS),
        (answer(), ReachReason.NO_LINE),
        (answer(unit=None), ReachReason.NOT_LISTED),
        (answer(unit=replace(UNIT, closed=True)), ReachReason.CEASED),
        (answer(GENERAL, unit=replace(UNIT, closed=True)), ReachReason.CEASED),
    ],
)
def test_a_company_is_reachable_by_an_open_line_alone(told: CompanyAnswer, reason: ReachReason) -> None:
    assert judge_reach(told) is reason
    assert (Reach(SIREN, reason).state is ReachState.REACHABLE) is (reason is ReachReason.OPEN_LINE)


def test_every_reason_has_a_sentence_and_a_step_in_both_languages() -> None:
    assert set(REACH_WORDS) == set(ReachReason)
    assert {words.state for words in REACH_WORDS.values()} == set(ReachState)
    for words in REACH_WORDS.values():
        for french, english in (words.sentence, words.step):
            assert french.endswith(".")
            assert english.endswith(".")
            assert french != english


@pytest.mark.parametrize(
    ("lines", "wanted", "address", "why"),
    [
        ((GENERAL, SITE, SERVICE), Wanted(SIRET, "ACHATS"), SERVICE.address, Why.ROUTING_CODE),
        ((GENERAL, SITE, SERVICE), Wanted(None, "ACHATS"), SERVICE.address, Why.ROUTING_CODE),
        ((GENERAL, SERVICE, TWIN), Wanted(None, "ACHATS"), SIREN, Why.COMPANY),
        ((SERVICE, TWIN), Wanted(OTHER_SIRET, "ACHATS"), TWIN.address, Why.ROUTING_CODE),
        ((GENERAL, SITE, SERVICE), Wanted(SIRET), SITE.address, Why.ESTABLISHMENT),
        ((GENERAL, SITE), Wanted(OTHER_SIRET), SIREN, Why.COMPANY),
        ((GENERAL, SITE), Wanted(SIRET, "NONE-SUCH"), SITE.address, Why.ESTABLISHMENT),
        ((GENERAL, INVOICES, STATUSES), Wanted(), SIREN, Why.COMPANY),
        ((INVOICES, STATUSES), Wanted(), INVOICES.address, Why.ONLY_LINE),
        ((SITE,), Wanted(), SITE.address, Why.ONLY_LINE),
        ((SITE, SERVICE), Wanted(), None, Why.SEVERAL),
        ((STATUSES,), Wanted(), None, Why.NONE_OPEN),
        ((line(status=LineStatus.DISABLED),), Wanted(), None, Why.NONE_OPEN),
        ((line(platform="9998"),), Wanted(), None, Why.NONE_OPEN),
        ((GENERAL,), Wanted(stated=SIREN), SIREN, Why.STATED),
        ((GENERAL, SITE), Wanted(SIRET, stated=f"{SIREN}_OLD"), f"{SIREN}_OLD", Why.STATED_NOT_OPEN),
        ((line("100000009"),), Wanted(), None, Why.NONE_OPEN),  # of another company: BR-FR-21
        ((line(f"{SIREN}_Café"),), Wanted(), None, Why.NONE_OPEN),  # BR-FR-23
    ],
)
def test_the_address_chosen_is_the_finest_open_line(
    lines: tuple[DirectoryLine, ...], wanted: Wanted, address: str | None, why: Why
) -> None:
    choice = choose_address(answer(*lines), wanted)
    assert (choice.address, choice.why) == (address, why)


def test_a_stated_address_that_is_not_open_is_told_with_the_right_ones_best_first() -> None:
    choice = choose_address(answer(GENERAL, SITE, STATUSES), Wanted(SIRET, stated=f"{SIREN}_OLD"))
    assert choice.right == (SITE.address, SIREN)
    assert choice.is_doubtful
    assert f"Adresses actives : {SITE.address}, {SIREN}." in choice.sentence("fr")
    assert "is not active in the directory" in choice.sentence("en")


def test_an_address_beyond_what_was_read_is_not_called_wrong() -> None:
    told = answer(GENERAL, complete=False)
    assert choose_address(told, Wanted(stated=f"{SIREN}_FAR")).why is Why.STATED_UNSEEN
    closed = answer(GENERAL, line(f"{SIREN}_FAR", LineStatus.DISABLED), complete=False)
    assert choose_address(closed, Wanted(stated=f"{SIREN}_FAR")).why is Why.STATED_NOT_OPEN


def test_many_right_addresses_are_counted_not_listed() -> None:
    right = tuple(f"{SIREN}_{number}" for number in range(9))
    assert Choice(None, Why.SEVERAL, right).sentence("en").endswith("and 4 more).")


@given(
    st.lists(
        st.builds(
            line,
            st.sampled_from([SIREN, f"{SIREN}_A", SITE.address, SERVICE.address]),
            st.sampled_from(LineStatus),
            siret=st.sampled_from([None, SIRET]),
            routing_code=st.sampled_from([None, "ACHATS"]),
            suffix=st.sampled_from([None, "A", "STATUTS"]),
            platform_type=st.sampled_from(["WK", "DFH"]),
        ),
        max_size=5,
    ),
    st.sampled_from([None, SIRET, OTHER_SIRET]),
    st.sampled_from([None, "ACHATS", "X"]),
)
def test_no_address_is_ever_invented(lines: list[DirectoryLine], siret: str | None, code: str | None) -> None:
    told = answer(*lines)
    choice = choose_address(told, Wanted(siret, code))
    assert choice.address is None or choice.address in {each.address for each in told.open_lines}
    assert choice.sentence("fr") != choice.sentence("en")


# --- the shapes of the norm, and those of real platforms -------------------------------------------------------------


def test_the_published_examples_are_read() -> None:
    unit = read_unit({"siren": "702042755", "businessName": "Boulangerie Pascale", "entityType": "Public"})
    assert (unit.siren, unit.name, unit.entity_type, unit.closed) == (
        "702042755",
        "Boulangerie Pascale",
        "Public",
        False,
    )
    told = read_line(
        {
            "addressingIdentifier": "dcsc456sdcsdcs556",
            "platformType": "WK",
            "directoryLineStatus": "Enabled",
            "siren": "702042755",
            "siret": "70204275500240",
            "routingIdentifier": "dcsc456sdcsdcs556",
            "routingCode": {
                "routingIdentifier": "dcsc456sdcsdcs556",
                "routingIdentifierType": "0224",
                "routingCodeName": "Libellé Code routage",
                "managesLegalCommitment": True,
                "administrativeStatus": "A",
            },
            "facility": {
                "siret": "70204275500240",
                "administrativeStatus": "A",
                "address": {"postalCode": "75001", "locality": "Paris", "countryCode": "FR"},
                "b2gAdditionalData": {"managesLegalCommitmentCode": True, "serviceCodeStatus": False},
            },
        }
    )
    assert told.mesh is Mesh.ROUTING_CODE
    assert told.code is not None
    assert told.code.commitment is True
    assert told.facility is not None
    assert told.facility.place == "75001 Paris"
    assert told.facility.demands is not None
    assert (told.facility.demands.commitment, told.facility.demands.service_code) == (True, False)


def test_a_line_without_status_is_unknown_and_a_new_status_too() -> None:
    assert read_line({"addressingIdentifier": SIREN}).status is LineStatus.UNKNOWN
    assert read_line({"addressingIdentifier": SIREN, "directoryLineStatus": "Paused"}).status is LineStatus.UNKNOWN


@pytest.mark.parametrize("name", ["managesLegalCommitment", "managesLegalCommitmentCode"])
def test_both_names_of_the_commitment_flag_are_read(name: str) -> None:
    assert read_routing_code({"routingIdentifier": "A", name: True}).commitment is True


@pytest.mark.parametrize("body", [None, [], "x", {}, {"siren": ""}, {"siret": None}])
def test_an_answer_without_its_key_is_no_answer(body: Any) -> None:
    for read in (read_unit, read_facility, read_line, read_routing_code):
        with pytest.raises(PlatformUnreachableError):
            read(body)


KEYS = ["addressingIdentifier", "siret", "facility", "routingCode", "address", "b2gAdditionalData", "x"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


@given(ANYTHING)
def test_whatever_a_platform_answers_is_read_or_refused(body: Any) -> None:
    try:
        told = read_line(body)
    except PlatformUnreachableError:
        return
    kept = answer(told)
    assert answer_from_json(answer_to_json(kept)) == kept


# --- customer files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "siren", "siret"),
    [
        ("552100554", "552100554", None),
        (" 552 100 554 ", "552100554", None),
        ("552.100.554", "552100554", None),
        ("552100554.0", "552100554", None),
        ("552\u202f100\u202f554", "552100554", None),
        ("FR96552100554", "552100554", None),
        ("fr 96 552 100 554", "552100554", None),
        ("55210055400013", "552100554", "55210055400013"),
    ],
)
def test_numbers_are_understood_as_people_write_them(given_: str, siren: str, siret: str | None) -> None:
    known = identify(given_)
    assert (known.siren, known.siret, known.problem) == (siren, siret, None)


@pytest.mark.parametrize("wrong", ["", "552100555", "12", "5,521E+08", "Martin", "٥٥٢١٠٠٥٥٤", "55210055400014"])
def test_a_wrong_number_is_told_in_both_languages(wrong: str) -> None:
    known = identify(wrong)
    assert known.siren is None
    assert known.problem is not None
    assert all(known.problem)


def test_a_foreign_vat_number_is_not_wrong_but_abroad() -> None:
    assert identify("BE0403170701").abroad
    assert identify("DE 811 907 980").abroad


def read(content: bytes | str, **limits: int) -> list[tuple[int, str, str]]:
    raw = content.encode() if isinstance(content, str) else content
    rows = read_customer_file(raw, **{"max_bytes": 10_000, "max_rows": 100, **limits})
    return [(row.line, row.name, row.given) for row in rows]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separators_and_encodings_of_spreadsheets_are_read(separator: str, encoding: str) -> None:
    text = separator.join(["N° SIREN", "Raison sociale"]) + "\r\n" + separator.join(["552100554", "Café Mérignac"])
    assert read(text.encode(encoding)) == [(2, "Café Mérignac", "552100554")]


@pytest.mark.parametrize(
    "header",
    ["Siren;Nom", "nom;SIREN", "Numéro SIREN;Client", "company_name;siren", "N° TVA intra.;Société", "VAT number;Name"],
)
def test_columns_are_found_by_their_names_in_both_languages(header: str) -> None:
    names = header.split(";")
    values = ["552100554" if any(w in n.lower() for w in ("siren", "tva", "vat")) else "Dupont" for n in names]
    assert read(f"{header}\n{';'.join(values)}\n") == [(2, "Dupont", "552100554")]


def test_the_siret_column_wins_and_the_siren_column_helps_out() -> None:
    text = "nom;siren;siret\nA;552100554;55210055400013\nB;552100554;\nC;552100554;123\n"
    assert [given_ for _, _, given_ in read(text)] == ["55210055400013", "552100554", "552100554"]


def test_a_rate_of_vat_is_no_vat_number() -> None:
    with pytest.raises(CustomerFileError, match="names no column"):
        read("nom;Taux TVA\nA;20\n")


def test_a_list_of_numbers_needs_no_header() -> None:
    assert read("552100554\n732829320\n") == [(1, "", "552100554"), (2, "", "732829320")]
    assert read("Dupont;552100554\n") == [(1, "Dupont", "552100554")]


def test_lines_are_counted_as_in_the_file_also_after_a_cell_of_several_lines() -> None:
    text = 'nom;siren\n"Dupont\net fils";552100554\n\nMartin;bad\n'
    assert [(number, given_) for number, _, given_ in read(text)] == [(2, "552100554"), (5, "bad")]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "directory.file_empty", "empty"),
        (b" \n \n", "directory.file_empty", "empty"),
        (b"siren;nom\n", "directory.file_empty", "no customer below"),
        (b"PK\x03\x04rest", "directory.file_no_table", "Save it as CSV"),
        (b"siren\n1\x002", "directory.file_no_table", "Line 2"),
        (b"a;b;c\n1;2;3\n", "directory.file_no_column", "Line 1 names no column"),
        (b"siren\n" + b"552100554\n" * 101, "directory.file_too_many_rows", "Line 102"),
        (b"siren\n" + b"5" * 10_000, "directory.file_too_large", "split it"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_the_way_out(content: bytes, code: str, said: str) -> None:
    with pytest.raises(CustomerFileError) as refused:
        read(content)
    assert refused.value.code == code
    assert said in refused.value.sentence
    assert refused.value.sentence_fr != refused.value.sentence


@given(st.binary(max_size=300))
def test_whatever_is_handed_in_is_read_or_refused_in_words(content: bytes) -> None:
    try:
        rows = read(content)
    except CustomerFileError:
        return
    assert rows
    assert all(number >= 1 for number, _, _ in rows)


def test_no_cell_of_a_strangers_file_becomes_a_formula() -> None:
    table = write_table([(2, "=HYPERLINK(1)", "+33", None, None)], "fr")
    assert "'=HYPERLINK(1);'+33;" in table
    assert table.startswith("\ufeffligne;nom;")
