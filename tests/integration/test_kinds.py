"""Every kind of invoice of ours is valid by the published rules, in every form that it leaves in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import builders
import pytest
from builders import line, write_request
from invoice_kinds import EN16931, EXTENDED, D
from shared_material import shared

from config.clock import today
from einvoice.composing.build import build_document, is_french_b2b, with_number
from einvoice.crediting.credit_note import credit_amount, credit_whole
from einvoice.crediting.limits import CreditError
from einvoice.errors import BuildError
from einvoice.formats.cii import write_cii
from einvoice.formats.profiles import CTC_EXTENDED_ID, EN16931_ID, FACTURX_EXTENDED_ID, Form, in_form
from einvoice.formats.ubl import write_ubl
from einvoice.intake import prepare_own, read_finished
from einvoice.kept import kept_from_json
from einvoice.validation.verdict import Severity, Verdict
from receivables.domain.money import Money
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from story_builders import Story

    from einvoice.document import Document
    from einvoice.validation.check import Validator
    from einvoice.validation.verdict import Report

PLAIN: tuple[Form, ...] = ("cii", "ubl")
ALL: tuple[Form, ...] = ("facturx", "cii", "ubl")


def judged(validator: Validator, document: Document, form: Form) -> Report:
    written = (write_ubl if form == "ubl" else write_cii)(in_form(document, form))
    return validator.check_invoice(written, french=is_french_b2b(document))


def assert_valid(report: Report) -> None:
    assert [(each.rule, each.message) for each in report.fatal] == []
    assert report.verdict is Verdict.VALID


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize("kind", EN16931)
def test_every_kind_is_valid(validator: Validator, kind: str, form: Form) -> None:
    document = EN16931[kind]()
    assert document.profile == EN16931_ID
    assert_valid(judged(validator, document, form))


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("kind", EXTENDED)
def test_every_term_of_the_extension_is_valid(validator: Validator, kind: str, form: Form) -> None:
    document = EXTENDED[kind]()
    assert document.profile == FACTURX_EXTENDED_ID
    assert in_form(document, form).profile == (FACTURX_EXTENDED_ID if form == "facturx" else CTC_EXTENDED_ID)
    assert_valid(judged(validator, document, form))


def house_warnings(report: Report, rule: str) -> list[str]:
    found = [each for each in report.findings if each.rule == rule]
    assert all(each.severity is Severity.WARNING and each.location and each.message_fr for each in found)
    return [each.message for each in found]


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize(
    ("due_on", "warned"), [("2027-01-14", False), ("2027-01-15", True)], ids=["last lawful day", "a day later"]
)
def test_a_due_date_beyond_the_law_is_warned_of(
    validator: Validator,
    form: Form,
    due_on: str,
    warned: bool,  # noqa: FBT001 -- the table of cases hands it over
) -> None:
    report = judged(validator, builders.document(due_date=due_on), form)
    assert_valid(report)
    messages = house_warnings(report, "QT-TERMS")
    assert len(messages) == warned
    assert not warned or ("L441-10" in messages[0] and "2027-01-14" in messages[0])


@pytest.mark.parametrize(("form", "rule"), [("facturx", "BR-FXEXT-08"), ("cii", "BR-FREXT-08"), ("ubl", "BR-FREXT-08")])
def test_a_group_that_differs_from_its_lines_is_refused(validator: Validator, form: Form, rule: str) -> None:
    document = builders.document(
        {"name": "Lot 1", "kind": "GROUP", "line_id": "1"}, builders.line(line_id="2", kind="DETAIL", parent_line="1")
    )
    assert_valid(judged(validator, document, form))
    wrong = replace(document, lines=(replace(document.lines[0], net_amount=Decimal("99.00")), document.lines[1]))
    assert rule in {each.rule for each in judged(validator, wrong, form).fatal}


REUNION = {"postcode": "97400", "city": "Saint-Denis", "country": "RE"}
AJACCIO = {"postcode": "20000", "city": "Ajaccio", "country": "FR"}
CAYENNE = {"postcode": "97300", "city": "Cayenne", "country": "FR"}
HOME = {"line1": "12 rue des Acacias", "postcode": "69003", "city": "Lyon"}


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize(
    ("rate", "places", "warned"),
    [
        ("20", (HOME, HOME), ""),
        ("8.5", (HOME, REUNION), ""),
        ("8.5", (HOME, HOME), "Guadeloupe, Martinique, Réunion"),
        ("20", (REUNION, REUNION), "mainland France"),
        ("13", (HOME, AJACCIO), ""),
        ("13", (HOME, HOME), "Corsica"),
        ("20", (CAYENNE, CAYENNE), "no VAT is charged"),
        ("19.6", (HOME, HOME), "ended on 2013-12-31"),
        ("9.6", (HOME, HOME), ""),
    ],
)
def test_a_rate_that_no_place_knows_is_warned_of(
    validator: Validator, form: Form, rate: str, places: tuple[dict[str, str], dict[str, str]], warned: str
) -> None:
    seller, buyer = places
    document = builders.document(
        builders.line(vat_rate=rate),
        seller={"name": "Atelier Lumière", "address": seller},
        buyer=builders.buyer(address=buyer),
    )
    report = judged(validator, document, form)
    assert_valid(report)
    messages = house_warnings(report, "QT-RATE-PLACE")
    assert len(messages) == bool(warned)
    assert not warned or warned in messages[0]


ISSUED = {name: each for name, each in {**EN16931, **EXTENDED}.items() if getattr(each, "func", None) is D}
"""Those that our JSON alone describes, by any seller."""


@pytest.mark.parametrize("kind", ISSUED)
def test_every_kind_is_issued_in_every_form_and_booked(plain_story: Story, kind: str) -> None:
    asked = ISSUED[kind]
    issued = plain_story.issue(*asked.args, **asked.keywords)
    assert {each.form for each in issued.files} == set(ALL)
    assert all(each.report.verdict is Verdict.VALID for each in issued.files)
    expected = asked()
    assert issued.invoice.payable_minor == Money.of(expected.totals.payable, expected.currency).minor
    assert issued.invoice.process == expected.process
    with plain_story.services.works.begin(plain_story.id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_a_credit_note_made_from_an_issued_invoice_is_issued_in_turn(plain_story: Story) -> None:
    invoice = plain_story.issue()
    document = kept_from_json(invoice.invoice.document).document
    request = credit_amount(with_number(document, invoice.invoice.number), Decimal("33.33"), "Geste commercial")
    credit = plain_story.issue_bytes(write_request(request))
    assert credit.invoice.type_code == "381"
    assert credit.invoice.payable_minor == 3333
    assert credit.invoice.is_credit_note


def test_a_final_invoice_takes_off_no_more_than_our_deposit_came_to(plain_story: Story) -> None:
    """A deposit of 120.00, of which 20.00 were credited: 100.00 may be deducted, by its own customer alone."""
    deposit, plain = plain_story.issue(type_code="386").invoice, plain_story.issue().invoice
    plain_story.issue(
        line(quantity=1, net_price="16.67"),
        type_code="503",
        preceding_invoices=[{"number": deposit.number, "issue_date": deposit.issued_on}],
    )

    def taken(amount: str, number: str = deposit.number) -> dict[str, Any]:
        return {"number": number, "issue_date": deposit.issued_on, "amount": amount}

    def refusal(given: dict[str, Any], **changes: Any) -> str:
        with pytest.raises(BuildError) as caught:
            plain_story.issue(line(quantity=4), deposits=[given], **changes)
        return caught.value.code

    assert refusal(taken("100.01")) == "invoice.deposit_exceeded"
    assert refusal(taken("50.00", plain.number)) == "invoice.deposit_not_one"
    other = builders.buyer(name="Autre SAS", siren="404833048", vat_id=None)
    assert refusal(taken("100.00"), buyer=other) == "invoice.deposit_of_other"
    elsewhere = taken("60.00", "ANCIEN-7")
    final = plain_story.issue(line(quantity=4), deposits=[taken("100.00"), elsewhere]).invoice
    assert (final.payable_minor, final.number[-5:]) == (8000, "00002"), "no number was lost"


def test_the_law_of_the_trade_is_told_on_every_file_of_our_own(plain_story: Story) -> None:
    prepared = prepare_own(
        plain_story.request(sector="transport", issue_date="2026-11-02", due_date="2026-12-30"),
        plain_story.profile,
        plain_story.services.validator,
        today(),
    )
    for report in prepared.reports.values():
        assert report.verdict is Verdict.VALID
        (message,) = house_warnings(report, "QT-TERMS")
        assert "L441-11" in message
        assert "2026-12-02" in message


def test_third_party_invoices_are_credited_whole_or_refused_with_a_reason(
    validator: Validator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files from elsewhere have roundings, signs and codes of their own; a credit note is exact or not made."""
    credited, reasons = 0, Counter[str]()
    for path in sorted(file for folder in ("facturx", "cii", "ubl") for file in shared(f"samples/{folder}").iterdir()):
        found = read_finished(path.read_bytes())
        assert found is not None
        invoice = found[0]
        try:
            credit = build_document(credit_whole(invoice), builders.seller(), "A2026-00001", builders.TODAY)
        except (CreditError, BuildError) as error:
            reasons[error.code] += 1
            continue
        assert credit.totals.with_vat == invoice.totals.with_vat, path.name
        assert_valid(judged(validator, credit, "cii"))
        credited += 1
    with capsys.disabled():
        print(f"\n  {credited} third-party invoices credited whole; refused: {dict(reasons)}")
    assert credited >= 13
    assert reasons.keys() <= {
        "invoice.rate_unknown",
        "invoice.exemption_missing",
        "party.bad_siren",
        "credit.of_credit_note",
    }
