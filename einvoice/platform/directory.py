"""The directory (*annuaire*) of a platform over HTTP: AFNOR XP Z12-013, Directory Service 1.3.0.

It runs under the same OAuth 2 discipline as the flow service. Answers are read tolerantly, as platforms give them: 204
is a search that found nothing, 404 a resource that does not exist, and a line without status is just that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from config.outgoing import Reach
from einvoice.platform.answers import clean, object_in, unreadable
from einvoice.platform.port import PlatformError, PlatformRefusedError, PlatformUnreachableError
from einvoice.platform.session import PlatformSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from einvoice.platform.answers import Answer
    from einvoice.platform.settings import PlatformSettings

Kind = TypeVar("Kind")

NO_PLATFORM = "9998"
"""The "fictive" platform of a company that has named none yet (DG 3.5.5)."""
PUBLIC_PORTAL = "DFH"
"""``platformType`` of the State's platforms (UNCL 3035); WK is an approved platform."""
PAGE = 100
"""Results per page of a search; the norm states no maximum."""
_PLATFORM_NUMBERS = ("platformRegistrationNumber", "platformId", "matriculePlateforme")
"""Where platforms show the number (matricule) of the receiving platform: the norm has no field for it."""


class LineStatus(StrEnum):
    """What the directory says of a line; ``UNKNOWN`` where it says nothing that we know."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    UPCOMING = "Upcoming"
    UNKNOWN = "Unknown"


class Mesh(StrEnum):
    """What a line is about (*maille*): its address is made of these parts (DG 3.5.3)."""

    SIREN = "SIREN"
    SIRET = "SIREN_SIRET"
    ROUTING_CODE = "SIREN_SIRET_ROUTING"
    SUFFIX = "SIREN_SUFFIX"


@dataclass(frozen=True, slots=True)
class Demands:
    """What a public body wants to read on its invoices (``b2gAdditionalData``); ``None`` where it is not told."""

    service_code: bool | None = None
    commitment: bool | None = None
    either: bool | None = None


@dataclass(frozen=True, slots=True)
class LegalUnit:
    """A company (SIREN). ``entity_type`` is ``Public`` or ``PrivateVatRegistered``."""

    siren: str
    name: str | None = None
    entity_type: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Facility:
    """An establishment (SIRET)."""

    siret: str
    name: str | None = None
    closed: bool = False
    place: str | None = None
    demands: Demands | None = None


@dataclass(frozen=True, slots=True)
class RoutingCode:
    """A routing code (*code routage*, for a public body its service code), of one establishment."""

    code: str
    siret: str | None = None
    name: str | None = None
    closed: bool = False
    commitment: bool | None = None


@dataclass(frozen=True, slots=True)
class DirectoryLine:
    """One line: ``address`` is what BT-49 holds; ``platform`` the receiving platform's number where it is shown."""

    address: str
    status: LineStatus
    siren: str | None = None
    siret: str | None = None
    routing_code: str | None = None
    suffix: str | None = None
    platform_type: str | None = None
    platform: str | None = None
    code: RoutingCode | None = None
    facility: Facility | None = None
    unit: LegalUnit | None = None

    @property
    def mesh(self) -> Mesh:
        """What the line is about."""
        if self.routing_code:
            return Mesh.ROUTING_CODE
        if self.siret:
            return Mesh.SIRET
        return Mesh.SUFFIX if self.suffix else Mesh.SIREN

    @property
    def is_on_public_portal(self) -> bool:
        """Whether the State's platform receives: Chorus Pro for a public body, for a company that is nobody."""
        return self.platform == NO_PLATFORM or self.platform_type == PUBLIC_PORTAL


@dataclass(frozen=True, slots=True)
class Found(Generic[Kind]):
    """The results of a search; ``complete`` says whether these are all."""

    results: tuple[Kind, ...]
    complete: bool = True


class Directory(Protocol):
    """The directory as the house uses it. Every method may raise a ``PlatformError``."""

    def unit(self, siren: str) -> LegalUnit | None:
        """The company, or ``None`` where the directory does not know it."""
        ...

    def lines_of(self, siren: str, most: int) -> Found[DirectoryLine]:
        """The lines of a company, at most ``most``."""
        ...

    def facilities_of(self, siren: str, most: int) -> Found[Facility]:
        """The establishments of a company, at most ``most``."""
        ...


