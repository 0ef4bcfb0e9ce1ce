"""Every refusal of the core that has a code says its sentence in French too: pages show it to French readers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import receivables

CODE = re.compile(r"[a-z_]+\.[a-z_]+")
ENGLISH_ARGUMENTS = 2


def english_only(source: str) -> list[tuple[int, str]]:
    """Line and code of each refusal without a French sentence."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("Error") or not call.args:
            continue
        first = call.args[0]
        code = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        told = len(call.args) + len(call.keywords)
        if CODE.fullmatch(code) and told <= ENGLISH_ARGUMENTS:
            found.append((call.lineno, code))
    return found


def test_every_refusal_of_the_core_speaks_french() -> None:
    modules = sorted(Path(receivables.__path__[0]).rglob("*.py"))
    missing = {module.name: found for module in modules if (found := english_only(module.read_text()))}
    assert missing == {}


def test_a_planted_refusal_in_english_alone_is_found() -> None:
    assert english_only('raise NotFoundError("invoice.not_found", "No such invoice.")') == [(1, "invoice.not_found")]
    assert english_only('raise NotFoundError("invoice.not_found", "None.", "Aucune.")') == []
