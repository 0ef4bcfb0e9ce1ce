"""``make conformance``: our files before independent judges. Exit 1 on any error, unexplained warning or missed fault.

``--write`` puts the tables into ``docs/conformance.md``; ``--keep FOLDER`` leaves the files there; ``--given-only``
accepts that a judge cannot be had on this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance import tables
from conformance.benches import Bench, Outcome, programs, published_rules, run
from conformance.controls import plant_controls
from conformance.explained import EXPLAINED
from conformance.invoices import all_cases
from conformance.making import make_all
from conformance.thirdparty import Tried, try_all

from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine

OPTIONAL = "is not given on this machine"


def main() -> int:
    """Make, judge, print; the exit status."""
    options = _options()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary, SchematronEngine() as engine:
        folder = Path(options.keep or temporary)
        validator = Validator(engine)
        made, failed = make_all(all_cases(), folder, validator)
        _told(f"{len(made)} invoices made in {time.monotonic() - begun:.0f} s")
        controls = plant_controls(folder / "controls", validator)
        with ThreadPoolExecutor(2) as pool:
            rows = pool.map(lambda row: [run(bench) for bench in row], programs(made, controls))
            by_rules = [run(each) if isinstance(each, Bench) else each
                        for each in published_rules(made, controls, engine, folder)]  # fmt: skip
            outcomes = [*(outcome for row in rows for outcome in row), *by_rules]
        tried = try_all(validator)
    parts = {
        "catalogue": tables.catalogue_table(),
        "judges": tables.judges_table(outcomes),
        "warnings": tables.warnings_table(outcomes),
        "third parties": tables.thirdparty_table(tried),
    }
    for name, text in parts.items():
        print(f"{name}\n\n{text}")
        if options.write:
            tables.write(name, text)
    wrong = [*(f"not made: {name}: {why}" for name, why in failed.items()), *_wrong(outcomes, options.given_only)]
    wrong += _wrong_tried(tried)
    for each in wrong:
        print(f"WRONG {each}")
    print(f"{len(made)} invoices, {len(outcomes)} judges, {len(wrong)} wrong, {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


def _wrong(outcomes: list[Outcome], given_only: bool) -> list[str]:  # noqa: FBT001 -- from the command line
    found = []
    for each in outcomes:
        if each.reason:
            if not given_only and OPTIONAL not in each.reason:
                found.append(f"{each.name} did not run: {each.reason}")
            continue
        found += [f"{each.name}: {one.path.name}: {', '.join(one.errors[:5])}" for one in each.judged if one.errors]
        unknown = {name for one in each.judged for name in one.warnings} - set(EXPLAINED)
        found += [f"{each.name}: warning not explained: {name}" for name in sorted(unknown)]
        if not each.control_found:
            found.append(f"{each.name}: the planted fault was not found")
    return found


def _wrong_tried(tried: list[Tried]) -> list[str]:
    return [f"{each.name}: {name}" for each in tried for name in each.wrong]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--given-only", action="store_true")
    return parser.parse_args()


def _told(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
