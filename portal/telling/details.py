"""The details of an act as a person reads them; files and the API keep them as they were noted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from portal.fields import id_in
from portal.telling.act_words.details import KEYS, UNSAID, VALUES
from portal.webhooks.words import event_name
from portal.words import day, fitted, gettext, language, moment, money, note_text
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

PERSON = "person "
YES, NO = note_text("oui"), note_text("non")
HOME = "EUR"
AS_WRITTEN = frozenset({"filename", "label", "name", "number", "reference"})
"""Words that people chose: a number like 2026-11-05 is no day."""
MINOR = "minor"
HASH_DIGITS, SHOWN_DIGITS = 64, 12


def tell_details(details: Mapping[str, Any], named: Mapping[str, str]) -> list[str]:
    """Each detail with its name, people by theirs; ids, and what is empty, are left out."""
    currency = details.get("currency")
    found = []
    for key, value in details.items():
        told = _told(key, value, named, currency if isinstance(currency, str) else HOME)
        if told and key not in UNSAID:
            found.append(gettext("%(name)s : %(value)s") % {"name": name_of(key), "value": told})
    return found


def name_of(key: str) -> str:
    """What people call a detail; one that nobody has words for yet goes by its key."""
    return KEYS[key][language() != "fr"] if key in KEYS else key


def _told(key: str, value: Any, named: Mapping[str, str], currency: str) -> str:
    match value:
        case bool():
            return gettext(YES if value else NO)
        case dict():
            return ", ".join(f"{name} {told}" for name, each in value.items() if (told := _plain(each, named)))
        case None | "" | []:
            return ""
        case int() if key == MINOR or key.endswith(f"_{MINOR}"):
            return money(value, currency)
        case list():
            each_told = (event_name(each) if key == "kinds" else _told(key, each, named, currency) for each in value)
            return ", ".join(filter(None, each_told))
    return _plain(value, named, may_be_day=key not in AS_WRITTEN)


def _plain(value: Any, named: Mapping[str, str], *, may_be_day: bool = True) -> str:
    """One value: a person by name, a day and a moment as they are written, a hash in short, an id not at all."""
    told = value if isinstance(value, str) else to_json(value)
    if told in VALUES:
        return VALUES[told][language() != "fr"]
    if f"{PERSON}{told}" in named:
        return named[f"{PERSON}{told}"]
    if len(told) == HASH_DIGITS and told.isalnum():
        return f"{told[:SHOWN_DIGITS]}…"
    if any(map(id_in, told.split(":"))):  # hand:cheque:<customer>:<number of the cheque>
        last = told.rpartition(":")[2]
        return "" if id_in(last) else last
    return (_dated(told) if may_be_day else "") or fitted(told)


def _dated(told: str) -> str:
    try:
        when = datetime.fromisoformat(told) if told[4:5] == "-" else None
    except ValueError:
        return ""
    if when is None:
        return ""
    if len(told) == len("2026-11-23"):
        return day(when.date())
    return moment(when) if when.tzinfo else ""
