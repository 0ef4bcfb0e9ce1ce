"""The short fuzz run of every change, what fuzzing has found, and the proof that it finds what is planted."""

from __future__ import annotations

import re
import sys
import zlib
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest
from fuzz import campaign, pdf_mutators
from fuzz.corpus import Corpus, gather
from fuzz.road import Judges, make, travel
from fuzz.runner import SilentEngine
from hand_written_invoices import CII

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.formats import pdf_reader_child
from einvoice.formats.place import Place
from einvoice.intake import read_finished
from einvoice.validation.check import Validator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = 20261122
INPUTS = 3000


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Our own files only: the run is then the same on every machine."""
    return gather(with_samples=False)


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges(Validator(SilentEngine()))


def test_thousands_of_spoilt_files_end_as_an_invoice_or_as_a_refusal_in_two_languages(
    corpus: Corpus, judges: Judges
) -> None:
    ends: dict[str, int] = {}
    for index in range(INPUTS):
        one = make(corpus, SEED, index)
        end = travel(one, judges)
        assert not end.defect, f"seed {SEED}, input {index} ({one.done}): {end.defect}"
        ends[end.code] = ends.get(end.code, 0) + 1
    assert ends["read"] > INPUTS / 20, "the files are too broken to reach the readers"
    assert len(ends) > 10


def test_a_seed_tells_the_input(corpus: Corpus) -> None:
    assert [make(corpus, 7, n) for n in range(50)] == [make(gather(with_samples=False), 7, n) for n in range(50)]
    assert make(corpus, 7, 1).data != make(corpus, 8, 1).data


# -- planted -------------------------------------------------------------------------------------------------------


def defects(corpus: Corpus, judges: Judges, inputs: int) -> list[str]:
    ends = [travel(make(corpus, SEED, index), judges) for index in range(inputs)]
    return [end.defect.strip().splitlines()[-1] for end in ends if end.defect]


def test_a_reader_that_lets_an_exception_out_is_caught(
    corpus: Corpus, judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    def number(self: Place, path: str, term: str) -> Decimal | None:
        del term
        text = self.text(path)
        return None if text is None else Decimal(int(float(text) * 100)) / 100

    monkeypatch.setattr(Place, "number", number)
    found = " ".join(defects(corpus, judges, 1000))
    assert "ValueError" in found
    assert "OverflowError" in found


def test_a_refusal_without_french_is_caught(corpus: Corpus, judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Place, path: str, term: str) -> EInvoiceError:
        return EInvoiceError("invoice.missing_term", f"{term} is missing at {self.path()}/{path}.", "")

    monkeypatch.setattr(Place, "missing", missing)
    assert any("a sentence of 0 characters" in each for each in defects(corpus, judges, 300))


RUNNER = """
import json, os, sys, time
start, count, folder = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
print(json.dumps({"ready": 1}), flush=True)
for index in range(start, start + count):
    with open(f"{folder}/now", "r+b") as now:
        now.write(index.to_bytes(8, "big"))
    if index == 3:
        FAULT
    print(json.dumps({"next": index + 1, "counts": {"xml read": 1}, "slowest": [], "defects": [],
                      "wall_s": 0, "cpu_s": 0, "rss_kb": 0}), flush=True)
