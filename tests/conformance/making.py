"""The files of the catalogue, made on the product's own road: our JSON, judged, then written in every form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.invoices import TODAY

from einvoice.booking import language_of
from einvoice.composing.build import is_french_b2b, with_number, with_payment_link
from einvoice.formats.facturx import write_facturx
from einvoice.formats.profiles import Level, level_of
from einvoice.intake import ALL_FORMS, judge, prepare_own
from einvoice.rendering import write_xml
from einvoice.validation.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conformance.invoices import Case

    from einvoice.validation.check import Validator

URL = "https://payer.exemple.fr/p/8Jq2vZ0cTn5yWk3RfHs6aB7cD9eF1gH2"


class NotValidError(AssertionError):
    """Our own validator refuses what we wrote: no judge needs to see it."""


@dataclass(frozen=True)
class Made:
    """The files of one case, by form: ``facturx`` is a PDF, ``cii`` and ``ubl`` are XML."""

    case: Case
    files: dict[str, Path]
    level: Level
    french: bool
    """Whether the French rules apply: a sale between two French businesses."""


def make_all(cases: Iterable[Case], folder: Path, validator: Validator) -> tuple[list[Made], dict[str, str]]:
    """The files of ``cases`` below ``folder``, and why a case could not be made, by its name."""
    made, failed = [], {}
    for number, case in enumerate(cases, start=1):
        try:
            made.append(make(case, number, folder, validator))
        except Exception as error:  # noqa: BLE001 -- the table shows every failure, whatever it is
            failed[case.name] = f"{type(error).__name__}: {error}"
    return made, failed


def make(case: Case, number: int, folder: Path, validator: Validator) -> Made:
    """The files of one case.

    Raises:
        EInvoiceError: the product refuses the request.
        NotValidError: the product's own validator refuses a written file.
    """
    request = json.dumps(case.request, default=str).encode()
    document = with_number(prepare_own(request, case.by, validator, TODAY).document, f"F2026-{number:05}")
    stem = f"{number:03}-{''.join(char if char.isalnum() else '-' for char in case.name)}"
    files: dict[str, Path] = {}
    for form in ALL_FORMS:
        xml = write_xml(document, None, form, URL)
        report = judge(xml, document, validator)
        if report.verdict is not Verdict.VALID:
            raise NotValidError(
                f"{form}: {report.verdict} {[(each.rule, each.message[:200]) for each in report.fatal]}"
            )
        path = folder / form / f"{stem}{'.pdf' if form == 'facturx' else '.xml'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "facturx":
            xml = write_facturx(
                with_payment_link(document, URL),
                xml,
                pay_url=None if document.is_credit_note else URL,
                logo_svg=case.logo_svg,
                colour=case.colour,
                language="en" if case.language == "en" else language_of(document),
            )
        path.write_bytes(xml)
        files[form] = path
    return Made(case, files, level_of(document.profile) or Level.EN16931, is_french_b2b(document))
