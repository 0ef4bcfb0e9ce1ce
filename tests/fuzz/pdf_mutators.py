"""Ways to spoil a PDF: its bytes, its tables, its streams, and what hangs in it as attached files."""

from __future__ import annotations

import re
import zlib
from functools import cache
from typing import TYPE_CHECKING

from fuzz import xml_mutators

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fuzz.corpus import Corpus

NAMES = (
    "factur-x.xml",
    "FACTUR-X.XML",
    "zugferd-invoice.xml",
    "xrechnung.xml",
    "order-x.xml",
    "../factur-x.xml",
    "",
    "factur-x.xml\x00.exe",
    "factur-x.xml ",
    "f\u0430ctur-x.xml",
    "a" * 3000,
    "con",
    "\ud7ff",
    "plan.pdf",
)
FILTERS = (
    b"/FlateDecode",
    b"/LZWDecode",
    b"/ASCIIHexDecode",
    b"/ASCII85Decode",
    b"/RunLengthDecode",
    b"/JBIG2Decode",
    b"/DCTDecode",
    b"/Crypt",
    b"/Nonsense",
    b"[/FlateDecode/FlateDecode]",
    b"[" + b"/ASCIIHexDecode" * 40 + b"]",
)
PARAMETERS = (
    b"",
    b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 4/BitsPerComponent 16>>",
    b"/DecodeParms<</Predictor 12/Columns 100000000>>",
    b"/DecodeParms<</Predictor 2/Columns 0>>",
    b"/DecodeParms<</Predictor -1/Columns -5>>",
    b"/DecodeParms[null 1 2 R]",
    b"/DecodeParms<</EarlyChange 9>>",
    b"/DecodeParms<</Predictor 12/Columns 5>>",
)
JUNK = (
    b"null",
    b"true",
    b"-1",
    b"[]",
    b"<<>>",
    b"()",
    b"/X",
    b"99999 0 R",
    b"1 0 R",
    b"<FEFF>",
    b"(\xfe\xff\xd8)",
    b"1e400",
    b"[1 0 R 2 0 R]",
    b"<</Kids[4 0 R]>>",
    b"99999999999999999999",
    b"0.0000001",
)
_NUMBER = re.compile(rb"\d+")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_VALUE = re.compile(
    rb"/(?:Names|Kids|AF|EF|F|UF|Root|Pages|Length|Filter|Type|EmbeddedFiles|Metadata|Size|Prev|W|Index)"
    rb"\s*(\d+ \d+ R|/?\w+|\[[^\]]*\]|\([^)]*\))"
)


def break_number(rng: Random, data: bytes) -> bytes:
    """A number anywhere outside the streams: an offset, a length, a reference, a generation."""
    head = _outside(rng, data)
    found = list(_NUMBER.finditer(data, *head))
    if not found:
        return data
    one = rng.choice(found)
    new = rng.choice(
        (b"0", b"1", b"-1", b"9999999999", b"99999999999999999999", b"%d" % rng.randrange(20), one[0] + b"0")
    )
    return data[: one.start()] + new + data[one.end() :]


def break_value(rng: Random, data: bytes) -> bytes:
    """The value of a key that matters becomes something else."""
    found = list(_VALUE.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start(1)] + rng.choice(JUNK) + data[one.end(1) :]


def break_stream(rng: Random, data: bytes) -> bytes:
    """Bits inside one stream."""
    found = [one for one in _STREAM.finditer(data) if one[1]]
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start(1)] + xml_mutators.flip_bits(rng, one[1]) + data[one.end(1) :]


def loop(rng: Random, data: bytes) -> bytes:
    """One reference replaced by another, often into a circle."""
    references = list(re.finditer(rb"\d+ 0 R", data))
    if len(references) < 2:
        return data
    old, new = rng.sample(references, 2)
    return data[: old.start()] + new[0] + data[old.end() :]


def break_filter(rng: Random, data: bytes) -> bytes:
    changed = re.sub(
        rb"/Filter\s*/FlateDecode", b"/Filter" + rng.choice(FILTERS) + rng.choice(PARAMETERS), data, count=1
    )
    return changed if rng.random() < 0.7 else data.replace(b"/FlateDecode", rng.choice(FILTERS))


def append(rng: Random, data: bytes) -> bytes:
    """An incremental update that says otherwise."""
    number = rng.randrange(1, 12)
    offset = len(data) + 1
    update = b"\n%d 0 obj\n%s\nendobj\n" % (number, rng.choice(JUNK))
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        number,
        offset,
        rng.randrange(1, 30),
        rng.randrange(1, 4),
        rng.choice((0, offset, 15, 10**9)),
        offset + len(update) - 1,
    )
    return data + update + table


def _outside(rng: Random, data: bytes) -> tuple[int, int]:
    """Somewhere in the last two thousand bytes (tables, trailer), or anywhere."""
    return (max(0, len(data) - 2000), len(data)) if rng.random() < 0.5 else (0, len(data))


MUTATORS: Sequence[Callable[[Random, bytes], bytes]] = (
    xml_mutators.flip_bits,
    xml_mutators.put_bytes,
    xml_mutators.cut_out,
    xml_mutators.repeat,
    xml_mutators.truncate,
    xml_mutators.exchange,
    break_number,
    break_number,
    break_number,
    break_value,
    break_value,
    break_value,
    break_stream,
    break_stream,
    loop,
    loop,
    break_filter,
    append,
)


# -- files made wrong from the start -------------------------------------------------------------------------------


