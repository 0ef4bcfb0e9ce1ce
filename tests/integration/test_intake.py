"""What may not be issued is refused with a stable code and a sentence, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from bad_files import BAD_FILES
from builders import credit_note, deposit, document, line, request, write_request
from catalogue import superuser
from document_strategies import documents
from hand_written_invoices import CII, UBL
from hypothesis import HealthCheck, given, settings
from shared_material import shared
from story_builders import Story, a_siren, fresh_house

from config import safe_xml
from einvoice.composing.build import is_payable_here
from einvoice.document import Attachment
from einvoice.errors import BuildError, EInvoiceError
from einvoice.formats.link import PROFILES_WITHOUT_LINK
from einvoice.formats.profiles import CTC_EXTENDED_ID, EN16931_ID, FACTURX_EXTENDED_ID
from einvoice.formats.semantics import difference
from einvoice.intake import InvalidInvoiceError, prepare_finished, read_finished
from einvoice.kept import KeptDocument, kept_from_json, kept_to_json, profile_from_json, profile_to_json
from einvoice.validation.verdict import Report
from portal.documents.issuing import Issued, IssueOptions, issue_content
from receivables.domain.invoicing.invoices import Origin, Routing
from receivables.domain.money import MoneyError
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from config.embedded import EmbeddedPostgres
    from einvoice.document import Document
    from portal.wiring import Services

REFUSALS = (EInvoiceError, safe_xml.UnsafeXmlError, ReceivablesError, MoneyError)


def everything(postgres: EmbeddedPostgres) -> dict[str, int]:
    """How many rows every table has, of all suppliers."""
    with superuser(postgres) as connection:
        names = [row[0] for row in connection.execute("SELECT relname FROM pg_stat_user_tables")]
        found = {}
        for name in names:
            row = connection.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608 -- from the catalogue
            assert row is not None
            found[name] = row[0]
    return found


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_and_leaves_nothing(plain_story: Story, postgres: EmbeddedPostgres, name: str) -> None:
    make, code = BAD_FILES[name]
    before = everything(postgres)
    with pytest.raises(REFUSALS) as refused:
        plain_story.issue_bytes(
            make(), name, supplier=None if name.endswith("xml") else plain_story.siren, create_supplier=True
        )
    error: Any = refused.value
    assert error.code.startswith(code)
    assert "." in error.code
    assert len(str(error)) > 20, "a sentence"
    assert everything(postgres) == before


def test_an_invoice_of_a_seller_that_nobody_knows_is_refused(plain_story: Story, postgres: EmbeddedPostgres) -> None:
    unknown = a_siren()
    before = everything(postgres)
    for content, options in (
        (own_seller(unknown), {"supplier": None}),
        (plain_story.request(), {"supplier": unknown}),
    ):
        with pytest.raises(EInvoiceError, match=f"No supplier {unknown} is known here") as refused:
            plain_story.issue_bytes(content, **options)
        assert refused.value.code == "supplier.unknown"
    with pytest.raises(EInvoiceError, match="Which supplier") as refused:
        plain_story.issue_bytes(plain_story.request(), supplier=None)
    assert refused.value.code == "supplier.unnamed"
    with pytest.raises(EInvoiceError, match=f"seller is {unknown}, not {plain_story.siren}") as refused:
        plain_story.issue_bytes(own_seller(unknown))
    assert refused.value.code == "supplier.differs"
    assert everything(postgres) == before


def own_seller(siren: str) -> bytes:
    """The finished CII of a seller of one's own."""
    return CII.replace("732829320", siren).encode()


def test_a_finished_invoice_is_issued_once(plain_story: Story, postgres: EmbeddedPostgres) -> None:
    content = own_seller(plain_story.siren)
    plain_story.issue_bytes(content, "a.xml")
    before = everything(postgres)
    with pytest.raises(ConflictError) as refused:
        plain_story.issue_bytes(content, "b.xml")
    assert refused.value.code == "invoice.duplicate"
    assert everything(postgres) == before


def with_end_customers_order(cii: str) -> bytes:
    """The invoice with the order of the buyer's own customer, which only Factur-X EXTENDED has a place for."""
    extended = cii.replace(EN16931_ID + "<", FACTURX_EXTENDED_ID + "<")
    order = "<ram:IssuerAssignedID>PO-1</ram:IssuerAssignedID>"
    return extended.replace(
        "</ram:ApplicableHeaderTradeAgreement>",
        f"<ram:UltimateCustomerOrderReferencedDocument>{order}</ram:UltimateCustomerOrderReferencedDocument>"
        "</ram:ApplicableHeaderTradeAgreement>",
    ).encode()


def test_a_form_that_loses_something_opens_no_supplier(plain_story: Story, postgres: EmbeddedPostgres) -> None:
    before = everything(postgres)
    with pytest.raises(EInvoiceError) as refused:
        plain_story.issue_bytes(with_end_customers_order(CII), "a.xml", supplier=None, create_supplier=True, form="ubl")
    assert refused.value.code == "invoice.conversion_loses"
    assert "UltimateCustomerOrder" in str(refused.value)
    assert everything(postgres) == before


