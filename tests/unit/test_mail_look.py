"""Mails: the same words in both parts, readable in any colour, nothing loaded, nothing that a name could break."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from einvoice.formats.page import contrast
from portal.mail.page import (
    DARK_SHEET,
    READABLE,
    SHEET,
    MailPage,
    MailTable,
    SenderBrand,
    heading_of,
    readable,
    text_on,
    write_page,
)
from portal.mailbox.marked import plain_of_html
from portal.mailbox.quoting import cut_quoted

BRAND = SenderBrand("Électricité & Fils <Dupont>", "#f2c200", ("12 rue des Lilas, 69003 Lyon",), ("Camille Roux",))
PAGE = MailPage(
    subject="Électricité & Fils <Dupont> : facture F2026-0042",
    preheader="1 234,56 € à régler",
    greeting="Bonjour,",
    paragraphs=("Voici votre facture.\nElle est courte.",),
    figure=("1 234,56 €", "à régler au plus tard le 30 novembre 2026"),
    facts=(("Facture", "F2026-0042"),),
    tables=(
        MailTable(
            ("Facture", "Montant"),
            ((("F2026-0041\nÉchéance 1er mai", "12,00 €"), "https://p.example/a?x=1&y=2"),),
            total=("Total", "12,00 €"),
            title="En retard",
        ),
    ),
    button=("Voir et payer", "https://p.example/p/abc"),
    code=("Saisissez ce code :", "ABCD-EFGH"),
    closing=("Merci.",),
    note="Rien d'autre.",
    sender=BRAND,
    unsubscribe=("Ne plus recevoir ceci", "https://p.example/u/xyz"),
)
WORDS = (
    "Bonjour,",
    "Elle est courte.",
    "1 234,56 €",
    "F2026-0042",
    "F2026-0041",
    "12,00 €",
    "Voir et payer",
    "ABCD-EFGH",
    "Merci.",
    "Rien d'autre.",
    "Camille Roux",
    "12 rue des Lilas, 69003 Lyon",
    "Ne plus recevoir ceci",
)
LINKS = ("https://p.example/p/abc", "https://p.example/u/xyz", "https://p.example/a?x=1&y=2")


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "background"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def parsed(html_body: str) -> Tags:
    tags = Tags()
    tags.feed(html_body)
    assert tags.open == []
    return tags


def test_both_parts_say_everything() -> None:
    text_body, html_body = write_page(PAGE)
    seen = plain_of_html(html_body).replace("\u00a0", " ")
    for words in WORDS:
        assert words in text_body, words
        assert words in seen, words
    for link in LINKS:
        assert link in text_body


def test_a_page_links_only_where_it_says_and_loads_nothing() -> None:
    _, html_body = write_page(PAGE)
    tags = parsed(html_body)
    assert sorted(tags.links) == sorted(LINKS)
    assert not {"img", "script", "link", "iframe", "form", "object"} & set(tags.names)
    assert "url(" not in html_body
    assert "@import" not in html_body


def test_names_of_others_stay_words() -> None:
    _, html_body = write_page(PAGE)
    assert "&lt;Dupont&gt;" in html_body
    assert "<Dupont>" not in html_body
    hostile = MailPage("Sujet", "", "<script>alert(1)</script>", ('"><a href="https://evil.example">ici</a>',))
    tags = parsed(write_page(hostile)[1])
    assert (tags.links, "script" in tags.names) == ([], False)


def test_the_senders_name_stands_above_and_is_not_said_again() -> None:
    assert heading_of(PAGE) == "Facture F2026-0042"
    assert heading_of(MailPage("Autre chose", "", "", (), sender=BRAND)) == "Autre chose"


def test_an_answer_cut_at_our_line_keeps_only_what_was_answered() -> None:
    """Our line comes before anything else that a program quotes, hidden words included."""
    marked = MailPage("S", "vu dans la liste", "Bonjour,", ("Notre message.",), mark="##- Répondez au-dessus -##")
    text_body, html_body = write_page(marked)
    assert cut_quoted(f"D'accord.\n\n{text_body}") == "D'accord."
    assert cut_quoted(f"D'accord.\n\n{plain_of_html(html_body)}") == "D'accord."


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#f2c200", "#1f4e5f", "#ff0000", "#7f7f7f", "#0c6b4e"])
def test_every_brand_colour_can_be_read(colour: str) -> None:
    assert contrast(text_on(colour), colour) >= READABLE
    for ground in (SHEET, DARK_SHEET):
        assert contrast(readable(colour, ground), ground) >= READABLE


def test_a_readable_colour_is_left_alone() -> None:
    assert readable("#1f4e5f", SHEET) == "#1f4e5f"


def test_a_mail_stays_under_what_programs_cut_off() -> None:
    """Gmail cuts mails off at 102 kB."""
    rows = tuple(
        (("F2026-0001\nÉchéance 30 novembre 2026", "1 234,56 €"), f"https://p.example/p/{'x' * 80}") for _ in range(50)
    )
    long = MailPage("S", "p", "Bonjour,", ("x" * 2000,), tables=(MailTable(("A", "B"), rows),))
    assert len(write_page(long)[1].encode()) < 102_000


def test_french_signs_never_begin_a_line_in_the_page() -> None:
    _, html_body = write_page(MailPage("S", "", "Bonjour,", ("Combien ? Voici : « tout ».",)))
    assert re.search("Combien\u202f\\? Voici\u00a0: «\u00a0tout\u00a0»", html_body), "narrow before high signs"