def write(objects: dict[int, bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of the given objects with a correct table: what is wrong is inside."""
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    size, start = max(objects) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    return bytes(out + b"trailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start))


def stream(body: bytes, entries: bytes = b"", length: int | None = None) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(body) if length is None else length, body)


def text(name: str) -> bytes:
    """A name as a PDF text string."""
    return b"<FEFF" + name.encode("utf-16-be", "surrogatepass").hex().encode() + b">"


def made(rng: Random, xml: bytes, names: Sequence[str]) -> dict[int, bytes]:
    """Catalogue 1, pages 2 and 3, then a specification and a stream for each name, in a name tree of some depth."""
    packed = zlib.compress(xml)
    objects = {
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<<>>>>",
    }
    leaves = []
    for index, name in enumerate(names):
        at = 10 + 2 * index
        objects[at] = b"<</Type/Filespec/F%s/UF%s/AFRelationship/Data/EF<</F %d 0 R>>>>" % (
            text(name),
            text(name),
            at + 1,
        )
        entries = b"/Type/EmbeddedFile/Filter/FlateDecode" + (rng.choice(PARAMETERS) if rng.random() < 0.2 else b"")
        objects[at + 1] = stream(packed, entries, rng.choice((*[None] * 20, 0, 5, len(packed) + 9, 10**9)))
        leaves.append(text(name) + b" %d 0 R" % at)
    depth = rng.choice((0, 0, 0, 0, 1, 1, 3, 10, 31, 33, 60))
    body = b"<</Names[%s]>>" % b" ".join(leaves)
    last = 10 + 2 * len(names)
    for level in range(depth):
        objects[last + level] = body
        body = b"<</Kids[%s]>>" % (b"%d 0 R " % (last + level) * rng.choice((1, 1, 2)))
    objects[5] = body
    associated = b"".join(b"%d 0 R " % (10 + 2 * n) for n in range(len(names)))
    objects[1] = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles 5 0 R>>/AF[%s]%s>>" % (
        associated,
        _metadata(rng, objects),
    )
    return dict(sorted(objects.items()))


def _metadata(rng: Random, objects: dict[int, bytes]) -> bytes:
    if rng.random() < 0.4:
        return b""
    namespace = b"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
    level = rng.choice((b"EN 16931", b"EXTENDED", b"", b"X" * 10_000, b"\xff\xfe", b"&e;"))
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:fx="'
        + namespace
        + b'"><fx:ConformanceLevel>'
        + level
        + b"</fx:ConformanceLevel><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName></rdf:Description></rdf:RDF>"
        b"</x:xmpmeta>"
    )
    if rng.random() < 0.5:
        xmp = rng.choice(xml_mutators.ALL)(rng, xmp)
    objects[4] = stream(xmp, b"/Type/Metadata/Subtype/XML")
    return b"/Metadata 4 0 R"


def bomb(rng: Random) -> bytes:
    """A stream that unpacks to much more than it is, once or twice packed."""
    packed = _zeros(rng.choice((10**6, 2 * 10**7, 3 * 10**7, 10**9)))
    filters = b"/FlateDecode"
    if rng.random() < 0.5:
        packed, filters = zlib.compress(packed, 9), b"[/FlateDecode/FlateDecode]"
    objects = made(rng, b"<a/>", ["factur-x.xml"])
    objects[11] = stream(packed, b"/Filter" + filters)
    return write(objects)


@cache
def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(10**6)) for _ in range(count // 10**6)) + packer.flush()


def many(rng: Random) -> bytes:
    """Thousands of kids, or of files, or arrays in arrays."""
    objects = made(rng, b"<a/>", ["factur-x.xml"])
    count = rng.choice((50, 1000, 20_000))
    objects[5] = rng.choice(
        (
            b"<</Kids[%s]>>" % (b"5 0 R " * count),
            b"<</Names[%s]>>" % (b"(a)10 0 R " * count),
            b"[" * count + b"]" * count,
            b"<</A" * count + b" 1" + b">>" * count,
            b"<</Kids[5 0 R 5 0 R]>>",
            b"<</Names[(a)]>>",
            b"<</Names[1 2 3 4]>>",
            b"<</Names 7>>",
            b"<</Kids/X>>",
            b"(a)",
            b"7",
            b"[10 0 R]",
        )
    )
    return write(objects)


def odd_files(rng: Random, xml: bytes) -> bytes:
    """Correct structure, odd names, several invoices, or a specification that is something else."""
    names = [rng.choice(NAMES) for _ in range(rng.choice((1, 2, 3, 8)))]
    objects = made(rng, xml, names)
    if rng.random() < 0.2:
        objects[rng.choice(list(objects))] = rng.choice(JUNK)
    trailer = rng.choice(
        (b"/Root 1 0 R",) * 30
        + (
            b"/Root 2 0 R",
            b"/Root 99 0 R",
            b"",
            b"/Root 1 0 R/Encrypt<</Filter/Standard/V 5/R 6/Length 256/O<00>/U<00>/P -1>>",
            b"/Root 1 0 R/Encrypt 3 0 R",
            b"/Root 1 0 R/Prev 9",
        )
    )
    return write(objects, trailer)


def mutate(rng: Random, corpus: Corpus) -> tuple[str, bytes]:
    """One spoilt PDF: what was done, and its bytes."""
    way = rng.random()
    if way < 0.003:
        return "bomb", bomb(rng)
    if way < 0.02:
        return "many", many(rng)
    if way < 0.40:
        done, xml = xml_mutators.mutate(rng, corpus.xml) if rng.random() < 0.6 else ("whole", rng.choice(corpus.xml)[1])
        data = odd_files(rng, xml)
        return f"odd_files ({done})", data
    name, data = rng.choice(corpus.pdf)
    steps = [name]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutator = rng.choice(MUTATORS)
        data = mutator(rng, data)
        steps.append(mutator.__name__)
    return " ".join(steps), data
