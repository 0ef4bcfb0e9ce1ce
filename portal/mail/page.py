"""The one look of every mail: the same words as plain text and as a page for any mail program.

The page is tables and inline styles, because mail programs know little else; a style sheet beside them only serves the
dark scheme and narrow screens, and nothing is lost where it is cut out. It loads nothing: no image, no foreign font.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from einvoice.formats.page import contrast
from einvoice.production import Branding
from portal.words import typeset
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from jinja2 import Template

    from receivables.store.work import Work

TEMPLATES = Path(__file__).parents[1] / "templates" / "mails"
WIDTH = 600
"""Pixels: what the reading pane of a desktop program shows without scrolling."""
INK, LIGHT_INK, BLACK = "#15201b", "#ffffff", "#000000"
SHEET, DARK_SHEET = "#ffffff", "#161d1a"
READABLE = 4.5
"""WCAG 2.2 criterion 1.4.3, contrast of text on its ground."""
_STEP = 0.08
_BETWEEN = "\u00a0· "
NARROW = "\u202f"
_DAY = re.compile(r"\b\d{1,2}(?:er)? [^\W\d_]{3,9}\.? \d{4}\b")
_HIGH = re.compile("\u00a0(?=[;!?])")


@dataclass(frozen=True, slots=True)
class SenderBrand:
    """Who writes: name, accent colour as ``#rrggbb``, words under every mail (address, legal mention), signature."""

    name: str
    colour: str = Branding().colour
    lines: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()


HOUSE_BRAND = SenderBrand("Quittance", "#0c6b4e")
"""Who writes where it is about the house itself and no supplier."""


@dataclass(frozen=True, slots=True)
class MailTable:
    """Rows of a mail: the first column may lead somewhere, the last one is an amount; ``total`` is a label and a sum.

    Columns between them stand under the first, each with its head.

    ``rows`` are cells and an address or nothing.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], str | None], ...]
    total: tuple[str, str] | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class MailPage:
    """What a mail says. Only what is given is shown.

    ``preheader`` is what lists of mails show after the subject; ``figure`` is the amount it is about, with the words
    under it; ``facts`` are labels and values; ``button`` is words and an address; ``note`` is small print; ``closing``
    are paragraphs after the button; ``code`` is to be typed, with the words before it; ``mark`` is the line above which
    answers are written; ``unsubscribe`` is words and an address; ``why`` says why one gets it.
    """

    subject: str
    preheader: str
    greeting: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] | None = None
    note: str | None = None
    language: str = "fr"
    sender: SenderBrand = HOUSE_BRAND
    figure: tuple[str, str] | None = None
    tables: tuple[MailTable, ...] = ()
    closing: tuple[str, ...] = ()
    code: tuple[str, str] | None = None
    mark: str | None = None
    unsubscribe: tuple[str, str] | None = None
    why: str = ""


def write_page(page: MailPage) -> tuple[str, str]:
    """The mail as plain text and as an HTML page."""
    return _text(page), _html(page)


def brand_of(work: Work) -> SenderBrand:
    """How this work's supplier shows itself in mails, from its profile."""
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    name = supplier_name(work)
    address, contact = profile.get("address") or {}, profile.get("contact") or {}
    town = " ".join(str(address[key]) for key in ("postcode", "city") if address.get(key))
    siren, registration = str(profile.get("siren") or ""), profile.get("registration")
    named = [f"SIREN {_grouped(siren)}"] if siren and siren not in "".join(str(registration or "").split()) else []
    legal = (profile.get("name") or name, profile.get("legal_form"), registration, *named)
    lines = (
        _BETWEEN.join(str(each) for each in legal if each),
        ", ".join(str(each) for each in (address.get("line1"), town) if each),
        _BETWEEN.join(str(each) for each in (contact.get("phone"), contact.get("email")) if each),
    )
    return SenderBrand(name, profile.get("colour") or Branding().colour, tuple(each for each in lines if each))


def _grouped(siren: str) -> str:
    """A SIREN as registers print it; on letters the law asks for it with the seat (C. com., art. R123-237)."""
    return "\u00a0".join(siren[place : place + 3] for place in range(0, len(siren), 3))


