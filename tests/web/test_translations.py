"""The catalogue is complete: every text of the code has its English, and no English is left over."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import portal

HOUSE = Path(portal.__file__).parent
METHODS = [("sandboxes/**", "ignore"), ("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "_": None, "note_text": None}

Text = str | tuple[str, ...]


@cache
def texts() -> frozenset[Text]:
    found = extract_from_dir(HOUSE, METHODS, keywords=KEYWORDS, options_map={"templates/**.html": {"silent": "false"}})
    return frozenset(message for _, _, message, _, _ in found)


@cache
def english() -> dict[Text, Text]:
    found: dict[Text, Text] = {}
    for path in sorted((HOUSE / "translations/en/LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for each in read_po(file):
                assert not each.id or each.id not in found, f"{each.id} is translated twice"
                found |= {each.id: each.string} if each.id else {}
    return found


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    assert len(texts()) > 250
    assert {text for text in texts() if text not in english()} == set()
    assert {text for text in english() if text not in texts()} == set()


def test_no_translation_is_empty_or_still_french() -> None:
    for french, translated in english().items():
        assert translated, french
        assert all(translated) if isinstance(translated, tuple) else True, french
        assert not re.search(r"[éèàçêîôù]", str(translated)), translated


@pytest.mark.parametrize("pattern", [r"%\((\w+)\)s"])
def test_translations_fill_in_the_same_values(pattern: str) -> None:
    for french, translated in english().items():
        wanted = set(re.findall(pattern, str(french)))
        assert set(re.findall(pattern, str(translated))) == wanted, french


def test_templates_hold_no_text_outside_the_catalogue() -> None:
    allowed = {"Quittance", "IBAN", "BIC", "SIREN", "XXXX-XXXX", "pay", "validation", "api", "CSV", "webhook", "id"}
    for template in (HOUSE / "templates").rglob("*.html"):
        if "sandboxes" in template.parts or template.name == "design.html":  # for developers, with data as it comes
            continue
        plain = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", template.read_text(), flags=re.DOTALL)
        plain = re.sub(r"<[^>]*>", " ", plain)
        plain = re.sub(r'[a-z-]+="[^"<>]*"', " ", plain)  # attributes that a macro gives to several tags
        assert set(re.findall(r"[A-Za-zÀ-ÿ]{2,}", plain)) <= allowed, template