"""


@pytest.mark.parametrize(
    ("fault", "what"), [("os.abort()", "crash: the process ended with -6"), ("time.sleep(600)", "hang")]
)
def test_an_input_that_kills_or_hangs_the_process_is_named_and_the_run_goes_on(
    fault: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "STUCK_S", 1.0)
    life = campaign.Life()
    campaign.run(life, 5, 8, tmp_path, runner=[sys.executable, "-c", RUNNER.replace("FAULT", fault)])
    assert [(each["index"], each["defect"]) for each in life.defects] == [(3, what)]
    assert life.next_of_seed == {"5": 8}
    assert life.counts["xml read"] == 7


def test_a_life_is_kept_and_goes_on(tmp_path: Path) -> None:
    runner = [sys.executable, "-c", RUNNER.replace("FAULT", "pass")]
    life = campaign.Life()
    campaign.run(life, 5, 4, tmp_path, runner=runner)
    campaign.save(life, tmp_path)
    again = campaign.load(tmp_path)
    campaign.run(again, 5, 6, tmp_path, runner=runner)
    assert again.inputs == 6
    assert "6 inputs (6 xml) by 1 builds" in campaign.summary(again, campaign.build_of())


def test_a_defect_is_settled_by_the_build_that_no_longer_has_it(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "defects").mkdir()
    (tmp_path / "defects" / "5-9.xml").write_bytes(corpus.xml[0][1].replace(b">380<", b">\xff<"))
    life = campaign.Life(defects=[{"seed": 5, "index": 9, "done": "", "defect": "crash", "build": "old"}])

    def parse(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as planted:
        planted.setattr(safe_xml, "parse", parse)
        campaign.recheck(life, tmp_path)
    assert "settled" not in life.defects[0]
    campaign.recheck(life, tmp_path)
    assert life.defects[0]["settled"] == campaign.build_of()


# -- what was found, never again -----------------------------------------------------------------------------------


def tree_that_doubles() -> bytes:
    """32 levels of which each names the next twice: four thousand million leaves in 3 kB."""
    objects = pdf_mutators.made(Random(1), b"<a/>", ["plan.pdf"])
    for level in range(30):
        objects[20 + level] = b"<</Kids[%d 0 R %d 0 R]>>" % (21 + level, 21 + level)
    objects[50] = b"<</Names[]>>"
    objects[5] = objects[20]
    return pdf_mutators.write(objects)


def stream_packed(entries: bytes) -> bytes:
    """``factur-x.xml`` in a stream with ``entries``."""
    objects = pdf_mutators.made(Random(1), b"<a/>", ["factur-x.xml"])
    objects[11] = pdf_mutators.stream(zlib.compress(b"<a/>"), b"/Filter/FlateDecode" + entries)
    objects[5] = b"<</Names[(factur-x.xml)10 0 R]>>"
    return pdf_mutators.write(objects)


def unknown_encryption() -> bytes:
    objects = pdf_mutators.made(Random(1), b"<a/>", ["factur-x.xml"])
    return pdf_mutators.write(objects, b"/Root 1 0 R/Encrypt<</Filter/Standard/V 5/R 6/Length 256/O<00>/U<00>/P -1>>")


FOUND: dict[str, tuple[Callable[[], bytes], str]] = {
    "a name of 6,000 letters that the parser repeats": (
        lambda: CII.replace("<ram:Name", "<ram:" + "x" * 6000 + "\x01").encode(),
        "xml.not_well_formed",
    ),
    "a predictor with an impossible width": (
        lambda: stream_packed(b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 4/BitsPerComponent 16>>"),
        "pdf.damaged",
    ),
    "a kind of encryption that the library does not know": (unknown_encryption, "pdf.encrypted"),
    "a name tree that doubles on each level": (tree_that_doubles, "pdf.damaged"),
    "a number of 39 digits, which two decimals more would make unreadable": (
        lambda: CII.replace(">80.00<", f">{'9' * 39}<").encode(),
        "invoice.bad_value",
    ),
    "digits of another alphabet": (lambda: CII.replace(">80.00<", ">\u0663\u0664<").encode(), "invoice.bad_value"),
    "a wrong number of 5,000 letters": (
        lambda: CII.replace(">80.00<", f">{'A' * 5000}<").encode(),
        "invoice.bad_value",
    ),
    "a root whose name has 5,000 letters": (f"<{'x' * 5000}/>".encode, "invoice.not_an_invoice"),
    "a specification that is a number": (
        lambda: pdf_mutators.write(pdf_mutators.made(Random(1), b"<a/>", ["factur-x.xml"]) | {10: b"7"}),
        "pdf.damaged",
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_fuzzing_found_stays_refused_in_plain_words(name: str) -> None:
    maker, code = FOUND[name]
    try:
        read_finished(maker())
    except (EInvoiceError, safe_xml.UnsafeXmlError) as error:
        refusal = error
    assert refusal.code == code
    for sentence in (refusal.sentence, refusal.sentence_fr):
        assert len(sentence) < 1000
        assert not re.search(r"object has no|0x[0-9a-f]{6}|BytesIO", sentence)


def test_the_child_names_no_structure_of_ours() -> None:
    assert pdf_reader_child._cause(AttributeError("'int' object has no attribute 'get'")) == (
        "a part of it is not what it should be"
    )
