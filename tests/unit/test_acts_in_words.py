"""The audit trail speaks: every act that the source writes has its sentence in French and English."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from portal.telling.act_words.details import KEYS, UNSAID, VALUES
from portal.telling.act_words.money import BOOKED
from portal.telling.acts import (
    AREAS,
    PAGES,
    PAGES_OF_ACTS,
    SENTENCES,
    acts_saying,
    page_of,
    tell_act,
    tell_area,
)
from portal.telling.details import name_of as detail_name
from portal.telling.details import tell_details
from portal.words import speaking
from receivables.domain.accounting.fec import WORDS
from receivables.domain.collecting.plans import PlanState
from receivables.domain.collecting.promises import PromiseState
from receivables.domain.conversations.disputes import EventKind
from receivables.domain.settlement.lettering import WAIVED
from receivables.store.audit_trail import AuditRow

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
ENDINGS: dict[str, tuple[str, ...]] = {
    "account_request.{}": ("approved", "refused"),
    "books.{}": ("closed", "reopened"),
    "claim.{}": ("given_up", "corrected"),
    "company_change.{}": ("taken", "refused"),
    "derogation.{}": ("agreed", "refused", "ended"),
    "dispute.{}": tuple(EventKind),
    "invitation.{}": ("accepted", "withdrawn"),
    "mail_sender.{}": ("lost", "proven"),
    "mandate.{}": ("drafted", "taken_over"),
    "person.{}": ("removed", "rights"),
    "plan.{}": tuple(PlanState),
    "promise.{}": tuple(PromiseState),
    "webhook.{}": ("active", "disabled", "removed"),
    "write_off.{}": ("agreed", "refused"),
    "{}.booked": tuple(WORDS),
    "{}.decided": (*WAIVED, "waived_back"),
    "{}.file_made": ("debits", "transfers"),
    "{}.file_sent": ("debits", "transfers"),
    "{}.invoiced": ("order", "delivery"),
    "{}.told": ("order", "delivery"),
}
"""What stands in the open place of an act that the source puts together."""


HARD = (
    "invoice.issued",  # in plain
    "evidence.made",  # by a name
    "person.signed_in",  # through a function that hands it on
    "person.session_ended",  # through two of them
    "bank_account.withdrawn",  # by a choice
    "message.received",  # by a choice between names
    "opening.booked",  # in rows that are written as a set
    "{}.booked",  # put together
)


_CONSTANTS = re.compile(r"^([A-Z][A-Z0-9_, ]*) = (\"[a-z_.]+\"(?:, \"[a-z_.]+\")*)$", re.MULTILINE)


@cache
def texts() -> dict[Path, str]:
    packages = ("receivables", "einvoice", "payments", "portal")
    return {path: path.read_text("utf-8") for name in packages for path in sorted((ROOT / name).rglob("*.py"))}


@cache
def trees() -> dict[Path, ast.Module]:
    """The modules that may write an act."""
    return {path: ast.parse(text) for path, text in texts().items() if "audit" in text or "note_act" in text}


@cache
def constants() -> dict[str, set[str]]:
    """Texts that modules give a name, by name: an import keeps the name."""
    found: dict[str, set[str]] = {}
    for text in texts().values():
        for names, values in _CONSTANTS.findall(text):
            for name, value in zip(names.split(", "), values.split(", "), strict=False):
                found.setdefault(name, set()).add(value.strip('"'))
    return found


def said(node: ast.expr, function: ast.AST, named: dict[str, set[str]]) -> set[str]:
    """The acts that an expression may be: ``{}`` stands for a part that only running tells."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp():
            return said(node.body, function, named) | said(node.orelse, function, named)
        case ast.JoinedStr():
            found = {""}
            for part in node.values:
                pieces = {part.value} if isinstance(part, ast.Constant) else {"{}"}
                found = {before + str(piece) for before in found for piece in pieces}
            return found
        case ast.Name():
            local = [  # a name of the function's own
                said(value, function, named)
                for each in ast.walk(function)
                if isinstance(each, ast.Assign)
                for target, value in _pairs(each)
                if isinstance(target, ast.Name) and target.id == node.id
            ]
            return set().union(*local) if local else named.get(node.id, set())
    return set()


