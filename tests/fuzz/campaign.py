"""The fuzz target: inputs by the hundred thousand, counted over its life; 0 crashes, 0 hangs, every refusal with words.

    PYTHONPATH=tests N=1000000 SEED=1 python -m fuzz.campaign

It goes on where the last run stopped until ``N`` inputs of this seed were made. The sums, the slowest inputs and the
defects (with their bytes) are kept in ``.var/fuzz``. Open defects are tried again first, and settled where they are
gone; the table is printed at the end, and the exit status is 1 where a defect is open.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fuzz.road import Input, Judges
from fuzz.runner import HARNESS_FAILED, SilentEngine, travel_fairly

from einvoice.validation.check import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("FUZZ_FOLDER", ROOT / ".var" / "fuzz"))
N = int(os.environ.get("N", "1000000"))
SEED = int(os.environ.get("SEED", "1"))
STUCK_S = 60.0
"""Without a new input for so long, the runner is taken for hung: killed, its input kept, and the next one begun."""
START_S = 120.0
RUNNER = (sys.executable, "-m", "fuzz.runner")
MOST_KEPT = 200
SLOWEST = 20


@dataclass
class Life:
    """What all runs together have seen."""

    next_of_seed: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    builds: dict[str, int] = field(default_factory=dict)
    slowest: list[list[Any]] = field(default_factory=list)
    defects: list[dict[str, Any]] = field(default_factory=list)
    wall_s: float = 0
    cpu_s: float = 0
    highest_rss_kb: int = 0

    @property
    def inputs(self) -> int:
        return sum(self.counts.values())

    def add(self, seed: int, build: str, report: dict[str, Any]) -> None:
        """Count one report of the runner."""
        self.next_of_seed[str(seed)] = report["next"]
        self.counts = dict(Counter(self.counts) + Counter(report["counts"]))
        self.builds[build] = self.builds.get(build, 0) + sum(report["counts"].values())
        self.slowest = sorted([*self.slowest, *map(list, report["slowest"])], reverse=True)[:SLOWEST]
        self.defects = [*self.defects, *({**each, "build": build} for each in report["defects"])][:MOST_KEPT]
        self.wall_s += report["wall_s"]
        self.cpu_s += report["cpu_s"]
        self.highest_rss_kb = max(self.highest_rss_kb, report["rss_kb"])


def load(folder: Path = FOLDER) -> Life:
    """The life so far."""
    path = folder / "life.json"
    return Life(**json.loads(path.read_text())) if path.exists() else Life()


def save(life: Life, folder: Path = FOLDER) -> None:
    path = folder / "life.json"
    path.with_suffix(".new").write_text(json.dumps(asdict(life), indent=1))
    path.with_suffix(".new").replace(path)


def build_of(root: Path = ROOT) -> str:
    """A short name for the code that is fuzzed and the code that fuzzes: it changes with every byte of them."""
    digest = sha256()
    folders = (root / "einvoice", root / "tests" / "fuzz")
    for path in sorted([root / "config" / "safe_xml.py", *(each for one in folders for each in one.rglob("*.py"))]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Watch:
    """One runner and the way to see what it does."""

    def __init__(self, seed: int, start: int, count: int, folder: Path, runner: Sequence[str]) -> None:
        (folder / "defects").mkdir(parents=True, exist_ok=True)
        self._now = folder / "now"
        self._now.write_bytes(start.to_bytes(8, "big"))
        command = [*runner, str(seed), str(start), str(count), str(folder)]
        self._log = (folder / "runner.log").open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, bufsize=0)
        assert self.process.stdout is not None
        self._answers: IO[bytes] = self.process.stdout

    @property
    def index(self) -> int:
        """The number of the input that it is at."""
        return int.from_bytes(self._now.read_bytes()[:8], "big")

    def next_report(self, longest_s: float) -> dict[str, Any] | None:
        """Its next line; ``None`` where it ended. A runner stuck at one input is killed first.

        Raises:
            TimeoutError: it was killed.
        """
        at, since = self.index, time.monotonic()
        while not select.select([self._answers], [], [], 1.0)[0]:
            if self.index != at:
                at, since = self.index, time.monotonic()
            elif time.monotonic() - since > longest_s:
                self.process.kill()
                self.process.wait()
                raise TimeoutError
        line = self._answers.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def end(self) -> int:
        """Its exit status."""
        status = self.process.wait()
        self._answers.close()
        self._log.close()
        return status


def run(life: Life, seed: int, until: int, folder: Path = FOLDER, runner: Sequence[str] = RUNNER) -> None:
    """Make the inputs of ``seed`` up to number ``until``, over as many runners as it takes."""
    build = build_of()
    while (start := life.next_of_seed.get(str(seed), 0)) < until:
        watch = Watch(seed, start, until - start, folder, runner)
        try:
            if watch.next_report(START_S) is None:
                watch.end()
                raise RuntimeError(f"the runner did not start, see {folder}/runner.log")
            while report := watch.next_report(STUCK_S):
                life.add(seed, build, report)
                save(life, folder)
            status = watch.end()
            if status == HARNESS_FAILED:
                raise RuntimeError(f"the fuzzer itself failed at input {watch.index}, see {folder}/runner.log")
            what = f"crash: the process ended with {status}"
        except TimeoutError:
            what = "hang"
            watch.end()
        if life.next_of_seed.get(str(seed), 0) < until:
            _note_death(life, seed, watch.index, what, build)
            save(life, folder)


def _note_death(life: Life, seed: int, index: int, what: str, build: str) -> None:
    """The input that killed the runner is a defect, and the next runner begins behind it."""
    life.defects.append({"seed": seed, "index": index, "done": "", "defect": what, "build": build})
    life.counts[f"? defect.{what.partition(':')[0]}"] = life.counts.get(f"? defect.{what.partition(':')[0]}", 0) + 1
    life.next_of_seed[str(seed)] = index + 1


def recheck(life: Life, folder: Path = FOLDER) -> None:
    """Send the kept inputs of open defects down the road again; what now ends as it should is settled by this build."""
    judges = Judges(Validator(SilentEngine()))
    for defect in life.defects:
        for path in (folder / "defects").glob(f"{defect['seed']}-{defect['index']}.*"):
            one = Input(defect["seed"], defect["index"], path.suffix[1:], "recheck", path.read_bytes())
            if not defect.get("settled") and not travel_fairly(one, judges).defect:
                defect["settled"] = build_of()


def summary(life: Life, build: str) -> str:
    """What is to be said of the life, and of the present build."""
    kinds = Counter[str]()
    for name, count in life.counts.items():
        kinds[name.partition(" ")[0]] += count
    deaths = sum(count for name, count in life.counts.items() if name.startswith("?"))
    still = [each for each in life.defects if not each.get("settled")]
    lines = [
        (
            f"{life.inputs} inputs ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}) by"
            f" {len(life.builds)} builds, {life.builds.get(build, 0)} by the present one;"
            f" {life.wall_s:.0f} s, {1000 * life.wall_s / max(1, life.inputs):.2f} ms each;"
            f" highest memory {life.highest_rss_kb // 1024} MiB"
        ),
        (
            f"crashes and hangs of the parent: {deaths}; defects over the life: {len(life.defects)}, still open:"
            f" {len(still)}"
        ),
        *(f"{count:9d}  {name}" for name, count in sorted(life.counts.items(), key=lambda each: -each[1])),
        "slowest:",
        *(f"{seconds:8.2f} s  input {index}: {done[:100]}" for seconds, index, done in life.slowest[:5]),
        *(f"DEFECT seed {e['seed']} input {e['index']} ({e['done'][:80]}): {e['defect'][-400:]}" for e in still[:10]),
    ]
    return "\n".join(lines)


def main() -> int:
    """Run on to ``N`` inputs of ``SEED``, then say what was seen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    life, build = load(), build_of()
    try:
        recheck(life)
        save(life)
        run(life, SEED, N)
    except KeyboardInterrupt:
        save(life)
    print(summary(life, build))
    (FOLDER / "summary.txt").write_text(summary(life, build) + "\n")
    return 1 if any(not each.get("settled") for each in life.defects) else 0


if __name__ == "__main__":
    sys.exit(main())
