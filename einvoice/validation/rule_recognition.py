"""Which rule file is which, told by its content: folder and file names differ from publisher to publisher.

A grammar is known by the namespace it describes, a compiled Schematron by its title and by the ids of its rules. The
version stands in the file, or in the comment of the Schematron source beside it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from config import safe_xml
from einvoice.validation.rule_sets import RulesError
from einvoice.validation.standards import LOADED, stated_version
from einvoice.validation.stylesheet_safety import XSL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.validation.rule_bundle import Bundle

_CII = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_CDAR = "urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
_UBL_CREDIT = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}schema"
_D22B = "100.D22B"
_MANY = 10
"""An EXTENDED-CTC-FR set has dozens of rules BR-FREXT; Factur-X EXTENDED repeats two of them."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a rule file is for (the name of a ``standards.Demand``), and where it stands in an installed set."""

    name: str
    place: str


def _facturx(profile: str, label: str, stem: str) -> tuple[Role, Role]:
    folder = f"facturx-{profile}"
    return (
        Role(f"Factur-X {label}", f"{folder}/FACTUR-X_{stem}.xslt"),
        Role(f"Factur-X {label} XSD", f"{folder}/Factur-X_{stem.replace('BASIC-WL', 'BASICWL')}.xsd"),
    )


_FACTURX = {
    "MINIMUM": _facturx("minimum", "MINIMUM", "MINIMUM"),
    "BASICWL": _facturx("basicwl", "BASIC WL", "BASIC-WL"),
    "BASIC": _facturx("basic", "BASIC", "BASIC"),
    "EN16931": _facturx("en16931", "EN 16931", "EN16931"),
    "EXTENDED": _facturx("extended", "EXTENDED", "EXTENDED"),
}
_TITLES = (
    ("BASIC without Lines", "BASICWL"),
    ("MINIMUM", "MINIMUM"),
    ("COMPLIANT-BASIC", "BASIC"),
    ("COMPLIANT (FULLY)", "EN16931"),
    ("CONFORMANT-EXTENDED", "EXTENDED"),
)
"""Part of the title of a Factur-X Schematron, and its profile."""
_RULES = {
    (_CII, "BR-CO"): Role("EN 16931 CII", "cii-en16931/EN16931-CII-validation.xslt"),
    (_UBL, "BR-CO"): Role("EN 16931 UBL", "ubl-2.1/EN16931-UBL-validation.xslt"),
    (_CII, "BR-FREXT"): Role("EXTENDED-CTC-FR CII", "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt"),
    (_UBL, "BR-FREXT"): Role("EXTENDED-CTC-FR UBL", "ubl-2.1/EXTENDED-CTC-FR-UBL.xslt"),
    (_CII, "BR-FR"): Role("BR-FR Flux 2 CII", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"),
    (_UBL, "BR-FR"): Role("BR-FR Flux 2 UBL", "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"),
    (_CDAR, "BR-FR"): Role("BR-FR-CDV CDAR", "cdar-schematron/BR-FR-CDV-Schematron-CDAR.xslt"),
    ("", "F10"): Role("Flux 10", "frr-schematron/Flux10.xslt"),
}
_GRAMMARS = {
    _UBL: Role("UBL 2.1 Invoice XSD", "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd"),
    _UBL_CREDIT: Role("UBL 2.1 CreditNote XSD", "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd"),
    _CDAR: Role("CDAR D22B XSD", "cdar-xsd/CrossDomainAcknowledgementAndResponse_100pD22B.xsd"),
}
_CII_D22B = Role("CII D22B XSD", "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd")
_FLUX10 = Role("Flux 10 XSD", "frr-xsd/ereporting.xsd")
_FACTURX_PART = re.compile(r"Factur-X_([\d.]+)_([A-Z0-9]+)_urn")
ROLES = frozenset(
    {*_RULES.values(), *_GRAMMARS.values(), _CII_D22B, _FLUX10, *(role for pair in _FACTURX.values() for role in pair)}
)
"""Every place that a rule file can take."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A rule file of a bundle: its role, the version that it states, and its content."""

    path: str
    role: Role
    version: str | None
    content: bytes
    advisory: bool = False
    """An edition for a transition, in which what is an error is only a warning."""


def recognise(bundle: Bundle) -> tuple[dict[Role, Recognised], list[str]]:
    """The file that fills each role, and the paths of rule files that are left aside.

    Raises:
        RulesError: ``rules.nothing_recognised`` or ``rules.ambiguous``.
    """
    known = [found for path in sorted(bundle) if (found := _recognise_file(path, bundle))]
    candidates: dict[Role, list[Recognised]] = {}
    for each in known:
        if not each.advisory:
            candidates.setdefault(each.role, []).append(each)
    if not candidates:
        raise RulesError(
            "rules.nothing_recognised",
            f"None of the {len(bundle)} files is a rule file that we use: XSD or compiled Schematron (XSLT) of CII, "
            "UBL, Factur-X, CDAR or Flux 10.",
            f"Aucun des {len(bundle)} fichiers n'est un fichier de règles utilisé ici : XSD ou Schematron compilé "
            "(XSLT) de CII, UBL, Factur-X, CDAR ou Flux 10.",
        )
    chosen = {role: _choose(found) for role, found in candidates.items()}
    taken = {each.path for each in chosen.values()}
    left = [path for path in sorted(bundle) if path.endswith((".xslt", ".xsl")) and path not in taken]
    return chosen, left


def closure(entry: str, bundle: Bundle) -> dict[str, str]:
    """The files that ``entry`` loads, and those that they load: path in the bundle by path as seen from ``entry``.

    Raises:
        RulesError: ``rules.side_file_missing``.
    """
    start = posixpath.dirname(entry)
    seen: dict[str, str] = {}
    waiting = [posixpath.basename(entry)]
    while waiting:
        relative = waiting.pop()
        path = posixpath.normpath(posixpath.join(start, relative))
        if path not in bundle:
            raise RulesError(
                "rules.side_file_missing",
                f"{posixpath.basename(entry)} loads {relative}, which is not in the set. Add it, e.g. the code list.",
                f"{posixpath.basename(entry)} charge {relative}, absent du jeu. Ajoutez-le, p. ex. la liste de codes.",
                place=entry,
            )
        if relative in seen:
            continue
        seen[relative] = path
        for first, second in LOADED.findall(bundle[path]):
            reference = (first or second).decode()
            if "://" not in reference:
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(relative), reference)))
    return seen


