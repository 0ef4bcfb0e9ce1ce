"""Drivers of agencies and insurers: TOML files that say where in an answer or a file each fact stands.

What a driver does not know is simply not there: an agency without ``[http]`` is read from files. ``verified`` and
``unverified`` say in plain words what was checked against the other side's own documents, and what was not.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENCY, INSURER = "agency", "insurer"
PLACES = {AGENCY: "portal.agencies", INSURER: "portal.insurers"}
"""The package beside whose code the drivers of each purpose lie."""


class BureauError(ReceivablesError):
    """An agency or insurer cannot be asked, or said something that we do not understand."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: method, path with places in braces, the places of its JSON body, and whether it changes something."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Web:
    """How to call: ``auth`` is ``bearer``, ``token`` (the bare token), ``basic`` or ``header NAME``.

    ``login`` gets a token at ``token`` of its answer; without it the key is the token. ``find`` turns a SIREN into the
    other side's own id.
    """

    live_url: str
    test_url: str
    auth: str
    login: Call | None
    login_token: str
    find: Call | None
    find_id: str
    calls: Mapping[str, Call]


@dataclass(frozen=True, slots=True)
class Driver:
    """One agency or insurer: names, where its facts stand, how it is called, which columns its files have.

    What was checked and what was not is told in English and in French.
    """

    name: str
    title: str
    purpose: str
    verified: str
    unverified: str
    verified_fr: str
    unverified_fr: str
    scale: int
    day_format: str
    fields: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    rows: str
    web: Web | None
    delimiter: str
    columns: Mapping[str, str]


@cache
def drivers(purpose: str) -> dict[str, Driver]:
    """The drivers that come with the house, by name."""
    folder = resources.files(PLACES[purpose]) / "drivers"
    found = [
        _driver(each.name.removesuffix(".toml"), purpose, tomllib.loads(each.read_text(encoding="utf-8")))
        for each in folder.iterdir()
        if each.name.endswith(".toml")
    ]
    return {each.name: each for each in sorted(found, key=lambda driver: driver.title)}


def driver_named(purpose: str, name: str) -> Driver:
    """One driver.

    Raises:
        BureauError: ``bureau.unknown_driver``.
    """
    known = drivers(purpose)
    if name not in known:
        raise BureauError(
            "bureau.unknown_driver",
            f"There is no driver {name}; known are {', '.join(known)}.",
            f"Il n'y a pas de connecteur {name} ; il y a : {', '.join(known)}.",
        )
    return known[name]


def _driver(name: str, purpose: str, told: dict[str, Any]) -> Driver:
    file, web = told.get("file", {}), told.get("http")
    return Driver(
        name=name,
        title=told["title"],
        purpose=purpose,
        verified=told["verified"],
        unverified=told["unverified"],
        verified_fr=told["verified_fr"],
        unverified_fr=told["unverified_fr"],
        scale=told.get("scale", 100),
        day_format=told.get("day_format", "%Y-%m-%d"),
        fields=told.get("fields", {}),
        words=told.get("words", {}),
        rows=told.get("rows", ""),
        web=_web(web) if web else None,
        delimiter=file.get("delimiter", ";"),
        columns=file.get("columns", {}),
    )


def _web(told: dict[str, Any]) -> Web:
    login, find = told.get("login"), told.get("find")
    return Web(
        live_url=told.get("live_url", ""),
        test_url=told.get("test_url", ""),
        auth=told.get("auth", "bearer"),
        login=_call(login) if login else None,
        login_token=login["token"] if login else "",
        find=_call(find) if find else None,
        find_id=find["id"] if find else "",
        calls={name: _call(call) for name, call in told.get("calls", {}).items()},
    )


def _call(told: dict[str, Any]) -> Call:
    method, path = told["call"].split(" ", 1)
    return Call(method, path, told.get("body", {}))
