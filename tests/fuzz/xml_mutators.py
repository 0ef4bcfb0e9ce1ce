"""Ways to spoil an XML invoice: bytes, structure, values, encodings, entities, namespaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fuzz.values import DATES, DECLARED, DOCTYPES, ENCODINGS, MARKS, NUMBERS, REFERENCES, TEXTS, URIS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_TOKEN = re.compile(rb"<(/?)([A-Za-z_][^\s/>]*)([^<>]*?)(/?)>")
_LEAF = re.compile(rb">([^<>]+)</")
_ATTRIBUTE = re.compile(rb"\s([A-Za-z_:][\w:.-]*)=\"([^\"]*)\"")
_ROOT = re.compile(rb"<[A-Za-z_][^<>]*>")

# -- bytes ---------------------------------------------------------------------------------------------------------


def flip_bits(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 30)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def put_bytes(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    new = rng.choice(
        (
            rng.randbytes(rng.choice((1, 2, 4, 16))),
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf5\x80",
            b"\x00",
            b"<",
            b">",
            b"&",
            b'"',
            b"\xff" * 4,
        )
    )
    return data[:at] + new + data[at + rng.choice((0, len(new))) :]


def cut_out(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, len(data))
    return data[:start] + data[end:]


def repeat(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, len(data))
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 20)) + data[end:]


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def exchange(rng: Random, data: bytes) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _span(rng: Random, length: int) -> tuple[int, int]:
    start = rng.randrange(length + 1)
    return start, min(length, start + rng.choice((1, 2, 8, 40, 200, 1000)))


# -- structure -----------------------------------------------------------------------------------------------------


def elements(data: bytes) -> list[tuple[int, int]]:
    """Where whole elements begin and end, as far as the bytes still look like XML; the root is left out."""
    found: list[tuple[int, int]] = []
    open_tags: list[tuple[bytes, int]] = []
    for token in _TOKEN.finditer(data):
        closing, name, _, empty = token.groups()
        if empty:
            found.append(token.span())
        elif not closing:
            open_tags.append((name, token.start()))
        elif open_tags and open_tags[-1][0] == name:
            found.append((open_tags.pop()[1], token.end()))
    return found[:-1] if len(found) > 1 else found


def drop_element(rng: Random, data: bytes) -> bytes:
    start, end = _element(rng, data)
    return data[:start] + data[end:]


def double_element(rng: Random, data: bytes) -> bytes:
    start, end = _element(rng, data)
    times = rng.choice((1, 1, 1, 2, 5, 100)) if end - start < 2000 else 1
    return data[:end] + data[start:end] * times + data[end:]


def swap_elements(rng: Random, data: bytes) -> bytes:
    (a, b), (c, d) = sorted((_element(rng, data), _element(rng, data)))
    if c < b:
        return data[:a] + data[c:d] + data[b:]
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def move_element(rng: Random, data: bytes) -> bytes:
    """One element into or beside another."""
    (start, end), (into, until) = _element(rng, data), _element(rng, data)
    at = rng.choice((into, until, data.find(b">", into) + 1))
    return data[:at] + data[start:end] + data[at:]


def rename(rng: Random, data: bytes) -> bytes:
    names = sorted({token[2] for token in _TOKEN.finditer(data)})
    if not names:
        return data
    old, new = rng.choice(names), rng.choice((*names, b"x", b"ram:X", b"cbc:ID", b"a:b:c", b"-x"))
    if rng.random() < 0.5:
        return data.replace(old, new)
    start, end = _element(rng, data)
    return data[:start] + data[start:end].replace(old, new) + data[end:]


def empty_element(rng: Random, data: bytes) -> bytes:
    start, end = _element(rng, data)
    tag = _TOKEN.match(data, start)
    if tag is None:
        return data
    return data[:start] + b"<" + tag[2] + rng.choice((tag[3], b"")) + b"/>" + data[end:]


def nest(rng: Random, data: bytes) -> bytes:
    """An element in many layers of its own or another name."""
    start, end = _element(rng, data)
    tag = _TOKEN.match(data, start)
    name = tag[2] if tag and rng.random() < 0.7 else b"x"
    depth = rng.choice((2, 10, 80, 99, 130, 255, 300, 3000))
    inner = rng.choice((data[start:end], b""))
    return (
        data[:start]
        + b"<"
        + name
        + (b"><" + name) * (depth - 1)
        + b">"
        + inner
        + (b"</" + name + b">") * depth
        + data[end:]
    )


def _element(rng: Random, data: bytes) -> tuple[int, int]:
    found = elements(data)
    return rng.choice(found) if found else (0, 0)


# -- attributes and values -----------------------------------------------------------------------------------------


def put_attributes(rng: Random, data: bytes) -> bytes:
    tags = [token for token in _TOKEN.finditer(data) if not token[1]]
    if not tags:
        return data
    at = rng.choice(tags).end(2)
    new = rng.choice(
        (
            b' currencyID="' + b"E" * rng.choice((10, 1000, 100_000)) + b'"',
            b"".join(b' a%d="%d"' % (n, n) for n in range(rng.choice((10, 300, 3000)))),
            b' currencyID="USD"',
            b' currencyID=""',
            b' schemeID="VA"',
            b' format="102"',
            b' format="203"',
            b' unitCode=""',
            b' x="1" x="2"',
            b' xsi:nil="true"',
            b' xml:lang="fr" xml:space="preserve"',
            b" noquotes=1",
            b' xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
            b' xml:base="http://127.0.0.1:9/"',
            b' filename="../../etc/passwd"',
            b' mimeCode="x"',
        )
    )
    return data[:at] + new + data[at:]


def change_attribute(rng: Random, data: bytes) -> bytes:
    found = list(_ATTRIBUTE.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    if rng.random() < 0.4:
        return data[: one.start()] + data[one.end() :]
    new = rng.choice((*TEXTS, *NUMBERS)).replace('"', "").encode()
    return data[: one.start(2)] + new + data[one.end(2) :]


def change_value(rng: Random, data: bytes) -> bytes:
    return _in_leaf(rng, data, lambda _: rng.choice(rng.choice((NUMBERS, DATES, TEXTS))).encode())


def change_number(rng: Random, data: bytes) -> bytes:
    leaves = [leaf for leaf in _LEAF.finditer(data) if leaf[1].strip().replace(b".", b"").isdigit()]
    if not leaves:
        return data
    leaf = rng.choice(leaves)
    return data[: leaf.start(1)] + rng.choice((*NUMBERS, *DATES)).encode() + data[leaf.end(1) :]


def break_value(rng: Random, data: bytes) -> bytes:
    """Comments, instructions, CDATA, references and elements in the middle of a value."""
    parts = (
        b"<!-- c -->",
        b"<!---->",
        b"<?pi x?>",
        b"<?xml version='1.0'?>",
        b"<![CDATA[]]>",
        b"<![CDATA[1]]>",
        b"<x/>",
        b"<x>2</x>",
        b"<!-- -- -->",
        b"\n",
        *(each.encode() for each in REFERENCES),
    )

    def broken(text: bytes) -> bytes:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(parts) + text[at:]

    return _in_leaf(rng, data, broken)


def _in_leaf(rng: Random, data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    leaves = list(_LEAF.finditer(data))
    if not leaves:
        return data
    leaf = rng.choice(leaves)
    return data[: leaf.start(1)] + change(leaf[1]) + data[leaf.end(1) :]


# -- the file as a whole -------------------------------------------------------------------------------------------


def encode(rng: Random, data: bytes) -> bytes:
    """Another encoding, declared or not, with a mark or not."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return rng.choice(MARKS) + data
    if rng.random() < 0.6:
        text = re.sub(r"^<\?xml[^>]*\?>", f'<?xml version="1.0" encoding="{rng.choice(DECLARED)}"?>', text)
    return text.encode(rng.choice(ENCODINGS), "replace")


