"""The road of a file from outside: every end that is neither an invoice nor a refusal in two languages is a defect."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from fuzz import pdf_mutators, xml_mutators

from config import safe_xml
from einvoice import intake
from einvoice.document import Document
from einvoice.errors import EInvoiceError
from einvoice.formats.cii import write_cii
from einvoice.formats.reader import read_xml
from einvoice.formats.semantics import difference
from einvoice.formats.ubl import write_ubl
from einvoice.validation.verdict import Verdict

if TYPE_CHECKING:
    from fuzz.corpus import Corpus

    from einvoice.rendering import Finished
    from einvoice.validation.check import Validator
    from einvoice.validation.file_report import FileReport

PDF_SHARE = 0.12
LONGEST_S = 5.0
"""More is a hang."""
LONGEST_SENTENCE = 4000
"""Characters: more is the file thrown back at whoever sent it."""
JUDGED_SHARE = 0.002
"""Inputs that are judged by every rule, too."""
SCHEMA_SHARE = 0.08
"""Inputs whose container, XSD and rules of the house are judged, too."""
WRITTEN_SHARE = 0.1
"""Inputs that are written again in both syntaxes, if they were read."""


@dataclass(frozen=True)
class Input:
    """What number ``index`` of ``seed`` is."""

    seed: int
    index: int
    kind: str
    done: str
    data: bytes


@dataclass(frozen=True)
class End:
    """Where an input ended: the code of its refusal or ``read``; ``defect`` says what must not be."""

    code: str
    seconds: float
    defect: str = ""


@dataclass(frozen=True)
class Judges:
    """Validators: with XSD and house rules alone, and with everything (absent where that takes too long)."""

    quick: Validator
    full: Validator | None = None


def make(corpus: Corpus, seed: int, index: int) -> Input:
    """The input: the same seed, index and corpus give the same bytes."""
    rng = Random(f"{seed}/{index}")
    if rng.random() < PDF_SHARE:
        return Input(seed, index, "pdf", *pdf_mutators.mutate(rng, corpus))
    return Input(seed, index, "xml", *xml_mutators.mutate(rng, corpus.xml))


def travel(one: Input, judges: Judges) -> End:
    """Send the input down the road and look where it ends."""
    rng = Random(f"{one.seed}/{one.index}/road")
    began = time.monotonic()
    try:
        code = _go(one.data, rng, judges)
        defect = ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        code = f"defect.{type(error).__name__}"
        defect = traceback.format_exc(limit=-12)
    seconds = time.monotonic() - began
    if seconds > LONGEST_S and not defect:
        defect = f"it took {seconds:.1f} s"
    return End(code, seconds, defect)


class RoadError(AssertionError):
    """An end that is none."""


def _go(data: bytes, rng: Random, judges: Judges) -> str:
    if rng.random() < SCHEMA_SHARE:
        _inspect(judges.quick.check_file(data, "file"))
    if judges.full and rng.random() < JUDGED_SHARE:
        _inspect(judges.full.check_file(data, "file"))
    try:
        found = intake.read_finished(data)
    except (EInvoiceError, safe_xml.UnsafeXmlError) as refusal:
        return _refused(refusal)
    if found is None:
        return "json"
    document, finished = found
    if not isinstance(document, Document):
        raise RoadError(f"read_finished gave {type(document)}")
    if rng.random() < WRITTEN_SHARE:
        return _write(document, finished, judges)
    return "read"


def _refused(refusal: EInvoiceError | safe_xml.UnsafeXmlError) -> str:
    for sentence in (refusal.sentence, refusal.sentence_fr):
        if not sentence.strip() or len(sentence) > LONGEST_SENTENCE:
            raise RoadError(f"{refusal.code}: a sentence of {len(sentence)} characters: {sentence[:100]!r}")
        sentence.encode()  # half a surrogate could not be sent
    if not refusal.code.partition(".")[2]:
        raise RoadError(f"the code {refusal.code!r} is none")
    return refusal.code


def _write(document: Document, finished: Finished, judges: Judges) -> str:
    """A document that was read can be written, and a valid one is then read as the same."""
    own, other = (write_cii, write_ubl) if finished.syntax == "cii" else (write_ubl, write_cii)
    again = read_xml(safe_xml.parse(own(document))).document
    try:
        read_xml(safe_xml.parse(other(document)))
    except EInvoiceError as refusal:
        _refused(refusal)
    if again == document or not difference(document, again):
        return "read and written"
    judge = judges.full or judges.quick
    if judge.check_invoice(finished.xml).verdict is Verdict.VALID:
        raise RoadError(f"read(write(x)) differs: {_difference(document, again)}")
    return "read, and invalid as it is written otherwise"


def _difference(one: Document, other: Document) -> str:
    slots = [name for name in one.__dataclass_fields__ if getattr(one, name) != getattr(other, name)]
    return "; ".join(f"{name}: {str(getattr(one, name))[:300]} / {str(getattr(other, name))[:300]}" for name in slots)


def _inspect(found: FileReport) -> None:
    """A report has layers and can be kept; every finding has a rule and a message of some length."""
    report = found.report
    if not report.layers:
        raise RoadError("a report without layers")
    for finding in report.findings:
        for message in (finding.message, finding.message_fr or finding.message):
            if not finding.rule or not message.strip() or len(message) > LONGEST_SENTENCE:
                raise RoadError(f"{finding.rule}: a message of {len(message)} characters: {message[:100]!r}")
    report.to_json().encode()
