"""Names of operations: what a generated client calls them, made of method and path, so that they never surprise."""

from __future__ import annotations

ROOT = "/api/v1/"
_BULK = "bulk"


def operation_id(method: str, path: str) -> str:
    """``get`` and ``/api/v1/orders/{reference}`` is ``get_order``; a last word that is no list is what is done there.

    Lists are ``list_``, what is added to one ``create_``, what stands alone ``get_`` or ``update_``; a word behind a
    place is a part of what stands before it (``get_customer_exposure``), or an act on it (``close_order``).
    """
    parts = path.removeprefix(ROOT).split("/")
    words = [part.replace("-", "_") for part in parts if not part.startswith("{")]
    last = words[-1]
    before = [_one(word) for word in words[:-1]]
    if parts[-1].startswith("{"):
        act = "update" if method == "PATCH" else "get"
        return "_".join((act, *before, _one(last)))
    if words[0] == _BULK:
        return "_".join(("start", *words))
    if last.endswith("s"):
        return "_".join(("list", *before, last) if method == "GET" else ("create", *before, _one(last)))
    return "_".join(("get", *before, last) if method == "GET" else (last, *before))


def _one(word: str) -> str:
    """One of what a word names many of."""
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