def mark(rng: Random, data: bytes) -> bytes:
    return rng.choice(MARKS) + data


def declare(rng: Random, data: bytes) -> bytes:
    """Another XML declaration, or two, or one too late."""
    name = rng.choice(DECLARED).encode()
    new = rng.choice(
        (
            b'<?xml version="1.0" encoding="' + name + b'"?>',
            b'<?xml version="1.1"?>',
            b'<?xml version="9"?>',
            b"<?xml?>",
            b'<?xml version="1.0" standalone="no"?>',
            b"<!-- first -->",
            b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>',
        )
    )
    return new + (re.sub(rb"^<\?xml[^>]*\?>", b"", data) if rng.random() < 0.8 else data)


def add_doctype(rng: Random, data: bytes) -> bytes:
    """A DOCTYPE before the root, often with its entity used."""
    root = _ROOT.search(data)
    at = root.start() if root else 0
    changed = data[:at] + rng.choice(DOCTYPES).encode() + data[at:]
    if rng.random() < 0.5:
        return _in_leaf(rng, changed, lambda _: rng.choice((b"&e;", b"&a9;", b"&e;" * 1000)))
    return changed


def confuse_namespaces(rng: Random, data: bytes) -> bytes:
    found = list(re.finditer(rb'xmlns(:\w+)?="([^"]*)"', data))
    if not found:
        return data
    one, way = rng.choice(found), rng.randrange(4)
    if way == 0:
        return data[: one.start(2)] + rng.choice(URIS) + data[one.end(2) :]
    if way == 1:
        return data[: one.start()] + data[one.end() :]
    prefix = (one[1] or b":")[1:]
    if way == 2 and prefix:
        return data.replace(prefix + b":", rng.choice((b"xml:", b"xmlns:", b"ns0:", b"", b"ram:", b"cbc:")))
    tags = [token for token in _TOKEN.finditer(data) if not token[1]]
    if not tags:
        return data
    at = rng.choice(tags).end(2)
    return data[:at] + b' xmlns="' + rng.choice(URIS) + b'"' + data[at:]


