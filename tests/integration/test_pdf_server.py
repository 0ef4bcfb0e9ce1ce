"""The process that has PDFs read: warm, yet a file that crashes, hangs or swells costs its own child and no more."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_documents import an_invoice

from einvoice.formats import pdf_reader, pdf_reader_server
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.formats.pdf_reader import PdfError, extract_invoice_xml

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return write_facturx(an_invoice(1), write_cii(an_invoice(1)))


def in_child(do: Callable[[], object], timeout_s: float = 10) -> str:
    """What the server answers where the child, instead of reading, does something else."""

    def read(_: bytes, __: int) -> tuple[dict[str, Any], bytes]:
        return {"done": str(do())}, b""

    return pdf_reader_server.read_in_child(b"", 1000, timeout_s, keep_from_it=(), read=read).decode()


def test_a_second_file_costs_a_fork_and_not_an_interpreter(pdf: bytes) -> None:
    extract_invoice_xml(pdf)
    servers = pdf_reader._READERS.pids
    began = time.perf_counter()
    for _ in range(20):
        extract_invoice_xml(pdf)
    assert time.perf_counter() - began < 3, "an interpreter alone takes 0.15 s and more"
    assert pdf_reader._READERS.pids == servers


def test_a_child_that_crashes_is_named_and_the_server_lives() -> None:
    assert "the reader ended with -15" in in_child(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert "the reader ended with 1" in in_child(lambda: 1 / 0)


def test_a_child_that_hangs_is_killed_in_time() -> None:
    began = time.monotonic()
    assert "more than 0.3 s" in in_child(lambda: time.sleep(60), timeout_s=0.3)
    assert time.monotonic() - began < 5


def test_a_child_may_burn_so_much_processor_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_reader_server, "CPU_LIMIT_S", 1)

    def burn() -> None:
        while True:
            pass

    assert "of processor time" in in_child(burn, timeout_s=60)


def test_a_child_has_no_pipe_of_its_server() -> None:
    """Else it could answer for the next file."""
    mine, its = os.pipe()

    def read(_: bytes, __: int) -> tuple[dict[str, Any], bytes]:
        try:
            os.write(its, b"forged")
        except OSError:
            return {"closed": True}, b""
        return {"closed": False}, b""

    answer = pdf_reader_server.read_in_child(b"", 1000, 10, keep_from_it=(its, mine), read=read).decode()
    os.close(mine)
    os.close(its)
    assert answer == '{"closed": true}\n'


def test_the_server_is_bounded_and_knows_none_of_our_secrets(pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUITTANCE_SECRET_KEY", "not-for-pdfs")
    readers = pdf_reader.readers_of("einvoice.formats.pdf_reader_server", 1)
    try:
        pdf_reader.ask_readers(readers, pdf)
        folder = Path(f"/proc/{readers.pids[0]}")
        limits = {line[:25].strip(): line[25:].split()[0] for line in (folder / "limits").read_text().splitlines()}
        assert b"not-for-pdfs" not in (folder / "environ").read_bytes()
    finally:
        readers.close()
    assert limits["Max address space"] == str(pdf_reader_server.MEMORY_LIMIT_BYTES)
    assert limits["Max file size"] == "0"
    assert limits["Max core file size"] == "0"


def test_the_limits_of_a_child_are_its_own() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    in_child(lambda: None)
    assert resource.getrlimit(resource.RLIMIT_CPU) == before


def test_files_read_at_once_keep_to_their_own_answers(pdf: bytes) -> None:
    other = write_facturx(an_invoice(2), write_cii(an_invoice(2)))
    expected = {pdf: write_cii(an_invoice(1)), other: write_cii(an_invoice(2))}
    wrong: list[bytes] = []

    def read(content: bytes) -> None:
        wrong.extend(content for _ in range(15) if extract_invoice_xml(content).xml != expected[content])

    threads = [threading.Thread(target=read, args=(content,)) for content in (pdf, other, pdf, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_reader_that_cannot_be_started_is_said() -> None:
    readers = pdf_reader.readers_of("einvoice.no_such_module", 1)
    with pytest.raises(PdfError, match="No module named") as caught:
        pdf_reader.ask_readers(readers, b"%PDF-1.7")
    readers.close()
    assert caught.value.code == "pdf.reader_failed"