def test_an_extended_invoice_is_offered_as_ubl_under_the_name_of_that_form(plain_story: Story) -> None:
    path = shared("samples/cii/UC12_F202600025_SOUS-LIGNE_CII_Commentee_EXTENDED.xml")
    done = plain_story.issue_bytes(path.read_bytes(), path.name, supplier=None, create_supplier=True, form="ubl")
    ubl = next(each.file.content for each in done.files if each.form == "ubl")
    assert f"<cbc:CustomizationID>{CTC_EXTENDED_ID}<".encode() in ubl


def test_a_credit_note_may_name_its_invoices_on_each_line(plain_story: Story) -> None:
    """BR-FR-CO-05, in every form."""
    lines = [
        line(preceding_invoice={"number": number, "issue_date": "2026-10-01"}) for number in ("F2026-09", "F2026-10")
    ]
    done = plain_story.issue_bytes(write_request(request(*lines, type_code="381")), "a.json")
    assert {each.form for each in done.files} == {"facturx", "cii", "ubl"}
    with pytest.raises(BuildError) as refused:
        plain_story.issue_bytes(write_request(request(*lines, line(), type_code="381")), "b.json")
    assert refused.value.code == "invoice.preceding_missing"


def test_what_cannot_be_judged_is_not_issued() -> None:
    class Unplugged:
        def check_invoice(self, _: bytes, *, french: bool | None = None) -> Report:  # noqa: ARG002 -- as the real one
            return Report((), ())

    found = read_finished(CII.encode())
    assert found is not None
    with pytest.raises(InvalidInvoiceError) as refused:
        prepare_finished(CII.encode(), "a.xml", found[0], found[1], Unplugged())  # type: ignore[arg-type]
    assert refused.value.code == "invoice.not_checked"


def test_the_refusal_names_the_rules_in_both_languages(plain_story: Story) -> None:
    content = BAD_FILES["no-penalty-note.xml"][0]()
    with pytest.raises(InvalidInvoiceError, match="Nothing was numbered") as refused:
        plain_story.issue_bytes(content, supplier=None)
    assert "BR-FR-05" in str(refused.value)
    assert "The mention of the late-payment penalties is missing. Add" in str(refused.value)
    assert "Rien n'a été numéroté" in refused.value.sentence_fr
    assert "La facture enfreint BR-FR-05_BT-22_PMD : La mention des pénalités" in refused.value.sentence_fr
    assert refused.value.report.fatal


@pytest.mark.parametrize(
    ("changes", "routing"),
    [
        ({}, Routing.B2B),
        (
            {
                "buyer": {
                    "name": "Anne Roy",
                    "consumer": True,
                    "address": {"line1": "3 quai Nord", "postcode": "13002", "city": "Marseille"},
                }
            },
            Routing.B2C,
        ),
        (
            {
                "buyer": {
                    "name": "Brasserie du Nord",
                    "vat_id": "BE0403170701",
                    "address": {"line1": "1 Grote Markt", "postcode": "1000", "city": "Brussel", "country": "BE"},
                }
            },
            Routing.B2B_INTERNATIONAL,
        ),
        (
            {"buyer": {"name": "Smith Ltd", "address": {"line1": "1 High Street", "city": "London", "country": "GB"}}},
            Routing.B2B_INTERNATIONAL,  # as its note BAR says: B2BINT
        ),
    ],
)
def test_each_kind_of_buyer_has_its_road(plain_story: Story, changes: dict[str, Any], routing: Routing) -> None:
    assert plain_story.issue(**changes).invoice.routing is routing


@pytest.mark.parametrize(
    ("lines", "changes", "on_collection"),
    [
        ((line(),), {}, True),
        ((line(nature="goods"),), {}, False),
        ((line(),), {"type_code": "386"}, True),
        ((line(nature="goods"),), {"type_code": "386"}, True),
        ((line(vat_category="AE", vat_rate=None),), {"type_code": "386"}, False),
        ((line(),), {"tax_point": "payment"}, True),
        ((line(),), {"tax_point_date": "2026-11-02"}, False),
        ((line(),), {"tax_point_date": "2026-11-02", "type_code": "386"}, True),
    ],
)
def test_vat_falls_due_on_collection_for_services_and_deposits(
    plain_story: Story,
    lines: tuple[dict[str, Any], ...],
    changes: dict[str, Any],
    on_collection: bool,  # noqa: FBT001 -- the table of cases hands it over
) -> None:
    issued = plain_story.issue(*lines, **changes)
    assert issued.invoice.vat_on_collection is on_collection


def test_the_option_for_debits_makes_vat_due_at_once(services: Services) -> None:
    assert not Story(services, vat_on_debits=True).issue().invoice.vat_on_collection


def test_our_own_invoice_may_carry_any_file(plain_story: Story) -> None:
    """Attachments are bytes, not text: they are kept as they are."""
    content = b"%PDF-1.7\n" + bytes(range(256))
    attachment = {
        "reference": "PLAN",
        "content": base64.b64encode(content).decode(),
        "mime": "application/pdf",
        "filename": "plan.pdf",
    }
    issued = plain_story.issue(attachments=[attachment])
    kept = kept_from_json(issued.invoice.document)
    assert content in [each.content for each in kept.document.attachments]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents)