def surround(rng: Random, data: bytes) -> bytes:
    """Something before, behind or around the document."""
    way = rng.randrange(4)
    junk = rng.choice(
        (b"<x/>", b"text", b"<!-- c -->", b"\x00" * 100, b" " * 100_000, b"%PDF-1.7\n", b"PK\x03\x04", b"{")
    )
    body = re.sub(rb"^<\?xml[^>]*\?>", b"", data)
    return (junk + data, data + junk, b"<x>" + body + b"</x>", body + body)[way]


def include(rng: Random, data: bytes) -> bytes:
    new = b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    return _in_leaf(rng, data, lambda text: rng.choice((new, text + new)))


ALL: Sequence[Callable[[Random, bytes], bytes]] = (
    flip_bits,
    put_bytes,
    cut_out,
    repeat,
    truncate,
    exchange,
    drop_element,
    drop_element,
    double_element,
    double_element,
    swap_elements,
    move_element,
    rename,
    empty_element,
    nest,
    put_attributes,
    change_attribute,
    change_attribute,
    change_value,
    change_value,
    change_value,
    change_number,
    change_number,
    change_number,
    break_value,
    break_value,
    encode,
    mark,
    declare,
    add_doctype,
    confuse_namespaces,
    surround,
    include,
)
"""Every mutator; those that leave the file readable stand in several times, because they reach deepest."""


def splice(rng: Random, data: bytes, other: bytes) -> bytes:
    """An element of another invoice inside this one."""
    start, end = _element(rng, other)
    into, until = _element(rng, data)
    return data[:into] + other[start:end] + data[rng.choice((into, until)) :]


def mutate(rng: Random, files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """One spoilt file: the names of what was done to it, and its bytes."""
    name, data = min(rng.choice(files), rng.choice(files), key=lambda each: len(each[1]))  # small ones are quick
    done = [name]
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        if rng.random() < 0.05:
            data = splice(rng, data, rng.choice(files)[1])
            done.append("splice")
        else:
            mutator = rng.choice(ALL)
            data = mutator(rng, data)
            done.append(mutator.__name__)
    return " ".join(done), data
