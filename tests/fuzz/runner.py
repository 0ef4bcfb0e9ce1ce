"""The process that the campaign watches: it makes inputs and sends them down the road, until told to stop.

Before each input it writes its number where the campaign can read it, so that a crash or a hang names its input.
"""

from __future__ import annotations

import json
import mmap
import resource
import sys
import time
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.corpus import gather
from fuzz.road import LONGEST_S, End, Input, Judges, make, travel

from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine

if TYPE_CHECKING:
    from lxml import etree

    from einvoice.validation.verdict import Finding, Layer

REPORT_EVERY = 500
STRETCH_SAMPLE_S = 0.3
HARNESS_FAILED = 70
"""Exit status where no input could be made: a fault of the fuzzer, not of what it tests."""


class SilentEngine:
    """Stands for the Schematron where only XSD and the rules of the house are wanted."""

    def check(self, stylesheet: Path, document: etree._Element, layer: Layer) -> tuple[Finding, ...]:
        del stylesheet, document, layer
        return ()


def travel_fairly(one: Input, judges: Judges) -> End:
    """Where the input ends; one that took too long has a second chance, by the clock of an idle machine."""
    end = travel(one, judges)
    if not end.defect.startswith("it took"):
        return end
    stretch = stretch_of_time()
    end = travel(one, judges)
    late = end.defect.startswith("it took") and end.seconds / max(stretch, stretch_of_time()) > LONGEST_S
    return end if late or not end.defect.startswith("it took") else replace(end, defect="")


def stretch_of_time() -> float:
    """How many seconds pass while this process works for one: 1 on an idle machine."""
    began, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < STRETCH_SAMPLE_S:
        pass
    return max(1.0, (time.monotonic() - began) / STRETCH_SAMPLE_S)


def main(seed: int, start: int, count: int, folder: Path) -> None:
    """Run ``count`` inputs from ``start``; report every few hundred on standard output, one line of JSON each."""
    corpus = gather()
    place = (folder / "now").open("r+b")
    now = mmap.mmap(place.fileno(), 8)
    with SchematronEngine() as engine:
        judges = Judges(Validator(SilentEngine()), Validator(engine))
        print(json.dumps({"ready": len(corpus.xml) + len(corpus.pdf)}), flush=True)
        counts: Counter[str] = Counter()
        slowest: list[tuple[float, int, str]] = []
        defects = []
        began, cpu = time.monotonic(), time.process_time()
        for index in range(start, start + count):
            now[:8] = index.to_bytes(8, "big")
            try:
                one = make(corpus, seed, index)
            except Exception:  # noqa: BLE001 - whatever it is, it is the fuzzer that failed
                traceback.print_exc()
                sys.exit(HARNESS_FAILED)
            end = travel_fairly(one, judges)
            counts[f"{one.kind} {end.code}"] += 1
            slowest = sorted([*slowest, (end.seconds, index, one.done[:200])], reverse=True)[:5]
            if end.defect:
                (folder / "defects" / f"{seed}-{index}.{one.kind}").write_bytes(one.data)
                defects.append({"seed": seed, "index": index, "done": one.done[:300], "defect": end.defect[-3000:]})
            if (index + 1 - start) % REPORT_EVERY == 0 or index + 1 == start + count:
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                spent = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu, "rss_kb": memory}
                print(
                    json.dumps({"next": index + 1, "counts": counts, "slowest": slowest, "defects": defects, **spent}),
                    flush=True,
                )
                counts, slowest, defects = Counter(), [], []
                began, cpu = time.monotonic(), time.process_time()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
