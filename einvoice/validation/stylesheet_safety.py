"""Whether a stylesheet only looks at the document it judges: XSLT is a program, and a set of rules is code we run.

Saxon's switches stop the network, Java and writing (see ``schematron_worker``), but no switch confines ``doc()`` or
``unparsed-text()`` to a folder. So a stylesheet may only use the instructions and functions that compiled Schematron
needs, and load code lists beside it by name; anything else, also a new and harmless function, is refused with its name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator

XSL = "{http://www.w3.org/1999/XSL/Transform}"

_INSTRUCTIONS = frozenset("""
    apply-templates attribute call-template choose comment copy copy-of element fallback for-each for-each-group
    function if key message number otherwise output param sequence sort strip-space stylesheet template text transform
    value-of variable when with-param
    """.split())  # fmt: skip  # noqa: SIM905 -- words are easier to read than quoted words
_FUNCTIONS = frozenset("""
    abs avg boolean ceiling codepoints-to-string compare concat contains count current current-date
    current-grouping-key current-group data day-from-date deep-equal distinct-values document-uri empty ends-with
    error exactly-one exists false floor format-date format-number generate-id index-of insert-before key lang last
    local-name local-name-from-QName lower-case matches max min month-from-date name namespace-uri
    namespace-uri-for-prefix namespace-uri-from-QName node-name normalize-space normalize-unicode not number
    one-or-more position QName remove replace reverse root round round-half-to-even starts-with string string-join
    string-length string-to-codepoints subsequence substring substring-after substring-before sum tokenize translate
    true upper-case year-from-date zero-or-one

    attribute comment document-node element item node processing-instruction schema-attribute schema-element text
    empty-sequence and or if in le lt ge gt eq ne is to div idiv mod return satisfies then else some every for union
    intersect except
    """.split())  # fmt: skip  # noqa: SIM905 -- same
"""Functions of XPath 2.0 on texts, numbers, sequences and names; then kind tests and words before a bracket."""
_FN = "http://www.w3.org/2005/xpath-functions"
_TYPES = "http://www.w3.org/2001/XMLSchema"
_CALL = re.compile(r"([^\W\d][\w.:-]*)\s*\(")
_TOKEN = re.compile(r"""\(:|"(?:[^"]|"")*"|'(?:[^']|'')*'|.""", re.DOTALL)
_FILE_NAME = re.compile(r"""["']\w[\w.-]*["']""")
_BESIDE = re.compile(rf"(?<![\w.:-])document\s*\(\s*{_FILE_NAME.pattern}\s*\)")
_Name = tuple[str | None, str]
_AXIS = re.compile(r"[\w-]+::")
_EXPRESSIONS = frozenset("""
    select test match use from count value group-by group-adjacent group-starting-with group-ending-with
    """.split())  # fmt: skip  # noqa: SIM905 -- same
"""Attributes of instructions that are expressions as a whole; every other one may hold some in braces."""
_FORBIDDEN_ATTRIBUTES = frozenset("""
    base expand-text extension-element-prefixes href override override-extension-function use-package use-when
    """.split())  # fmt: skip  # noqa: SIM905 -- same
"""``xml:base`` among them: it would move "beside" to anywhere."""
_NOT_OWN = ("http://www.w3.org/", "http://saxon.sf.net/", "java:", "http://exslt.org/", "http://expath.org/")
"""Namespaces in which a stylesheet cannot define a function, only seem to."""


def unsafe_parts(root: etree._Element) -> list[str]:
    """What ``root``, a stylesheet, uses that is not allowed: names of instructions, attributes and functions."""
    own = set(_own_functions(root))
    found: dict[str, None] = {}
    for node in root.iter(etree.Element):
        for part in _unsafe_in(node, own):
            found[part] = None
    return list(found)


def _own_functions(root: etree._Element) -> Iterator[_Name]:
    """What the stylesheet really defines: a definition elsewhere than at the top is ignored when it runs."""
    for node in root.iterchildren(f"{XSL}function"):
        namespace, local = _resolved(node.get("name", ""), node)
        if namespace and not namespace.startswith(_NOT_OWN):
            yield namespace, local


def _unsafe_in(node: etree._Element, own: set[_Name]) -> Iterator[str]:
    name = str(node.tag)
    instruction = name.startswith(XSL)
    if instruction and name.removeprefix(XSL) not in _INSTRUCTIONS:
        yield f"xsl:{name.removeprefix(XSL)}"
    for attribute, value in node.attrib.items():
        plain = etree.QName(attribute).localname
        if plain in _FORBIDDEN_ATTRIBUTES or (instruction and plain.startswith("_")):
            yield f"@{plain}"
        whole = [str(value)] if instruction else []
        braces = [] if instruction and plain in _EXPRESSIONS else _after_braces(str(value))
        for expression in (*whole, *braces):
            yield from _unsafe_calls(expression, node, own)


def _after_braces(value: str) -> Iterator[str]:
    """What may be an expression in an attribute value template: from every brace to the end, wherever it closes."""
    return (value[at + 1 :] for at, character in enumerate(value) if character == "{")


def _unsafe_calls(expression: str, node: etree._Element, own: set[_Name]) -> Iterator[str]:
    code = _without_texts(expression)
    if "#" in code or "Q{" in code:
        yield "a function named by # or Q{}"
    for called in _CALL.findall(_AXIS.sub("", _BESIDE.sub("0", code))):
        namespace, name = resolved = _resolved(called, node)
        known = namespace == _TYPES or (namespace == _FN and name in _FUNCTIONS)
        if not known and resolved not in own:
            yield f"{called}()"


def _resolved(name: str, node: etree._Element) -> _Name:
    """Namespace and local name: the same prefix may stand for another namespace elsewhere in the file."""
    prefix, _, local = name.rpartition(":")
    return (node.nsmap.get(prefix) if prefix else _FN), local


def _without_texts(expression: str) -> str:
    """``expression`` with texts emptied, but for plain file names, and a blank for every comment (they nest)."""
    parts: list[str] = []
    depth = at = 0
    while at < len(expression):
        if depth:
            step = expression[at : at + 2]
            depth += (step == "(:") - (step == ":)")
            at += 2 if step in {"(:", ":)"} else 1
            continue
        match = _TOKEN.match(expression, at)
        piece = match.group() if match else expression[at]
        at += len(piece)
        if piece == "(:":
            depth = 1
            piece = " "
        text = len(piece) > 1 and piece[0] in "\"'" and not _FILE_NAME.fullmatch(piece)
        parts.append("''" if text else piece)
    return "".join(parts)