def test_a_document_comes_back_from_its_json_as_it_was(original: Document) -> None:
    kept = KeptDocument(original, ("facturx", "cii"), None)
    assert kept_from_json(json.loads(json.dumps(kept_to_json(kept)))) == kept


@pytest.mark.parametrize("make", [document, credit_note, deposit])
def test_ordinary_documents_and_profiles_come_back_too(make: Any, plain_story: Story) -> None:
    bare = make()
    whole = replace(bare, attachments=(Attachment("X", content=bytes(range(256)), mime="image/png", filename="x.png"),))
    for each in (bare, whole):
        kept = KeptDocument(each, ("cii",), "cii")
        assert kept_from_json(json.loads(json.dumps(kept_to_json(kept)))) == kept
    assert profile_from_json({**profile_to_json(plain_story.profile), "colour": "#123456"}) == plain_story.profile


def samples() -> list[Path]:
    return sorted(path for folder in ("facturx", "cii", "ubl") for path in shared(f"samples/{folder}").iterdir())


def test_every_third_party_file_is_issued_with_its_link_or_refused_with_a_reason(
    services: Services, postgres: EmbeddedPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same invoice comes in several syntaxes: where it is known already, it goes into a fresh house."""
    houses: list[Services] = []
    issued, refused, forms = 0, [], Counter[str]()
    for path in samples():
        try:
            house, done = _issue_in_first_free(houses, path, partial(fresh_house, postgres, services, tmp_path))
        except REFUSALS as error:
            refused.append(f"{path.name}: {getattr(error, 'code', error)}")
            continue
        issued += 1
        forms.update(each.form for each in done.files)
        assert done.invoice.origin is Origin.FINISHED
        _assert_only_the_link_is_new(path, done)
        with house.works.begin(done.supplier.supplier_id) as work:
            assert [finding for finding in run_checks(work) if finding.gap] == []
    for house in houses:
        house.database.dispose()
    with capsys.disabled():
        print(f"\n  {issued} third-party files issued in {len(houses)} houses, as {dict(forms)}; refused: {refused}")
    assert issued == len(samples()) == 33
    assert refused == []


def _issue_in_first_free(
    houses: list[Services], path: Path, build: Callable[[int], Services]
) -> tuple[Services, Issued]:
    """Issue a file in the first house that does not know its invoice."""
    options = IssueOptions(create_supplier=True)
    for house in houses:
        try:
            return house, issue_content(house, path.read_bytes(), path.name, options)
        except ConflictError:
            continue
    houses.append(build(len(houses)))
    return houses[-1], issue_content(houses[-1], path.read_bytes(), path.name, options)


def _assert_only_the_link_is_new(path: Path, done: Any) -> None:
    found = read_finished(path.read_bytes())
    assert found is not None
    before, finished = found
    assert done.files
    for each in done.files:
        after = read_finished(each.file.content)
        assert after is not None
        linked = [file for file in after[0].attachments if file.url == done.pay_url]
        no_place = after[1].syntax == "cii" and after[0].profile in PROFILES_WITHOUT_LINK
        no_place = no_place or not is_payable_here(after[0])
        assert len(linked) == (0 if no_place else 1)
        same = after[1].syntax == finished.syntax
        assert not (no_place and same) or after[1].xml == finished.xml, "untouched where there is no place for a link"
        rest = tuple(file for file in after[0].attachments if file.url != done.pay_url)
        assert difference(before, replace(after[0], attachments=rest)) == (), f"{path.name} as {each.form}"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Avoir_FR_type381_EN16931.pdf", "invoice.invalid"),
        ("Facture_DOM_EN16931.pdf", "invoice.invalid"),
        ("cas-CALC-002.xml", "invoice.invalid"),
        ("cas-CALC-003.xml", "invoice.invalid"),
        ("cas-DATA-004.xml", "invoice."),
        ("cas-XML-001.xml", "xml.not_well_formed"),
        ("cdar-212-old-rules.xml", "invoice.not_an_invoice"),
    ],
)
def test_every_broken_third_party_file_is_refused(
    plain_story: Story, postgres: EmbeddedPostgres, name: str, code: str
) -> None:
    before = everything(postgres)
    with pytest.raises(REFUSALS) as refused:
        plain_story.issue_bytes(
            shared(f"samples/refused/{name}").read_bytes(), name, supplier=None, create_supplier=True
        )
    error: Any = refused.value
    assert error.code.startswith(code)
    assert everything(postgres) == before


def test_both_syntaxes_of_one_invoice_are_the_same_invoice() -> None:
    one, other = read_finished(CII.encode()), read_finished(UBL.encode())
    assert one is not None
    assert other is not None
    assert (one[1].syntax, other[1].syntax) == ("cii", "ubl")
    assert one[0].totals.payable == other[0].totals.payable