def _choose(candidates: list[Recognised]) -> Recognised:
    """The newest; copies that judge alike are one, copies that do not are the operator's to choose from."""
    newest = max(version_number(each.version) for each in candidates)
    best = [each for each in candidates if version_number(each.version) == newest]
    contents = {each.content for each in best}
    if len(contents) > 1 and len({_substance(content) for content in contents}) > 1:
        paths = ", ".join(each.path for each in best)
        raise RulesError(
            "rules.ambiguous",
            f"Several files are {best[0].role.name} and differ: {paths}. Give a folder with one of them.",
            f"Plusieurs fichiers sont {best[0].role.name} et diffèrent : {paths}. Indiquez un dossier qui n'en a "
            "qu'un.",
        )
    return best[0]


def version_number(version: str | None) -> tuple[int, ...]:
    """A version as numbers to compare, from its start (``1.4.0.03 (a set)``); none where it starts with a name."""
    stated = re.match(r"\d+(\.\d+)*", version or "")
    return tuple(int(part) for part in stated.group().split(".")) if stated else ()


def _recognise_file(path: str, bundle: Bundle) -> Recognised | None:
    if not path.lower().endswith((".xslt", ".xsl", ".xsd")):
        return None
    try:
        root = safe_xml.parse(bundle[path], max_bytes=len(bundle[path]))
    except safe_xml.UnsafeXmlError:
        return None
    if root.tag == _SCHEMA:
        return _recognise_grammar(path, root, bundle[path])
    if root.tag in {f"{XSL}stylesheet", f"{XSL}transform"}:
        return _recognise_rules(path, root, bundle)
    return None


