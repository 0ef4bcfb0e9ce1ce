"""Who judges what: every judge with the files that are its business, and its planted fault."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import tools
from conformance.explained import WITHDRAWN
from conformance.judges import Judge, Judged, Mustang, Rules, VeraPdf, unpacked
from shared_material import FOLDER

from einvoice.formats.profiles import Level
from einvoice.validation.rule_sets import RulesError, RuleSets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conformance.controls import Control
    from conformance.making import Made

    from einvoice.validation.schematron import SchematronEngine


@dataclass(frozen=True)
class Bench:
    """A judge, the files that it judges, and the fault that it must find."""

    judge: Judge
    paths: tuple[Path, ...]
    control: Control


@dataclass(frozen=True)
class Outcome:
    """How a bench ended: an answer per file, whether it found its fault; or why it did not run."""

    name: str
    judged: tuple[Judged, ...] = ()
    control_found: bool = False
    reason: str = ""


def run(bench: Bench) -> Outcome:
    """Judge the files of a bench and its planted fault in one go."""
    try:
        *answers, wrong = bench.judge.judge([*bench.paths, bench.control.path])
    except (tools.ToolMissingError, RulesError) as error:
        return Outcome(bench.judge.name, reason=str(error))
    found = any(error.startswith(bench.control.error) for error in wrong.errors)
    print(f"  {bench.judge.name}: {len(answers)} files", file=sys.stderr, flush=True)
    return Outcome(bench.judge.name, tuple(_told(bench.judge.name, each) for each in answers), found)


def _told(judge: str, answer: Judged) -> Judged:
    """The answer with withdrawn rules among the warnings."""
    withdrawn = tuple(rule for rule in answer.errors if (judge, rule) in WITHDRAWN)
    errors = tuple(rule for rule in answer.errors if rule not in withdrawn)
    return Judged(answer.path, errors, (*answer.warnings, *withdrawn))


def programs(made: Sequence[Made], controls: dict[str, Control]) -> list[list[Bench]]:
    """The Java judges, in two rows that may run beside each other."""
    pdfs = tuple(each.files["facturx"] for each in made)
    flavours = [Bench(VeraPdf(flavour), pdfs, controls["PDF/A"]) for flavour in ("3a", "3b")]
    return [
        [*flavours, Bench(VeraPdf("ua1"), pdfs, controls["PDF/UA"])],
        [Bench(Mustang(), pdfs, controls["Mustang"])],
    ]


def published_rules(
    made: Sequence[Made], controls: dict[str, Control], engine: SchematronEngine, folder: Path
) -> list[Bench | Outcome]:
    """Rules from Maven Central, and from FNFE where its sets are given; an outcome says that one cannot be had."""
    plain = [each for each in made if each.level is not Level.EXTENDED]
    extended = [each for each in made if each.level is Level.EXTENDED]
    french = [each for each in made if each.french]
    benches: list[Bench | Outcome] = []

    def add(title: str, source: Callable[[], Path], rule: str, files: Sequence[Made], control: str) -> None:
        form = "ubl" if "UBL" in rule else "cii"
        name = f"{rule}, {title}"
        try:
            place = source()
        except tools.ToolMissingError as error:
            benches.append(Outcome(name, reason=str(error)))
            return
        rules = Rules(name, rule, place, RuleSets(folder / "sets" / place.name), engine)
        benches.append(Bench(rules, tuple(each.files[form] for each in files), controls[control]))

    for form in ("CII", "UBL"):
        add("EU project 1.3.16 (Maven Central)", lambda: _central(tools.PHIVE_EN16931, "1.3.16/", "eu-1.3.16", folder),
            f"EN 16931 {form}", plain, f"EN 16931 {form}")  # fmt: skip
        add("phive 1.3.0 (Maven Central)", lambda: _central(tools.PHIVE_FRANCE, "ctc/1.3.0/", "phive-1.3.0", folder),
            f"BR-FR Flux 2 {form}", french, f"BR-FR Flux 2 {form}")  # fmt: skip
        add("FNFE 1.4.0.03", lambda: _given("fnfe-france-rfe-1.4.0.03"), f"BR-FR Flux 2 {form}", french,
            f"BR-FR Flux 2 {form}")  # fmt: skip
        add("FNFE 1.4.0.02", lambda: _given("fnfe-france-rfe"), f"EN 16931 {form}", plain, f"EN 16931 {form}")
        add("FNFE 1.4.0.02", lambda: _given("fnfe-france-rfe"), f"EXTENDED-CTC-FR {form}", extended,
            f"EXTENDED-CTC-FR {form}")  # fmt: skip
    return benches


def _central(coordinates: str, part: str, name: str, folder: Path) -> Path:
    return unpacked(coordinates, f"external/schematron/{part}", name, folder / "unpacked")


def _given(name: str) -> Path:
    path = FOLDER / "standards" / name
    if not path.is_dir():
        raise tools.ToolMissingError(f"The set {name} is not given on this machine.")
    return path
