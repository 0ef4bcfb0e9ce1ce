"""Installing a set of rules: recognised, checked, tried on an invoice of ours, then in force whole or not at all."""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from config import safe_xml
from config.clock import now
from einvoice.validation.rule_bundle import read_bundle
from einvoice.validation.rule_recognition import closure, recognise, version_number
from einvoice.validation.rule_sets import RuleFile, RulesError
from einvoice.validation.rule_trial import try_artefact
from einvoice.validation.standards import ALL_DEMANDS, LOADED, Artefact, StandardMissingError, Standards, identify
from einvoice.validation.stylesheet_safety import unsafe_parts
from einvoice.validation.verdict import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from einvoice.validation.rule_bundle import Bundle
    from einvoice.validation.rule_recognition import Recognised
    from einvoice.validation.rule_sets import RuleFolder, RuleSets
    from einvoice.validation.schematron import RulesEngine

_LOADING = tuple(
    f"{{http://www.w3.org/2001/XMLSchema}}{each}" for each in ("import", "include", "redefine", "override")
)
_BESIDE = re.compile(r"(?:\.\./|[\w.-]+/)*[\w.-]+")
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_MOST_NAMED = 5
_DEMANDS = {demand.name: demand for demand in ALL_DEMANDS}


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did: the set, since when it is in force, and the rule files that were left aside.

    ``older`` names what now is judged by an older version than before: allowed, but worth a look.
    """

    folder: RuleFolder
    since: datetime
    left: tuple[str, ...]
    older: tuple[str, ...]


def install(
    sets: RuleSets, source: Path, engine: RulesEngine, *, name: str | None = None, since: datetime | None = None
) -> Installed:
    """Install the rules in the folder or zip ``source`` and put them in front from ``since`` (now) on.

    Raises:
        RulesError: see its codes; nothing was changed then.
    """
    bundle = read_bundle(source)
    chosen, left = recognise(bundle)
    content = _content(list(chosen.values()), bundle)
    key = _key(content)
    called = name or source.name.removesuffix(".zip")
    moment = since or now()
    with sets.staging() as staged:
        for place, data in content.items():
            path = staged / "set" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o400)
        files = {
            each.role.place: RuleFile(each.role.name, each.version, identify(staged / "set" / each.role.place))
            for each in chosen.values()
        }
        older = _compare(Standards(sets, at=moment), files)
        _try(staged / "set", files, engine)
        folder = sets.keep(staged / "set", key, called, files)
    sets.use(folder, moment)
    return Installed(folder, moment, tuple(left), older)


def _content(chosen: list[Recognised], bundle: Bundle) -> Bundle:
    """The set's files by their place in it: the recognised ones and everything that they load.

    Raises:
        RulesError: ``rules.side_file_missing``, ``rules.unsafe_stylesheet`` or ``rules.ambiguous``.
    """
    content: Bundle = {}
    for each in chosen:
        folder = posixpath.dirname(each.role.place)
        own = posixpath.basename(each.path)
        for relative, path in closure(each.path, bundle).items():
            place = each.role.place if relative == own else posixpath.normpath(posixpath.join(folder, relative))
            data = bundle[path]
            _check_file(path, place, data)
            if content.setdefault(place, data) != data:
                raise RulesError(
                    "rules.ambiguous",
                    f"Two different files claim the place {place} in the set. Install them one by one.",
                    f"Deux fichiers différents occupent la place {place} dans le jeu. Installez-les un par un.",
                )
    return content


def _check_file(path: str, place: str, data: bytes) -> None:
    """Refuse what would reach outside the set when it is used."""
    found: list[str] = []
    if place.startswith(("..", "/")):
        found = ["a path that leaves the set"]
    elif path.lower().endswith(".xsd"):
        found = list(_unsafe_in_grammar(data))
    else:
        found = _unsafe_in_xml(data, stylesheet=path.lower().endswith((".xslt", ".xsl")))
    if found:
        named = ", ".join(found[:_MOST_NAMED])
        raise RulesError(
            "rules.unsafe_stylesheet",
            f"{path} uses {named}: rules may only look at the document and at code lists beside them. Nothing was "
            "installed.",
            f"{path} emploie {named} : des règles ne regardent que le document et les listes de codes voisines. Rien "
            "n'a été installé.",
            place=path,
        )


def _unsafe_in_xml(data: bytes, *, stylesheet: bool) -> list[str]:
    """A stylesheet or a code list: SaxonC, which resolves every entity, will read it."""
    try:
        root = safe_xml.parse(data, max_bytes=len(data))
    except safe_xml.UnsafeXmlError as error:
        return [error.sentence]
    return unsafe_parts(root) if stylesheet else []


def _unsafe_in_grammar(data: bytes) -> Iterator[str]:
    """A grammar may have a DOCTYPE with plain abbreviations (XML Signature has one), and load what was looked at."""
    try:
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        yield f"no XML ({error})"
        return
    dtd = root.getroottree().docinfo.internalDTD
    for entity in dtd.iterentities() if dtd is not None else ():
        if entity.system_url or set(entity.content or "") & set("<&%"):
            yield "an entity from outside"
    seen = {(first or second) for first, second in LOADED.findall(data)}
    for node in root.iter(etree.Element):
        if _XML_BASE in node.attrib:
            yield "xml:base"
        location = node.get("schemaLocation") if node.tag in _LOADING else None
        if location is not None and (location.encode() not in seen or not _BESIDE.fullmatch(location)):
            yield f"the grammar {location!r}"


def _key(content: Bundle) -> str:
    digest = hashlib.sha256()
    for place in sorted(content):
        digest.update(place.encode() + b"\0" + hashlib.sha256(content[place]).digest())
    return digest.hexdigest()


def _compare(standards: Standards, files: dict[str, RuleFile]) -> tuple[str, ...]:
    """Of what older versions would take the place of newer ones.

    Raises:
        RulesError: ``rules.nothing_new``: every file is the one in force already.
    """
    new = False
    older: list[str] = []
    for file in files.values():
        present = _present(standards, file.name)
        if present is None or present.sha256 != file.sha256:
            new = True
        if present is not None and () < version_number(file.version) < version_number(present.version):
            older.append(f"{file.name}: {present.version} -> {file.version}")
    if not new:
        raise RulesError(
            "rules.nothing_new",
            "Every rule file of this set is already the one in force: nothing to install.",
            "Chaque fichier de règles de ce jeu est déjà celui en service : rien à installer.",
        )
    return tuple(older)


def _present(standards: Standards, name: str) -> RuleSet | None:
    try:
        return standards.artefact(_DEMANDS[name]).rule_set
    except StandardMissingError:
        return None


def _try(staged: Path, files: dict[str, RuleFile], engine: RulesEngine) -> None:
    """Compile every artefact and run it on our sample.

    Raises:
        RulesError: ``rules.does_not_compile`` or ``rules.refuses_our_sample``.
    """
    for place, file in files.items():
        demand = _DEMANDS[file.name]
        rule_set = RuleSet(file.name, file.version or "", file.sha256)
        try_artefact(Artefact(demand.layer, demand.kind, staged / place, rule_set), engine)