def _recognise_grammar(path: str, root: etree._Element, content: bytes) -> Recognised | None:
    namespace, version = root.get("targetNamespace", ""), root.get("version")
    role = _GRAMMARS.get(namespace)
    parts = _FACTURX_PART.findall(content.decode(errors="replace")) if namespace == _CII else []
    if parts:
        role = _FACTURX.get(parts[0][1], (None, None))[1]
        version = max((part[0] for part in parts), key=version_number)
    elif namespace == _CII and version == _D22B:
        role = _CII_D22B
    elif not namespace and root.find(f"{_SCHEMA[:-6]}element[@name='Report']") is not None:
        role = _FLUX10
    if role is None:
        return None
    return Recognised(path, role, version, content)


def _recognise_rules(path: str, root: etree._Element, bundle: Bundle) -> Recognised | None:
    ids = [text for node in root.iter(f"{XSL}attribute") if node.get("name") == "id" and (text := node.text)]
    role = _facturx_role(root) or _RULES.get((_judged(root), _family(ids)))
    if role is None:
        return None
    flags = [node.text for node in root.iter(f"{XSL}attribute") if node.get("name") == "flag"]
    advisory = role.name.startswith("BR-FR") and flags.count("warning") > flags.count("fatal")
    text = bundle[path].decode(errors="replace")
    version = stated_version(text) or _source_version(path, bundle)
    return Recognised(path, role, version, bundle[path], advisory)


def _facturx_role(root: etree._Element) -> Role | None:
    titles = root.xpath("//*[local-name() = 'schematron-output']/@title")
    title = str(titles[0]) if isinstance(titles, list) and titles else ""
    if "Factur-X" not in title:
        return None
    return next((_FACTURX[profile][0] for part, profile in _TITLES if part in title), None)


def _judged(root: etree._Element) -> str:
    """The namespace of the documents that the rules are about; none for Flux 10."""
    declared = set(root.nsmap.values())
    return next((namespace for namespace in (_CDAR, _UBL, _CII) if namespace in declared), "")


def _family(ids: Iterable[str]) -> str:
    """What most tells the rules apart: ``BR-FREXT`` contains the norm's rules, ``BR-FR`` does not."""
    listed = list(ids)
    if sum(each.startswith("BR-FREXT") for each in listed) > _MANY:
        return "BR-FREXT"
    return next((family for family in ("BR-FR", "F10", "BR-CO") if any(e.startswith(family) for e in listed)), "")


def _substance(content: bytes) -> tuple[str, ...]:
    """What a file judges by: of a grammar everything, of rules their tests, contexts, functions and ids.

    Two copies of rules that differ only in their sentences judge alike.
    """
    root = safe_xml.parse(content, max_bytes=len(content))
    if root.tag == _SCHEMA:
        return (etree.tostring(root, encoding="unicode"),)
    return tuple(
        f"{node.tag!s} {sorted(node.attrib.items())} {node.text if node.get('name') in {'id', 'flag'} else ''}"
        for node in root.iter(etree.Element)
        if str(node.tag).startswith(XSL) and node.tag not in {f"{XSL}text", f"{XSL}value-of"}
    )


_SOURCE_VERSION = re.compile(r"_V?(\d+(?:\.\d+)+)|-V(\d+(?:\.\d+)+)")


def _source_version(path: str, bundle: Bundle) -> str | None:
    """The version in the head of the Schematron source of the same name that lies nearest."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    sources = [each for each in bundle if posixpath.basename(each) == f"{stem}.sch"]
    if not sources:
        return None
    nearest = max(sources, key=lambda each: len(posixpath.commonprefix([each, path])))
    head = bundle[nearest][:3000].decode(errors="replace")
    comment = re.search(r"Schematron \d[^\n]*", head)
    found = _SOURCE_VERSION.search(comment.group()) if comment else None
    return (found[1] or found[2]) if found else None
