"""Every mail that the code writes has a kind, a sample and a page; every page survives the mail programs there are."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

import portal
from einvoice.formats.page import contrast
from portal.mail.book import as_house
from portal.mail.kinds import CUSTOMER, KINDS, SECRET, why_of
from portal.mail.page import (
    DARK_SHEET,
    NARROW,
    TEMPLATES,
    MailPage,
    SenderBrand,
    heading_of,
    readable,
    write_page,
)
from portal.mail.sample_stage import Stage
from portal.mail.samples import BY_HOUSE, MAKERS

HOUSE = Path(portal.__file__).parent
NAME, COLOURS = "Menuiserie Kerouac", ("#1f4e5f", "#f2c200", "#ffffff")
LEGAL = ("Menuiserie Kerouac\u00a0· SARL au capital de 50 000 EUR\u00a0· RCS Quimper 732 829 320",)
GMAIL_CLIPS = 102_000
"""Bytes of HTML from which Gmail shows a link in place of the rest."""
LONGEST_SUBJECT = 60
READABLE = 4.5
LANGUAGES = ("fr", "en")
VOID = {"meta", "br"}
KNOWN_CSS = {
    "background-color", "border", "border-bottom", "border-collapse", "border-radius", "border-top", "color", "display",
    "font-family", "font-size", "font-variant-numeric", "font-weight", "height", "letter-spacing", "line-height",
    "margin", "max-height", "max-width", "mso-hide", "mso-padding-alt", "opacity", "overflow", "padding",
    "padding-left", "text-align", "text-decoration", "white-space", "width", "word-break", "-webkit-text-size-adjust",
}  # fmt: skip
"""What mail programs know, or leave out without harm; no flex, no grid, no position, no float."""


# --- who writes -------------------------------------------------------------------------------------------------------


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(HOUSE.rglob("*.py"))}


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and getattr(each.func, "id", getattr(each.func, "attr", "")) == name
    ]


def kind_given(call: ast.Call) -> ast.expr | None:
    """The expression that says the kind: ``kind=`` anywhere, the first place in an envelope."""
    named = next((each.value for each in call.keywords if each.arg == "kind"), None)
    return named or (call.args[0] if call.args and getattr(call.func, "id", "") == "Envelope" else None)


def test_every_mail_that_is_written_names_a_kind_that_there_is() -> None:
    written = 0
    for path, tree in trees().items():
        for call in (*calls(tree, "Envelope"), *calls(tree, "Mail")):
            given, where = kind_given(call), f"{path.relative_to(HOUSE)}:{call.lineno}"
            assert given is not None, f"{where} writes a mail without a kind"
            written += 1
            if isinstance(given, ast.Constant):
                assert given.value in KINDS, f"{where} writes {given.value!r}, which portal/mail/kinds.py does not know"
            elif isinstance(given, ast.JoinedStr) and isinstance(given.values[0], ast.Constant):
                assert any(kind.startswith(ast.literal_eval(given.values[0])) for kind in KINDS), where
    assert written >= 20


def test_the_book_alone_puts_mails_into_the_base() -> None:
    for path, tree in trees().items():
        texts = (
            each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        if any("INSERT INTO mails " in each for each in texts):
            assert path == HOUSE / "mail" / "book.py", path


def test_every_function_that_words_a_mail_is_shown_in_a_preview() -> None:
    """A page that a sample is made of is the one that is sent: both come from the same function."""
    samples = ast.dump(trees()[HOUSE / "mail" / "samples.py"])
    for path, tree in trees().items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and calls(function, "MailPage"):
                name = function.name
                is_shown = f"Name(id='{name}'" in samples or f"name='{name}'" in samples
                is_helped = any(
                    calls(other, name) and (f"name='{other.name}'" in samples)
                    for other in ast.walk(tree)
                    if isinstance(other, ast.FunctionDef)
                )
                assert is_shown or is_helped, f"{path.relative_to(HOUSE)}: {name} words a mail that nobody can look at"


def test_a_mail_written_without_a_kind_would_be_seen() -> None:
    bare, kept = (
        ast.parse(each) for each in ("Mail('k', 'a@b.example', 's', 't', 'h')", "Envelope('invoice', 'k', 'a')")
    )
    assert kind_given(calls(bare, "Mail")[0]) is None
    assert ast.unparse(kind_given(calls(kept, "Envelope")[0]) or bare) == "'invoice'"


def test_every_kind_has_a_sample_and_codes_and_keys_are_read_by_nobody_else() -> None:
    assert MAKERS.keys() == KINDS.keys()
    opened = {
        "sign_in",
        "proof_code",
        "consent_code",
        "customer_invited",
        "opening_confirm",
        "message_held",
        "iban_alone",
    }
    assert opened <= set(SECRET)
    assert not any(KINDS[kind].is_worded for kind in SECRET), "what opens an account keeps the house's words"


def test_one_click_ends_exactly_what_the_documentation_says() -> None:
    page = (HOUSE.parent / "docs" / "mails.md").read_text()
    told = dict(
        re.findall(r"^\| `([a-z_]+)` \| (?:customers|staff|persons) \| (yes|no) \| (?:yes|no) \|$", page, re.MULTILINE)
    )
    worded = dict(
        re.findall(r"^\| `([a-z_]+)` \| (?:customers|staff|persons) \| (?:yes|no) \| (yes|no) \|$", page, re.MULTILINE)
    )
    assert told == {key: "yes" if kind.may_stop else "no" for key, kind in KINDS.items()}
    assert worded == {key: "yes" if kind.is_worded else "no" for key, kind in KINDS.items()}


# --- how they look ----------------------------------------------------------------------------------------------------


@cache
def page_of(kind: str, spoken: str, colour: str = COLOURS[0]) -> MailPage:
    made = MAKERS[kind](Stage(NAME, spoken, "https://factures.example"))
    if kind in BY_HOUSE:
        return as_house(made, kind)
    return replace(made, sender=SenderBrand(NAME, colour, LEGAL, ("Anne",)), why=why_of(kind, NAME, spoken))


class Reader(HTMLParser):
    """Reads a page as a mail program does: only what is inline counts; every text with its colour on its ground."""

    def __init__(self, dark: dict[str, dict[str, str]] | None = None) -> None:
        super().__init__()
        self.dark = dark or {}
        self.stack: list[tuple[str, str, str, bool]] = []
        self.seen: list[tuple[str, str, str]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.properties: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag in VOID:
            return
        _, colour, ground, hidden = self.stack[-1] if self.stack else ("", "#000000", "#ffffff", False)
        style = dict(pair.split(":", 1) for pair in given.get("style", "").split(";") if pair)
        self.properties |= style.keys()
        hidden = hidden or tag in {"head", "style", "title"} or style.get("display") == "none"
        for name in given.get("class", "").split():
            style |= self.dark.get(name, {})
        self.stack.append((tag, style.get("color", colour), style.get("background-color", ground), hidden))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop()[0] == tag, tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.stack and not self.stack[-1][3]:
            self.seen.append((data.strip(), *self.stack[-1][1:3]))

    @property
    def least(self) -> float:
        return min(contrast(colour, ground) for _, colour, ground in self.seen)


def read(html: str, dark: dict[str, dict[str, str]] | None = None) -> Reader:
    reader = Reader(dark)
    reader.feed(html)
    assert reader.stack == []
    return reader


def dark_rules(colour: str) -> dict[str, dict[str, str]]:
    """What the dark scheme changes, by class."""
    block = (
        (TEMPLATES / "look.css").read_text().partition("@media (prefers-color-scheme:dark){")[2].partition("@media")[0]
    )
    block = block.replace("{{ dark_link }}", readable(colour, DARK_SHEET))
    rules = re.findall(r"^\.(\w+)\{([^}]*)\}", block, re.MULTILINE)
    return {
        name: dict(each.replace("!important", "").split(":", 1) for each in said.split(";") if each)
        for name, said in rules
    }


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_page_holds_what_mail_programs_need(spoken: str) -> None:
    for kind in KINDS:
        page = page_of(kind, spoken)
        _, html = write_page(page)
        found = read(html)
        tags = found.tags
        assert len(html.encode()) < GMAIL_CLIPS / 3, kind
        assert found.properties <= KNOWN_CSS, (kind, found.properties - KNOWN_CSS)
        assert f'<html lang="{spoken}"' in html
        assert f"<title>{page.subject.partition(' ')[0]}" in html.replace("&#39;", "'"), kind
        assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags
        assert all("alt" in given for tag, given in tags if tag == "img"), kind
        assert all(given.get("role") == "presentation" or "<th " in html for tag, given in tags if tag == "table"), kind
        buttons = re.findall(r"<td[^>]*bgcolor=[^>]*mso-padding-alt[^>]*><a href=", html)
        assert len(buttons) == bool(page.button), f"{kind}: a button is a cell, so that Outlook gives it its room"
        assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 3, kind


@pytest.mark.parametrize("colour", COLOURS)
def test_every_word_can_be_read_in_the_light_and_in_the_dark(colour: str) -> None:
    rules = dark_rules(colour)
    assert rules["ink"]["color"] != "#15201b"
    for kind in KINDS:
        _, html = write_page(page_of(kind, "fr", colour))
        light = {"link": {"color": readable(colour, "#ffffff")}} if kind not in BY_HOUSE else {}
        assert read(html, light).least >= READABLE, kind
        assert read(html, rules if kind not in BY_HOUSE else dark_rules("#0c6b4e")).least >= READABLE, kind


def test_a_colour_that_cannot_be_read_would_be_seen() -> None:
    assert read('<p style="color:#999999;background-color:#ffffff">gris</p>').least < READABLE
    assert read('<p class="ink" style="color:#15201b">noir</p>', {"ink": {"color": "#eeeeee"}}).least < READABLE


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_subjects_are_short_and_lists_of_mails_learn_something_from_both_lines(spoken: str) -> None:
    for kind in KINDS:
        page = page_of(kind, spoken)
        assert len(heading_of(page)) <= LONGEST_SUBJECT, (kind, heading_of(page))
        assert page.preheader.strip(), kind
        assert page.preheader.casefold() not in {page.subject.casefold(), heading_of(page).casefold()}, kind
        if kind in {"invoice", "receipt_paid", "receipt_failed", "receipt_refunded", "debit_announced", "plan_soon"}:
            assert page.figure is not None
            assert page.figure[0] in page.subject, f"{kind}: the amount is what is looked for"
        if kind == "invoice":
            assert "F2026-0042" in page.subject


def test_what_asks_for_money_begins_with_the_amount_and_its_day() -> None:
    asking = ("invoice", "claim", "reminder", "plan_soon", "plan_late", "debit_announced", "collection", "question")
    for kind in asking:
        page = page_of(kind, "fr")
        _, html = write_page(page)
        assert page.figure is not None, kind
        assert html.index('class="ink figure"') < html.index("Bonjour,"), kind


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_the_end_says_who_writes_and_why_and_the_text_says_all(spoken: str) -> None:
    for kind, each in KINDS.items():
        page = page_of(kind, spoken)
        text, html = write_page(page)
        assert page.why
        assert page.why in text
        assert page.why.split()[0] in html.rpartition("</h1>")[2]
        if each.to == CUSTOMER:
            assert LEGAL[0] in html
            assert LEGAL[0] in text
        wanted = [*page.paragraphs, *(value for _, value in page.facts), *(page.button or ()), *(page.code or ())]
        assert [words for words in wanted if words not in text] == [], kind
        assert page.figure is None or page.figure[0] in text, kind


def test_french_spaces_are_narrow_before_high_signs_and_no_day_is_torn() -> None:
    for kind in KINDS:
        seen = "|".join(words for words, _, _ in read(write_page(page_of(kind, "fr"))[1]).seen)
        assert not re.search(r"[ \u00a0][;!?]", seen), (kind, re.findall(r".{9}[ \u00a0][;!?]", seen))
        assert not re.search(r" [:»]|« ", seen), (kind, re.findall(r".{9}(?: [:»]|« )", seen))
        assert not re.search(r"\d (?:janvier|février|mars|avril|mai|juin|juillet|août|sept|octobre|nov|déc)", seen), (
            kind
        )
        assert not re.search(r"\d (?:\d{3}(?!\d)|€)", seen.replace("50 000 EUR", "").replace("732 829 320", "")), kind
    assert NARROW in write_page(page_of("question", "fr"))[1]