def set_type(words: str, spoken: str) -> str:
    """Words with the spaces of their language: in French narrow ones before ``; ! ?``, none of them ends a line.

    The colon and the inside of quotation marks have a whole one (Imprimerie nationale, Lexique des règles
    typographiques). No line ends inside a day, in either language.
    """
    kept = _DAY.sub(lambda found: found[0].replace(" ", "\u00a0"), words)
    return _HIGH.sub(NARROW, typeset(kept, spoken)) if spoken == "fr" else kept


def heading_of(page: MailPage) -> str:
    """The subject without the sender's name, which stands above it, and the amount at its end, which stands below."""
    heading = without_name(page.subject, page.sender.name)
    return heading.removesuffix(f", {page.figure[0]}") if page.figure else heading


def without_name(subject: str, name: str) -> str:
    """A subject without the name that it begins with: lists of mails show that as the sender's already."""
    for between in (" : ", ": "):
        rest = subject.removeprefix(f"{name}{between}")
        if rest != subject:
            return rest[:1].upper() + rest[1:]
    return subject


def readable(colour: str, ground: str) -> str:
    """``colour``, moved towards black or white until text in it can be read on ``ground``."""
    target = INK if contrast(INK, ground) > contrast(LIGHT_INK, ground) else LIGHT_INK
    share = 0.0
    mixed = colour
    while contrast(mixed, ground) < READABLE and share < 1:
        share = min(share + _STEP, 1)
        mixed = _mix(colour, target, share)
    return mixed


def text_on(colour: str) -> str:
    """White where it can be read on ``colour``, else our dark ink, else black: one of the three always can."""
    return next((ink for ink in (LIGHT_INK, INK) if contrast(ink, colour) >= READABLE), BLACK)


def _mix(colour: str, target: str, share: float) -> str:
    pairs = ((int(colour[place : place + 2], 16), int(target[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(own + (other - own) * share):02x}" for own, other in pairs)


def _text(page: MailPage) -> str:
    colon = " : " if page.language == "fr" else ": "
    parts = [page.mark, page.greeting]
    parts += page.paragraphs
    if page.figure and not any(page.figure[0] in each for each in page.paragraphs):
        parts.append(" ".join(page.figure))
    parts.append("\n".join(f"{label}{colon}{value}" for label, value in page.facts))
    parts += [_text_table(table, page.language) for table in page.tables]
    if page.button:
        parts.append(f"{page.button[0]}{colon.rstrip()}\n{page.button[1]}")
    if page.code:
        parts.append(f"{page.code[0]} {page.code[1]}")
    parts += page.closing
    parts += [page.note, "\n".join([*page.sender.signature, page.sender.name]), "\n".join(page.sender.lines), page.why]
    if page.unsubscribe:
        parts.append(f"{page.unsubscribe[0]}{colon.rstrip()}\n{page.unsubscribe[1]}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _labelled(head: str, cell: str, spoken: str) -> str:
    """What stands in a column, said in one line with its name: two columns are all that fits on a phone."""
    return f"{head}{' : ' if spoken == 'fr' else ': '}{cell}"


def _text_table(table: MailTable, spoken: str) -> str:
    colon = " : " if spoken == "fr" else ": "
    lines = [table.title] if table.title else []
    for cells, url in table.rows:
        between = [
            _labelled(head, cell, spoken) for head, cell in zip(table.heads[1:-1], cells[1:-1], strict=True) if cell
        ]
        name, *under = cells[0].split("\n")
        more = f" ({', '.join(told)})" if (told := [*under, *between]) else ""
        lines.append(f"- {name}{colon}{cells[-1]}{more}")
        lines += [f"  {url}"] if url else []
    lines += [f"{table.total[0]}{colon}{table.total[1]}"] if table.total else []
    return "\n".join(lines)


def _html(page: MailPage) -> str:
    colour = page.sender.colour
    return _template().render(
        page=page,
        heading=heading_of(page),
        initials=initials(page.sender.name),
        colour=colour,
        on_colour=text_on(colour),
        link=readable(colour, SHEET),
        dark_link=readable(colour, DARK_SHEET),
        width=WIDTH,
        between=lambda head, cell: _labelled(head, cell, page.language),
        typeset=lambda words: set_type(words, page.language),
    )


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    found = [word[0] for word in re.split(r"[\s'\u2019-]+", name) if word and word[0].isalnum()]
    return "".join(found[:2]).upper() or "?"


@cache
def _template() -> Template:
    """Compiled once; everything that is filled in is escaped."""
    house = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return house.get_template("page.html")
