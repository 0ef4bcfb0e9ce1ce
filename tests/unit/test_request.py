"""Our JSON: exact numbers, strict fields, and refusals that name the field and its business term."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from builders import write_request
from pydantic import ValidationError

from einvoice.errors import RequestError
from einvoice.request.reading import InvalidRequestError, InvoiceRequest, parse_request, request_schema

MINIMAL = """{
  "buyer": {"name": "Brasserie du Port", "siren": "552100554", "address": {"city": "Marseille"}},
  "lines": [{"name": "Pose", "quantity": 2, "net_price": 50.00, "vat_rate": 20}]
}"""


def changed(path: str, value: str) -> bytes:
    """The minimal request with the JSON text ``value`` at ``path``, e.g. ``lines.0.unit``."""
    content = json.loads(MINIMAL)
    place, *steps = [content, *path.split(".")]
    for step in steps[:-1]:
        place = place[int(step) if step.isdigit() else step]
    place[steps[-1]] = "@@"
    return json.dumps(content).replace('"@@"', value).encode()


def refusal(data: bytes) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(data)
    assert caught.value.code == "request.invalid"
    return caught.value


def test_the_minimal_invoice_needs_a_buyer_and_a_line_only() -> None:
    request = parse_request(MINIMAL.encode())
    (line,) = request.lines
    assert (line.unit, line.vat_category, line.vat_rate) == ("C62", "S", Decimal(20))
    assert (request.type_code, request.currency, request.seller, request.totals) == ("380", "EUR", None, None)
    assert request.buyer.address.country == "FR"


@pytest.mark.parametrize("text", ["0.1", '"0.1"', "0.123456", '"12345678901.123456"', "0.100000000000000000000"])
def test_a_number_is_read_exactly_whether_quoted_or_not(text: str) -> None:
    if text == "0.100000000000000000000":
        assert refusal(changed("lines.0.net_price", text)).place == "lines[0].net_price"
        return
    price = parse_request(changed("lines.0.net_price", text)).lines[0].net_price
    assert price == Decimal(text.strip('"'))


@pytest.mark.parametrize("text", ['"12,5"', "true", '"1e3"', "[]", '" "', '"NaN"', "1e400"])
def test_what_is_no_number_is_refused_with_its_term(text: str) -> None:
    error = refusal(changed("lines.0.quantity", text))
    assert (error.place, error.term) == ("lines[0].quantity", "BT-129")
    assert error.sentence.startswith("lines[0].quantity (BT-129) must be a number")
    assert error.sentence_fr.startswith("lines[0].quantity (BT-129) doit être un nombre")


def test_a_float_made_in_python_is_refused() -> None:
    content = json.loads(MINIMAL)
    assert isinstance(content["lines"][0]["net_price"], float)
    with pytest.raises(ValidationError):
        InvoiceRequest.model_validate(content)


@pytest.mark.parametrize(
    ("path", "value", "place", "term"),
    [
        ("colour", '"red"', "colour", None),
        ("buyer.colour", '"red"', "buyer.colour", "BG-7"),
        ("buyer.name", '""', "buyer.name", "BT-27/BT-44"),
        ("buyer.name", "12", "buyer.name", "BT-27/BT-44"),
        ("buyer.name", '"a\\u0007b"', "buyer.name", "BT-27/BT-44"),
        ("buyer.name", '"\\ud800"', "buyer.name", "BT-27/BT-44"),
        ("buyer.address.country", '"France"', "buyer.address.country", "BT-40/BT-55/BT-80"),
        ("buyer.consumer", '"yes"', "buyer.consumer", "BT-22"),
        ("issue_date", '"02/11/2026"', "issue_date", "BT-2"),
        ("issue_date", '"2026-02-30"', "issue_date", "BT-2"),
        ("issue_date", "20261102", "issue_date", "BT-2"),
        ("type_code", '"389"', "type_code", "BT-3"),
        ("lines.0.quantity", "null", "lines[0]", "BG-25"),
        ("lines", "[]", "lines", "BG-25"),
        ("lines", "{}", "lines", "BG-25"),
        ("lines.0.net_price", '"-1"', "lines[0].net_price", "BT-146"),
        ("lines.0.net_price", "1.1234567", "lines[0].net_price", "BT-146"),
        ("lines.0.vat_rate", "0", "lines[0]", "BG-25"),
        ("lines.0.vat_category", '"E"', "lines[0]", "BG-25"),
        ("lines.0.vat_category", '"L"', "lines[0].vat_category", "BT-151"),
        ("lines.0.unit", '"HEURE"', "lines[0].unit", "BT-130"),
        ("lines.0.kind", '"SUM"', "lines[0].kind", "EXT-FR-FE-163"),
        ("lines.0.attributes", '[{"name": "Poids"}]', "lines[0].attributes[0]", "BG-32"),
        ("lines.0.attributes", '[{"name": "P", "measure": 1}]', "lines[0].attributes[0]", "BG-32"),
        ("currency", '"XTS"', "currency", "BT-5"),
        ("currency", '"XXX"', "currency", "BT-5"),
        ("currency", '"eur"', "currency", "BT-5"),
        ("buyer.contact", '{"email": "compta@exemple"}', "buyer.contact.email", "BT-43/BT-58"),
        ("buyer.contact", '{"email": "a b@exemple.fr"}', "buyer.contact.email", "BT-43/BT-58"),
        ("process", '"S9"', "process", "BT-23"),
        ("terms", '{"discount_percent": 2}', "terms", "BG-1"),
        ("terms", '{"discount_percent": 2, "discount_days": 8.5}', "terms.discount_days", "BT-22"),
        ("deposits", '[{"number": "D1", "issue_date": "2026-09-01", "amount": 0}]', "deposits[0].amount", "BT-113"),
        ("lines.0.allowances", '[{"amount": 1}]', "lines[0].allowances[0]", "BG-27"),
        ("lines.0.allowances", '[{"reason": "x"}]', "lines[0].allowances[0]", "BG-27"),
        ("allowances", '[{"amount": 1, "reason": "x"}]', "allowances[0]", "BG-20"),
        ("attachments", '[{"reference": "A", "content": "@"}]', "attachments[0].content", "BT-125"),
        ("attachments", '[{"reference": "A", "content": "QQ=="}]', "attachments[0]", "BG-24"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_term(path: str, value: str, place: str, term: str | None) -> None:
    error = refusal(changed(path, value))
    assert (error.place, error.term) == (place, term)
    assert [problem.place for problem in error.problems] == [place]
    assert place in error.sentence
    assert place in error.sentence_fr
    assert "not valid:" not in error.sentence_fr


@pytest.mark.parametrize(
    ("path", "value", "english", "french"),
    [
        ("lines.0.unit", '"HEURE"', "Did you mean HUR (hour)?", "Vouliez-vous dire HUR (heure) ?"),
        ("lines.0.unit", '"Q#?"', "E.g. C62 (unit)", "Par exemple C62 (unité)"),
        ("lines.0.net_price", "-1", "put the sign on the quantity", "mettez le signe sur la quantité"),
        ("lines.0.vat_category", '"L"', "the tax of the Canary Islands", "vaut L, la taxe des îles Canaries (IGIC)"),
        (
            "buyer.address.country",
            '"XX"',
            "is 'XX': give the two capital letters",
            "vaut 'XX' : donnez les deux lettres",
        ),
        ("buyer.name", '""', "is empty: fill it in", "est vide : renseignez-le"),
        ("margin_scheme", '"x"', "'antiques' or 'travel_agency'", "'antiques' ou 'travel_agency'"),
    ],
)
def test_a_refusal_says_what_to_write_instead(path: str, value: str, english: str, french: str) -> None:
    error = refusal(changed(path, value))
    assert not error.sentence.endswith(("?.", "..")), "a question ends as one"
    assert not error.sentence_fr.endswith(("?.", ".."))
    assert english in error.sentence
    assert french in error.sentence_fr


@pytest.mark.parametrize("address", ["a@b.fr", "prénom.nom+x@sous.exemple.fr", "compta@société.fr"])
def test_ordinary_addresses_are_accepted(address: str) -> None:
    data = changed("buyer.contact", json.dumps({"email": address}, ensure_ascii=False))
    contact = parse_request(data).buyer.contact
    assert contact is not None
    assert contact.email == address


def test_a_request_is_written_as_it_was_read() -> None:
    data = MINIMAL.replace("}]", ', "vat_category": "S"}], "deposits": [], "issue_date": "2026-11-02"')
    request = parse_request(data.encode())
    assert parse_request(write_request(request)) == request


def test_several_problems_are_told_at_once() -> None:
    error = refusal(b'{"lines": [{"name": "x", "quantity": "y", "net_price": "z"}]}')
    assert [problem.place for problem in error.problems] == ["buyer", "lines[0].quantity", "lines[0].net_price"]
    assert error.sentence.endswith("(2 more)")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b'{"buyer": NaN}', b'{"buyer": 1, "buyer": 2}', b"[" * 100_000, b"1e99999999999999999999"],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(data)
    assert caught.value.code == "request.not_json"
    assert caught.value.sentence_fr.startswith("La requête n'est pas du JSON")


def test_a_request_above_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(b" " * (20 * 1024 * 1024 + 1))
    assert caught.value.code == "request.too_large"


def test_a_gross_price_gives_the_net_price_or_must_agree_with_it() -> None:
    data = MINIMAL.replace('"net_price": 50.00', '"net_price": 50, "gross_price": 60, "price_discount": 10')
    assert parse_request(data.encode()).lines[0].net_price == Decimal(50)
    assert refusal(data.replace('"price_discount": 10', '"price_discount": 9').encode()).place == "lines[0]"
    assert (
        refusal(
            data.replace('"net_price": 50, ', "").replace('"price_discount": 10', '"price_discount": 61').encode()
        ).place
        == "lines[0]"
    )


def test_the_schema_describes_every_field_by_its_business_term() -> None:
    schema = request_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["purchase_order"]["description"].startswith("BT-13 ")
    for model in [schema, *schema["$defs"].values()]:
        assert all(field.get("description") or "$ref" in field for field in model["properties"].values())