class DirectoryClient:
    """The directory service of one platform, under one client; may serve several threads.

    A failure is told at once and nothing is tried again here: whoever asks has kept answers, and no time.
    """

    def __init__(self, settings: PlatformSettings, reach: Reach = Reach.LOOPBACK) -> None:
        """Raises ``ValueError`` where the driver names no directory."""
        if settings.driver.directory_url is None:
            raise ValueError(f"Platform {settings.driver.name} offers no directory.")
        driver = replace(settings.driver, base_url=settings.driver.directory_url)
        self._order_name = driver.sorting_order_name
        self._session = PlatformSession(replace(settings, driver=driver), reach)

    def unit(self, siren: str) -> LegalUnit | None:
        """The company ``siren``, or ``None`` where the directory does not know it."""
        body = self._get(f"/v1/siren/code-insee:{quote(siren, safe='')}")
        return read_unit(body) if body else None

    def facility(self, siret: str) -> Facility | None:
        """The establishment ``siret``, or ``None``."""
        body = self._get(f"/v1/siret/code-insee:{quote(siret, safe='')}")
        return read_facility(body) if body else None

    def routing_code(self, siret: str, code: str) -> RoutingCode | None:
        """One routing code of an establishment, or ``None``."""
        body = self._get(f"/v1/routing-code/siret:{quote(siret, safe='')}/code:{quote(code, safe='')}")
        return read_routing_code(body) if body else None

    def line(self, address: str) -> DirectoryLine | None:
        """The line with this address (BT-49), or ``None``."""
        body = self._get(f"/v1/directory-line/code:{quote(address, safe='')}")
        return read_line(body) if body else None

    def search_units(self, name: str, most: int = PAGE) -> Found[LegalUnit]:
        """Companies whose name contains ``name``, at most ``most``."""
        filters = {"businessName": {"op": "contains", "value": name}}
        return self._search("/v1/siren/search", filters, "siren", read_unit, most=most)

    def facilities_of(self, siren: str, most: int = PAGE) -> Found[Facility]:
        """The establishments of a company, at most ``most``."""
        return self._search("/v1/siret/search", {"siren": _strict(siren)}, "siret", read_facility, most=most)

    def lines_of(self, siren: str, most: int = PAGE) -> Found[DirectoryLine]:
        """The lines of a company with what belongs to them, at most ``most``."""
        return self._search(
            "/v1/directory-line/search",
            {"siren": _strict(siren)},
            "addressingIdentifier",
            read_line,
            most=most,
            include=["siren", "siret", "routingCode"],
        )

    def health(self) -> bool:
        """Whether the directory answers its health check; never raises for one that is down."""
        try:
            self._call("GET", "/v1/healthcheck")
        except PlatformError:
            return False
        return True

    def _get(self, path: str) -> dict[str, Any] | None:
        """The resource; ``None`` for 404, and for an answer without content."""
        try:
            answer = self._call("GET", path)
        except PlatformRefusedError as error:
            if error.http_status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return None if _is_empty(answer) else object_in(answer)

    def _search(
        self,
        path: str,
        filters: Mapping[str, Any],
        order_by: str,
        read: Callable[[Any], Kind],
        *,
        most: int,
        include: list[str] | None = None,
    ) -> Found[Kind]:
        """Page after page by ``ignore``, in one order, until a page is not full or ``most`` are there."""
        found: list[Kind] = []
        while len(found) < most:
            limit = min(PAGE, most - len(found))
            request: dict[str, Any] = {
                "filters": filters,
                "sorting": [{"field": order_by, self._order_name: "ascending"}],
                "limit": limit,
                "ignore": len(found),
            }
            if include:
                request["include"] = include
            results, total = self._page(path, request)
            found += [read(each) for each in results]
            if len(results) < limit or total == len(found):
                return Found(tuple(found))
        return Found(tuple(found[:most]), complete=False)

    def _page(self, path: str, request: dict[str, Any]) -> tuple[list[Any], int]:
        try:
            answer = self._call("POST", path, json=request)
        except PlatformRefusedError as error:
            if error.http_status == HTTPStatus.NOT_FOUND:  # some answer a search without result so
                return [], 0
            raise
        if _is_empty(answer):
            return [], 0
        body = object_in(answer)
        results, total = body.get("results"), body.get("totalNumberOfResults", -1)
        if not isinstance(results, list):
            raise unreadable("results")
        return results, total if isinstance(total, int) else -1

    def _call(self, method: str, path: str, **content: Any) -> Answer:
        """One call; 408 is a directory that was too slow, not a refusal."""
        try:
            return self._session.call(method, path, patient=False, **content)
        except PlatformRefusedError as error:
            if error.http_status == HTTPStatus.REQUEST_TIMEOUT:
                raise PlatformUnreachableError(
                    "The directory took too long (HTTP 408).", "L'annuaire a mis trop de temps (HTTP 408)."
                ) from error
            raise


