"""The public page: anybody's file gets its verdict in words; nothing is kept; strangers never hold up issuing."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bad_files import BAD_FILES
from hand_written_invoices import CII, UBL, changed
from portal_house import form_token

from einvoice.validation.check import Validator
from einvoice.validation.file_report import FileKind, FileReport
from einvoice.validation.key_facts import key_facts
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, Severity, Verdict
from portal.app import create_app
from portal.validation.desk import Desk, DeskError, Queue
from portal.validation.samples import sample
from portal.validation.shown import SENTENCES, TONES, show
from portal.validation.uploads import MAX_PUBLIC_BYTES, clean_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services

GREEN, RED, AMBER = '<section class="verdict paid"', '<section class="verdict late"', '<section class="verdict part"'
WRONG_TOTAL = ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<")


def words(page: str) -> str:
    plain = re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").replace("&amp;", "&")
    return re.sub(r"[\s\u00a0\u202f]+", " ", plain)


def drop(client: FlaskClient, content: bytes, name: str = "facture.xml", **headers: str) -> TestResponse:
    return client.post(
        "/validate",
        data={"form_token": form_token(client), "file": (BytesIO(content), name)},
        content_type="multipart/form-data",
        headers={"Sec-Fetch-Site": "same-origin", **headers},
    )


def with_engine(services: Services, engine: SchematronEngine) -> Services:
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return type(services)(**{**fields, "engine": engine, "validator": Validator(engine)})


@pytest.fixture
def dead(services: Services) -> Iterator[FlaskClient]:
    """A house whose engine is unplugged."""
    with SchematronEngine(command=["/bin/false"]) as engine:
        client = create_app(with_engine(services, engine)).test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        yield client


def test_the_form_says_what_is_kept_and_needs_no_script(client: FlaskClient) -> None:
    page = client.get("/validate")
    assert page.status_code == 200
    told = words(page.text)
    assert "Votre facture électronique est-elle conforme ?" in told
    assert "Rien n'est conservé" in told
    assert "10 Mo" in told
    assert "<script" not in page.text
    assert 'href="/validate"' in client.get("/sign-in").text


@pytest.mark.parametrize(("document", "kind"), [(CII, "Facture CII (XML)"), (UBL, "Facture UBL (XML)")])
def test_a_correct_invoice_is_told_valid_with_its_rules_and_its_facts(
    client: FlaskClient, document: str, kind: str
) -> None:
    page = drop(client, document.encode())
    told = words(page.text)
    assert page.status_code == 200
    assert GREEN in page.text
    for expected in (
        "Conforme",
        kind,
        "facture.xml",
        "2026-0001",
        "2 novembre 2026",
        "Chauffage Lemaire SARL · 732829320",
        "Imprimerie du Port SAS · 100000009",
        "Total TTC 288,00 €",
        "Net à payer 288,00 €",
        "Grammaire XML (XSD) conforme",
        "Règles françaises (BR-FR) conforme",
        "Ce qui n'a pas été contrôlé",
    ):
        assert expected in told
    assert re.search(r"BR-FR Flux 2 (CII|UBL) · version \S+", told)


def test_a_wrong_invoice_gets_each_rule_with_its_term_its_line_and_what_to_do(client: FlaskClient) -> None:
    page = drop(client, changed(CII, WRONG_TOTAL))
    told = words(page.text)
    assert page.status_code == 200, "a wrong file is a good answer"
    assert RED in page.text
    for expected in ("Non conforme", "BR-CO-15", "Total TTC (BT-112)", "À faire :", "Détails techniques"):
        assert expected in told
    assert "Le total TTC n'est pas égal au total HT plus la TVA" in told
    line = 1 + next(n for n, text in enumerate(CII.splitlines()) if "SpecifiedTradeSettlementHeaderMonetary" in text)
    assert re.search(rf"Lignes? du XML {line}\b", told)
    assert "Total TTC 289,00 €" in told


def test_the_page_speaks_english(client: FlaskClient) -> None:
    told = words(drop(client, changed(CII, WRONG_TOTAL), **{"Accept-Language": "en"}).text)
    assert "Invalid" in told
    assert "The total with VAT is not" in told
    assert "What was not checked" in told


def test_an_unplugged_engine_is_told_as_not_checked_and_never_green(dead: FlaskClient) -> None:
    for content in (CII.encode(), sample(faulty=False)):
        page = drop(dead, content)
        assert page.status_code == 200
        assert AMBER in page.text
        assert GREEN not in page.text
        told = words(page.text)
        assert "Non contrôlé" in told
        assert "Norme européenne EN 16931 non contrôlé" in told
        assert "Norme européenne EN 16931 : ces règles n'ont pas été exécutées." in told


def test_only_a_valid_verdict_is_green() -> None:
    assert {verdict for verdict, (tone, _) in TONES.items() if tone == "paid"} == {Verdict.VALID}
    assert set(TONES) == set(SENTENCES) == set(Verdict)


@pytest.mark.parametrize("faulty", [False, True])
def test_the_sample_shows_what_it_promises(client: FlaskClient, *, faulty: bool) -> None:
    page = client.get("/validate?demo=faulty" if faulty else "/validate?demo")
    assert (RED if faulty else GREEN) in page.text
    told = words(page.text)
    assert "Ceci est un exemple" in told
    assert "Facture Factur-X (PDF)" in told
    assert "veraPDF" in told
    assert ("BR-CO-15" in told, "BR-FR-05_BT-22_PMT" in told) == (faulty, faulty)
    assert ("Détails techniques" in told) is faulty, "the correct sample has neither error nor warning"


@pytest.mark.parametrize("name", [name for name in BAD_FILES if not name.endswith("empty.xml")])
def test_no_bad_file_breaks_the_page_or_is_called_valid(client: FlaskClient, name: str) -> None:
    page = drop(client, BAD_FILES[name][0](), name)
    assert page.status_code == 200
    assert RED in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(40), "C'est une archive"),
        (b"PK\x03\x04" + b"[Content_Types].xml" + bytes(40), "document bureautique"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "C'est une image"),
        (b'{"a": 1}', "C'est du JSON"),
        (b"Bonjour", "d'aucun type de facture"),
    ],
)
def test_other_kinds_of_files_get_a_clear_sentence(client: FlaskClient, content: bytes, said: str) -> None:
    told = words(drop(client, content, "x").text)
    assert said in told
    assert "À faire :" in told


def test_no_file_and_an_empty_file_are_asked_for_again(client: FlaskClient) -> None:
    assert "Le fichier est vide." in words(drop(client, b"").text)
    token = form_token(client)
    nothing = client.post("/validate", data={"form_token": token}, content_type="multipart/form-data")
    assert nothing.status_code == 422
    assert "Choisissez d'abord un fichier." in words(nothing.text)


@pytest.mark.parametrize("excess", [1, 200_000])
def test_a_file_beyond_the_limit_is_refused_with_the_limit(client: FlaskClient, excess: int) -> None:
    page = drop(client, b"<" + bytes(MAX_PUBLIC_BYTES + excess - 1))
    assert page.status_code == 413
    assert "Ce fichier dépasse 10 Mo" in words(page.text)


def test_a_form_of_another_site_and_one_without_token_are_refused(client: FlaskClient) -> None:
    assert drop(client, CII.encode(), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    bare = client.post("/validate", data={"file": (BytesIO(CII.encode()), "f.xml")}, content_type="multipart/form-data")
    assert (bare.status_code, "form.stale" in bare.text) == (403, True)


def test_what_a_file_says_is_text_and_never_markup(client: FlaskClient) -> None:
    evil = changed(CII, ("Chauffage Lemaire SARL", "&lt;script&gt;alert(1)&lt;/script&gt;"))
    page = drop(client, evil, "<img src=x onerror=alert(2)>.xml")
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text


def test_so_many_files_from_one_address_are_enough_for_a_minute(app: Flask, client: FlaskClient) -> None:
    answers = [drop(client, b"Bonjour") for _ in range(21)]
    assert [each.status_code for each in answers[:20]] == [200] * 20
    assert answers[20].status_code == 429
    assert "Patientez un moment" in words(answers[20].text)
    other = app.test_client()
    other.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert drop(other, b"Bonjour").status_code == 200


def test_who_has_a_whole_network_of_addresses_is_still_one_caller(app: Flask) -> None:
    client = app.test_client()
    answers = []
    for place in range(21):
        client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2::{place + 1:x}"
        answers.append(drop(client, b"Bonjour").status_code)
    assert answers == [200] * 20 + [429]
    for address, status in (("2001:db8:1:3::1", 200), ("::ffff:192.0.2.1", 200), ("::ffff:192.0.2.2", 200)):
        client.environ_base["REMOTE_ADDR"] = address
        assert drop(client, b"Bonjour").status_code == status


class Slow(Validator):
    """A validator that answers when it is told to."""

    def __init__(self) -> None:
        self.go, self.came = threading.Event(), threading.Semaphore(0)

    def check_file(self, content: bytes, filename: str) -> FileReport:  # noqa: ARG002 -- as Validator
        self.came.release()
        assert self.go.wait(20)
        return FileReport(filename, FileKind.UNKNOWN, Report((), ()))


def test_the_desk_is_never_fuller_than_its_places_and_the_api_has_its_own() -> None:
    slow = Slow()
    desk = Desk(slow)
    threads = [threading.Thread(target=desk.check, args=(b"", "f", Queue.PUBLIC)) for _ in range(Queue.PUBLIC.value)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert slow.came.acquire(timeout=10)
    with pytest.raises(DeskError) as refused:
        desk.check(b"", "f", Queue.PUBLIC)
    assert refused.value.code == "validation.busy"
    program = threading.Thread(target=desk.check, args=(b"", "f", Queue.API))
    program.start()
    assert slow.came.acquire(timeout=10), "the public's files leave the places of the API free"
    slow.go.set()
    for thread in (*threads, program):
        thread.join()
    assert desk.check(b"", "f", Queue.PUBLIC).verdict is Verdict.NOT_CHECKED


def test_a_full_desk_is_a_sentence_and_a_time_to_come_back(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_desk", full_desk())
    page = drop(client, CII.encode())
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "Trop de fichiers sont en cours de contrôle" in words(page.text)


def full_desk() -> Desk:
    desk = Desk(Slow())
    for places in desk._places.values():
        while places.acquire(blocking=False):
            pass
    return desk


class Faulty(Validator):
    """A validator with a fault that quotes the file, as an unforeseen error may."""

    def __init__(self) -> None: ...

    def check_file(self, content: bytes, filename: str) -> FileReport:
        raise RuntimeError(f"{filename}: {content!r}")


def test_an_unforeseen_fault_is_not_checked_and_its_words_stay_out_of_the_log(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "_desk", Desk(Faulty()))
    with caplog.at_level(logging.DEBUG):
        page = drop(client, b"<secret>Boulangerie Martin</secret>", "secret.xml")
    assert page.status_code == 500
    assert "ni conforme ni non conforme" in words(page.text)
    logged = "\n".join(f"{each.getMessage()} {each.exc_info}" for each in caplog.records)
    assert "RuntimeError" in logged
    assert "check_file" in logged, "where it happened is told"
    assert "Martin" not in logged
    assert "secret" not in logged


def test_nothing_of_a_file_is_kept_on_disk_or_in_the_log(
    client: FlaskClient,
    services: Services,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    drop(client, CII.encode())  # the engine starts, with a file of its own for its complaints
    marker = f"Zanzibar{os.getpid()}"
    large = changed(CII, ("Sans escompte", marker + " Sans escompte " * 100_000))  # Werkzeug would put it on disk
    body = (
        f'--x\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{form_token(client)}\r\n--x\r\n'
        f'Content-Disposition: form-data; name="file"; filename="{marker}.xml"\r\n\r\n'
    ).encode() + b"%b\r\n--x--\r\n" % large  # by hand: the test client would write a file of its own
    opened: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and watching and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append(str(arguments[0]))

    watching = True
    sys.addaudithook(watch)  # for good: it is switched off below instead
    with caplog.at_level(logging.DEBUG):
        page = client.post("/validate", data=body, content_type="multipart/form-data; boundary=x")
        stopped = drop(client, changed(CII, (">20261102<", ">2026NOV2<")))  # rules complain
    watching = False
    assert RED in stopped.text
    complaints = [Path(f"/proc/{pid}/fd/2").read_bytes() for pid in services.engine.worker_pids]
    assert complaints
    assert not any(b"2026NOV2" in each for each in complaints)
    assert page.status_code == 200
    assert marker in page.text
    assert [name for name in opened if not name.startswith(("/dev/", "/proc/"))] == []
    assert list(tmp_path.iterdir()) == []
    assert marker not in caplog.text
    for path in services.settings.data_dir.rglob("*"):
        if path.is_file() and "postgres" not in path.parts:
            assert marker.encode() not in path.read_bytes(), path


def test_the_same_fault_in_many_places_is_told_once_with_all_of_them(app: Flask) -> None:
    findings = tuple(Finding("X-1", Severity.FATAL, "Wrong.", Layer.EN16931, None, line) for line in (30, 10, 20))
    report = FileReport(
        "f.xml",
        FileKind.CII,
        Report((LayerResult(Layer.EN16931, Verdict.INVALID),), findings),
        CII.encode(),
    )
    with app.test_request_context("/validate?lang=fr"):
        (told,) = show(report).findings
    assert (told.times, told.lines) == (3, [10, 20, 30])


def test_facts_are_read_even_from_a_wrong_invoice_and_from_both_currencies() -> None:
    foreign = changed(
        CII,
        ('<ram:TaxTotalAmount currencyID="EUR">48.00', '<ram:TaxTotalAmount currencyID="USD">52.00'),
        (
            "</ram:TaxTotalAmount>",
            '</ram:TaxTotalAmount><ram:TaxTotalAmount currencyID="EUR">48.00</ram:TaxTotalAmount>',
        ),
        ("<ram:ID>2026-0001</ram:ID>", ""),
    )
    found = key_facts(foreign)
    assert found is not None
    assert (found.number, found.vat, found.seller) == (None, "48.00", "Chauffage Lemaire SARL")
    without = key_facts(changed(CII, ("<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>", "")))
    assert without is not None
    assert (without.currency, without.vat) == (None, "48.00")
    assert key_facts(b"<a/>") is None
    assert key_facts(None) is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("C:\\Docs\\a.xml", "a.xml"),
        ("../../b.pdf", "b.pdf"),
        ("c\u202e\x00.xml", "c.xml"),
        (None, ""),
        ("d" * 500, "d" * 120),
    ],
)
def test_file_names_lose_their_path_and_what_cannot_be_read(given: str | None, shown: str) -> None:
    assert clean_name(given) == shown
