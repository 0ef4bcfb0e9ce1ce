"""The evidence bundle by page, by API and by command: the right people get it, and the audit trail knows who did."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from command_house import command_here

from portal.api.invoices import api
from portal.api.tokens import create_token
from portal.app import create_app
from portal.cli import main
from portal.evidence.bundle import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services


def makers(house: House, invoice_id: UUID) -> list[str]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT actor FROM audit_rows WHERE supplier_id = :supplier AND act = 'evidence.made' AND object = :object "
            "ORDER BY audit_id",
            object=str(invoice_id),
        )
    return [row["actor"] for row in rows]


def manifest_hash(content: bytes) -> str:
    with zipfile.ZipFile(BytesIO(content)) as bundle:
        return hashlib.sha256(bundle.read(MANIFEST)).hexdigest()


def by_api(house: House, invoice_id: UUID, token: str) -> TestResponse:
    client = create_app(house.services, [api]).test_client()
    return client.get(f"/api/v1/invoices/{invoice_id}/evidence", headers={"Authorization": f"Bearer {token}"})


def token_of(house: House) -> str:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return create_token(work, "evidence")


def test_staff_fetch_the_bundle_from_the_invoices_page(client: FlaskClient, house: House) -> None:
    invoice = house.invoices["paid"]
    before = len(makers(house, invoice.invoice_id))
    house.sign_in(client, "auditor")
    path = f"/s/invoices/{invoice.invoice_id}/evidence"
    assert f'href="{path}"' in client.get(f"/s/invoices/{invoice.invoice_id}").text
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{invoice.number}-evidence.zip"')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == f'"{manifest_hash(answer.data)}"'
    assert makers(house, invoice.invoice_id)[before:] == [f"person {house.people['auditor'].person_id}"]


def test_a_program_fetches_its_own_suppliers_bundle_and_no_other(house: House, neighbour: House) -> None:
    invoice_id = house.invoices["part_paid"].invoice_id
    answer = by_api(house, invoice_id, token_of(house))
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{manifest_hash(answer.data)}"'
    assert makers(house, invoice_id) == ["api"]
    foreign = by_api(house, invoice_id, token_of(neighbour))
    assert foreign.json is not None
    assert (foreign.status_code, foreign.json["code"]) == (404, "invoice.not_found")
    assert by_api(house, invoice_id, "qt_nothing").status_code == 401
    assert makers(house, invoice_id) == ["api"]


@pytest.mark.usefixtures("neighbour")
def test_the_command_writes_the_same_bundle(
    house: House, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command_here(monkeypatch, services, tmp_path)
    invoice, reference = house.invoices["refunded"], house.supplier.siren or ""
    target = tmp_path / "one.zip"

    def command(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["evidence", *arguments, "-o", str(target)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split())

    code, said = command(invoice.number, "--supplier", reference)
    assert code == 0, said
    assert manifest_hash(target.read_bytes()) in said
    assert target.read_bytes() == by_api(house, invoice.invoice_id, token_of(house)).data
    assert makers(house, invoice.invoice_id) == ["command line", "api"]
    for arguments, told in (
        (("F1999-00001",), "invoice.not_found"),
        ((invoice.number, "--supplier", reference, "--year", "1999"), "invoice.not_found"),
        ((invoice.number, "--supplier", "000000000"), "supplier.unknown"),
        ((invoice.number,), "invoice.ambiguous"),
    ):
        code, said = command(*arguments)
        assert (code, told in said) == (1, True), (arguments, said)