def _strict(value: str) -> dict[str, str]:
    return {"op": "strict", "value": value}


def _is_empty(answer: Answer) -> bool:
    return answer.status == HTTPStatus.NO_CONTENT or not answer.body.strip()


# --- what the directory answers --------------------------------------------------------------------------------------


def read_unit(body: Any) -> LegalUnit:
    """A legal unit; raises ``platform.unreachable`` where there is no SIREN."""
    told = _object(body, "siren")
    return LegalUnit(
        siren=str(told["siren"]),
        name=_text(told, "businessName"),
        entity_type=_text(told, "entityType"),
        closed=told.get("administrativeStatus") == "C",
    )


def read_facility(body: Any) -> Facility:
    """An establishment; raises ``platform.unreachable`` where there is no SIRET."""
    told = _object(body, "siret")
    address = told.get("address") if isinstance(told.get("address"), dict) else {}
    parts = [_text(address or {}, "postalCode"), _text(address or {}, "locality")]
    return Facility(
        siret=str(told["siret"]),
        name=_text(told, "name"),
        closed=told.get("administrativeStatus") == "C",
        place=" ".join(part for part in parts if part) or None,
        demands=_demands(told.get("b2gAdditionalData")),
    )


def read_routing_code(body: Any) -> RoutingCode:
    """A routing code; the norm names its flag in two ways, real answers say ``managesLegalCommitmentCode``."""
    told = _object(body, "routingIdentifier")
    return RoutingCode(
        code=str(told["routingIdentifier"]),
        siret=_text(told, "siret"),
        name=_text(told, "routingCodeName"),
        closed=told.get("administrativeStatus") == "C",
        commitment=_flag(told, "managesLegalCommitmentCode", "managesLegalCommitment"),
    )


def read_line(body: Any) -> DirectoryLine:
    """A directory line; raises ``platform.unreachable`` where there is no address."""
    told = _object(body, "addressingIdentifier")
    status = _text(told, "directoryLineStatus")
    code, facility, unit = told.get("routingCode"), told.get("facility"), told.get("legalUnit")
    return DirectoryLine(
        address=str(told["addressingIdentifier"]),
        status=LineStatus(status) if status in set(LineStatus) else LineStatus.UNKNOWN,
        siren=_text(told, "siren"),
        siret=_text(told, "siret"),
        routing_code=_text(told, "routingIdentifier"),
        suffix=_text(told, "addressingSuffix"),
        platform_type=_text(told, "platformType"),
        platform=next((number for name in _PLATFORM_NUMBERS if (number := _text(told, name))), None),
        code=read_routing_code(code) if isinstance(code, dict) and _text(code, "routingIdentifier") else None,
        facility=read_facility(facility) if isinstance(facility, dict) and _text(facility, "siret") else None,
        unit=read_unit(unit) if isinstance(unit, dict) and _text(unit, "siren") else None,
    )


def _demands(told: Any) -> Demands | None:
    if not isinstance(told, dict) or not told:
        return None
    return Demands(
        service_code=_flag(told, "serviceCodeStatus"),
        commitment=_flag(told, "managesLegalCommitmentCode", "managesLegalCommitment"),
        either=_flag(told, "managesLegalCommitmentOrServiceCode", "managesLegalCommitmentOrService"),
    )


def _object(body: Any, key: str) -> dict[str, Any]:
    if not isinstance(body, dict) or _text(body, key) is None:
        raise unreadable(key)
    return {**body, key: _text(body, key)}


def _text(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return clean(value).strip() or None if isinstance(value, str | int) and not isinstance(value, bool) else None


def _flag(told: Mapping[str, Any], *names: str) -> bool | None:
    return next((told[name] for name in names if isinstance(told.get(name), bool)), None)
