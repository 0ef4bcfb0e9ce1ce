"""The quick part of the suite at hours and on days at which something changes: ``make hours``.

PYTHONPATH=tests python -m hours [NAME ...] [-- arguments of pytest]

The clock of the tests, of PostgreSQL and of every process they start is moved by libfaketime (Debian's package
``faketime``); the monotonic clock is not, so that nobody waits for ever. Times of files stay those of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LIBRARIES = tuple(
    Path(folder) / "faketime/libfaketimeMT.so.1"
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib", "/usr/lib")
)
INSTANTS = {
    "before-midnight": datetime(2027, 1, 13, 22, 30, tzinfo=UTC),
    "after-midnight": datetime(2027, 3, 10, 23, 20, tzinfo=UTC),
    "end-of-february": datetime(2027, 2, 28, 9, 0, tzinfo=UTC),
    "summer-time": datetime(2027, 3, 28, 0, 55, tzinfo=UTC),
    "small-companies": datetime(2027, 9, 2, 8, 0, tzinfo=UTC),
    "winter-time": datetime(2027, 10, 31, 0, 55, tzinfo=UTC),
    "end-of-year": datetime(2027, 12, 31, 10, 0, tzinfo=UTC),
    "new-year-in-paris": datetime(2027, 12, 31, 23, 20, tzinfo=UTC),
    "leap-day": datetime(2028, 2, 29, 22, 50, tzinfo=UTC),
    "years-later": datetime(2028, 6, 15, 12, 0, tzinfo=UTC),
}
"""Half past eleven at night and twenty past midnight in Paris, where UTC is still in the day before; last days of
months and years; the nights in which the clocks change; the day after small companies have to send (1 September 2027);
and a day that the texts of this version do not know."""
LONG = (
    "chaos",
    "conformance",
    "fuzz",
    "integration/test_books_machine.py",
    "integration/test_container.py",
    "integration/test_declared_histories.py",
    "integration/test_dunning_invariant.py",
    "integration/test_histories.py",
    "integration/test_plan_histories.py",
    "integration/test_sandbox_schemathesis.py",
    "integration/test_stripe_planted.py",
    "web/test_api_contract.py",
)
"""Proofs of many examples or processes, none of which is about the day."""
OF_FILES = (
    "unit/test_archive.py::test_a_crash_between_writing_and_naming_is_found_and_harms_nothing",
    "integration/test_archive_verify.py::test_what_the_archive_has_and_no_row_says_is_found_once_it_should_have_one",
)
"""Tests that compare the time of a file, which is the machine's own, with the clock."""


def find_library() -> Path:
    """The library that moves the clock."""
    for each in LIBRARIES:
        if each.exists():
            return each
    sys.exit("libfaketime is not installed: apt-get install faketime")


def browser_tests() -> list[str]:
    """Test files that drive a browser, which does not live under a false clock."""
    return [
        str(each.relative_to(TESTS))
        for each in sorted((TESTS / "web").glob("test_*.py"))
        if "playwright" in each.read_text(encoding="utf-8") or each.stem.startswith("test_pages_of")
    ]


def environment(instant: datetime, library: Path) -> dict[str, str]:
    """Every process begins with the same difference: a fixed instant would begin anew in each of them."""
    ahead_s = round(instant.timestamp() - time.time())
    return {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{ahead_s:+d}s",
        "FAKETIME_DISABLE_SHM": "1",  # PostgreSQL is another user, and may not open it
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": os.pathsep.join((str(TESTS / "hours/clock"), str(TESTS.parent))),
    }


def run(name: str, more: list[str], library: Path) -> bool:
    """Whether the tests pass at the instant of this name."""
    print(f"{name}: {INSTANTS[name]:%Y-%m-%d %H:%M} UTC", flush=True)
    left_out = [f"--ignore={TESTS / each}" for each in (*LONG, *browser_tests())]
    left_out += [f"--deselect=tests/{each}" for each in OF_FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-n", "2", "--dist", "loadfile"]
    command += ["--no-loadscope-reorder", "-p", "no:cacheprovider", *left_out, *more]
    ended = subprocess.run(command, cwd=TESTS.parent, env=environment(INSTANTS[name], library), check=False)
    return ended.returncode == 0


def main(arguments: list[str]) -> int:
    """Run the named instants, or all; 1 where a test fails at any of them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    names, more = arguments[:end] or list(INSTANTS), arguments[end + 1 :]
    library = find_library()
    failed = [name for name in names if not run(name, more, library)]
    print("passed at every instant" if not failed else f"failed at {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