def _pairs(assign: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    for target in assign.targets:
        if isinstance(target, ast.Tuple) and isinstance(assign.value, ast.Tuple):
            yield from zip(target.elts, assign.value.elts, strict=True)
        elif isinstance(target, ast.Tuple) and isinstance(assign.value, ast.IfExp):
            for branch in (assign.value.body, assign.value.orelse):
                if isinstance(branch, ast.Tuple):
                    yield from zip(target.elts, branch.elts, strict=True)
        else:
            yield target, assign.value


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@dataclass(frozen=True)
class Place:
    """A function with what of it may write an act."""

    where: str
    function: ast.FunctionDef
    calls: tuple[ast.Call, ...]

    @property
    def parameters(self) -> list[str]:
        return [each.arg for each in self.function.args.args]


@cache
def places() -> tuple[Place, ...]:
    found = []
    for path, tree in trees().items():
        for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
            if function.name != "audit":
                calls = tuple(each for each in ast.walk(function) if isinstance(each, ast.Call) and len(each.args) < 9)
                found.append(Place(str(path.relative_to(ROOT)), function, calls))
    return tuple(found)


@cache
def written() -> dict[str, str]:
    """Every act of the source, and the place where it is written.

    A function that hands its own parameter on as the act is asked for at its calls: in its own module where its name
    begins with an underscore, everywhere else.
    """
    named, found = constants(), rows_written() | named_in_calls()
    passing = {("", "audit"): 1}
    while True:
        size = len(passing)
        for place in places():
            for call in place.calls:
                name = name_of(call)
                which = passing.get((place.where if name.startswith("_") else "", name))
                if which is None or len(call.args) <= which:
                    continue
                given = call.args[which]
                acts = said(given, place.function, named)
                found |= {act: f"{place.where}:{call.lineno}" for act in acts if "." in act}
                if not acts and isinstance(given, ast.Name) and given.id in place.parameters:
                    own = place.where if place.function.name.startswith("_") else ""
                    passing[own, place.function.name] = place.parameters.index(given.id)
        if size == len(passing):
            return found


def rows_written() -> dict[str, str]:
    """Acts of rows that are written as a set."""
    named = constants()
    return {
        act: place.where
        for place in places()
        for row in ast.walk(place.function)
        if isinstance(row, ast.Dict) and _has(row, "actor")
        for key, value in zip(row.keys, row.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "act"
        for act in said(value, place.function, named)
    }


def named_in_calls() -> dict[str, str]:
    """Acts that a call hands on by the name of the argument."""
    named = constants()
    return {
        act: f"{place.where}:{call.lineno}"
        for place in places()
        for call in place.calls
        for keyword in call.keywords
        if keyword.arg == "act"
        for act in said(keyword.value, place.function, named)
        if "." in act
    }


def _has(row: ast.Dict, name: str) -> bool:
    return any(isinstance(key, ast.Constant) and key.value == name for key in row.keys)


def test_every_act_that_the_source_writes_has_its_sentence() -> None:
    unknown: dict[str, str] = {}
    for act, where in written().items():
        acts = [act.replace("{}", each) for each in ENDINGS[act]] if act in ENDINGS else [act]
        unknown |= {each: where for each in acts if each not in SENTENCES}
    assert unknown == {}, "give these acts their words in portal/telling/act_words"


def test_the_reader_of_the_source_finds_acts_however_they_are_written() -> None:
    found = written()
    for act in HARD:
        assert act in found, act
    assert len(found) > 200


def test_no_sentence_is_left_over() -> None:
    known = {each.replace("{}", end) for each in written() for end in ENDINGS.get(each, ("",))}
    assert set(SENTENCES) - known == set()


def test_both_languages_are_said_and_differ() -> None:
    for act, (french, english) in {**SENTENCES, **AREAS, **BOOKED}.items():
        assert french.strip() == french != "", act
        assert english.strip() == english != "", act
        assert "." not in french + english or act.startswith("dispute.status"), act
    with speaking("en"):
        assert (tell_act("invoice.issued"), tell_area("dispute")) == ("Invoice issued", "Disputes")
        assert "invoice.issued" in acts_saying("issued")
    assert (tell_act("invoice.issued"), tell_area("dispute")) == ("Facture émise", "Litiges")
    assert tell_act("of.tomorrow") == "of.tomorrow", "an unknown act is told by its code, never left out"
    assert tell_area("vat_number") == "Numéro de TVA vérifié"
    assert acts_saying("") == ()


def test_an_object_leads_to_its_page_and_a_stranger_text_nowhere() -> None:
    def row(act: str, thing: str) -> AuditRow:
        return AuditRow(1, "system", act, thing, {}, None)  # type: ignore[arg-type]

    some = "018f2b6e-0000-7000-8000-000000000001"
    assert page_of(row("invoice.issued", some)) == f"/s/invoices/{some}"
    assert page_of(row("evidence.made", some)) == f"/s/invoices/{some}"
    assert page_of(row("invoice.issued", "../people")) is None
    assert page_of(row("platform.closed", some)) is None
    assert set(PAGES_OF_ACTS) <= set(SENTENCES)
    assert all(any(act.startswith(f"{area}.") for act in SENTENCES) for area in PAGES)


def noted() -> dict[str, str]:
    """Every detail that a call of ``audit`` names, and where."""
    return {
        keyword.arg: f"{place.where}:{call.lineno}"
        for place in places()
        for call in place.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "audit"
        for keyword in call.keywords
        if keyword.arg
    }


def test_every_detail_that_an_act_notes_has_its_name() -> None:
    found = noted()
    assert len(found) > 100
    unknown = {key: where for key, where in found.items() if key not in KEYS and key not in UNSAID}
    assert unknown == {}, "give these details their names in portal/telling/act_words/details.py"
    for names in (*KEYS.values(), *VALUES.values()):
        assert all(each.strip() == each != "" for each in names), names


def test_details_are_read_as_words_amounts_and_days_and_ids_are_left_out() -> None:
    some = "018f2b6e-0000-7000-8000-000000000001"
    details = {
        "amount_minor": 123456,
        "currency": "CHF",
        "due_on": "2026-12-01",
        "since": "2026-11-23T00:00:00+01:00",
        "is_open": True,
        "method": "sepa_debit",
        "customers": [some],
        "beyond": ["amount", "length"],
        "role": "",
        "by": some[::-1],
        "sha256": "ab" * 32,
        "number": "2026-0001",
        "reference": f"hand:cheque:{some}:0481516",
        "payment": f"line:{some}",
        "kinds": ["payment.received"],
        "of_tomorrow": {"as": "csv"},
    }
    told = tell_details(details, {f"person {some[::-1]}": "Camille"})
    assert [each.replace("\u202f", " ").replace("\u00a0", " ") for each in told] == [
        "Montant : 1 234,56 CHF",
        "Pour le : 1er décembre 2026",
        "Depuis : 23 nov. 2026, 00:00",
        "Ouverte : oui",
        "Moyen : prélèvement SEPA",
        "Dépasse la règle sur : le montant, la durée",
        "Par : Camille",
        "Empreinte : abababababab…",
        "Numéro : 2026-0001",
        "Référence : 0481516",
        "Événements choisis : De l'argent est arrivé d'un client",
        "of_tomorrow : as csv",
    ]
    with speaking("en"):
        assert tell_details({"is_open": False}, {}) == ["Open: no"]
        assert tell_details({"number": "2026-11-05"}, {}) == ["Number: 2026-11-05"], "a number that looks like a day"
        assert detail_name("due_on") == "Due on"
