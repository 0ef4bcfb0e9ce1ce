"""Test a connection to a platform, step by step, with the client that will use it; nothing is sent or changed there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from authlib.integrations.base_client import OAuthError

from config.clock import now
from einvoice.platform.directory import NO_PLATFORM, DirectoryClient, LineStatus
from einvoice.platform.opening import open_platform
from einvoice.platform.port import PlatformBusyError, PlatformError, PlatformRefusedError, PlatformUnauthorisedError
from portal.staff.platform.address import look_at_addresses
from portal.staff.platform.steps import Outcome, Step, StepName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.outgoing import Reach
    from einvoice.platform.chorus import ChorusPlatform
    from einvoice.platform.client import AfnorPlatform
    from einvoice.platform.directory import DirectoryLine
    from einvoice.platform.settings import PlatformSettings

    Client = AfnorPlatform | ChorusPlatform

READ_S = 10.0
"""A person waits for the answer: a platform that needs longer for these small calls is not well."""
LOOK_BACK = timedelta(minutes=5)
MOST_LINES = 100
MOST_TOLD = 300
_NO_RIGHT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_HERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True)
class Ourselves:
    """Whom the directory must know: our SIREN, and the address on which statuses reach us (BT-34)."""

    siren: str
    address: str


def try_connection(settings: PlatformSettings, ourselves: Ourselves, *, reach: Reach) -> tuple[Step, ...]:
    """Every step of the test; what needs a step that failed is not tried."""
    driver = settings.driver
    urls = [driver.token_url, driver.base_url, *([driver.directory_url] if driver.directory_url else [])]
    first = look_at_addresses(urls, reach=reach)
    if first.outcome is Outcome.FAILED:
        return (first, *_skipped(list(StepName)[1:]))
    impatient = replace(settings, read_timeout_s=min(READ_S, settings.read_timeout_s))
    platform = open_platform(impatient, reach)
    token = _token(platform)
    if token.outcome is Outcome.FAILED:
        return (first, token, *_skipped(list(StepName)[2:]))
    return (
        first,
        token,
        _health(platform),
        _search(platform),
        *_directory(impatient, ourselves, reach),
        _webhooks(platform),
    )


def _skipped(names: Iterable[StepName]) -> list[Step]:
    return [Step(name, Outcome.SKIPPED, "skipped.earlier") for name in names]


def _token(platform: Client) -> Step:
    try:
        platform.authenticate()
    except PlatformUnauthorisedError as error:
        if isinstance(error.__cause__, OAuthError):
            refusal = str(error.__cause__.error or "")
            return Step(StepName.TOKEN, Outcome.FAILED, "token.refused", {"told": refusal[:MOST_TOLD]})
        return Step(StepName.TOKEN, Outcome.FAILED, "token.no_token")
    except PlatformError as error:
        return _failed(StepName.TOKEN, error)
    return Step(StepName.TOKEN, Outcome.PASSED)


def _health(platform: Client) -> Step:
    """Some platforms have no health check: its absence says nothing as long as they answer a search."""
    healthy = platform.health()
    return Step(StepName.HEALTH, Outcome.PASSED if healthy else Outcome.WARNED, "" if healthy else "health.silent")


def _search(platform: Client) -> Step:
    try:
        platform.search(now() - LOOK_BACK)
    except PlatformUnauthorisedError:
        return Step(StepName.SEARCH, Outcome.FAILED, "search.no_right")
    except PlatformRefusedError as error:
        if error.http_status in _NO_RIGHT:
            return Step(StepName.SEARCH, Outcome.FAILED, "search.no_right")
        if error.http_status in _NOT_HERE or error.http_status < HTTPStatus.BAD_REQUEST:
            return Step(StepName.SEARCH, Outcome.FAILED, "search.wrong_address")
        return _failed(StepName.SEARCH, error)
    except PlatformError as error:
        return _failed(StepName.SEARCH, error)
    return Step(StepName.SEARCH, Outcome.PASSED)


def _directory(settings: PlatformSettings, ourselves: Ourselves, reach: Reach) -> tuple[Step, Step]:
    """Whether the directory answers, and whether it knows us at the address where we wait for statuses."""
    if settings.driver.directory_url is None:
        return (
            Step(StepName.DIRECTORY, Outcome.SKIPPED, "directory.none"),
            Step(StepName.OURSELVES, Outcome.SKIPPED, "directory.none"),
        )
    try:
        found = DirectoryClient(settings, reach).lines_of(ourselves.siren, MOST_LINES)
    except PlatformRefusedError as error:
        right = error.http_status in _NO_RIGHT
        why = "directory.no_right" if right else "directory.refused"
        facts = {} if right else {"told": error.told[:MOST_TOLD]}
        return Step(StepName.DIRECTORY, Outcome.WARNED, why, facts), _skipped([StepName.OURSELVES])[0]
    except PlatformError as error:
        return replace(_failed(StepName.DIRECTORY, error), outcome=Outcome.WARNED), _skipped([StepName.OURSELVES])[0]
    return Step(StepName.DIRECTORY, Outcome.PASSED), _are_we_there(found.results, ourselves)


def _are_we_there(lines: tuple[DirectoryLine, ...], ourselves: Ourselves) -> Step:
    """BT-34 must be one of our own open lines, or statuses do not come back."""
    facts = {"siren": ourselves.siren, "address": ourselves.address}

    def warned(why: str) -> Step:
        return Step(StepName.OURSELVES, Outcome.WARNED, why, facts)

    if not lines:
        return warned("ourselves.unknown")
    mine = next((line for line in lines if line.address == ourselves.address), None)
    if mine is None:
        facts["others"] = ", ".join(line.address for line in lines[:5])
        return warned("ourselves.other_address")
    if mine.platform == NO_PLATFORM:
        return warned("ourselves.no_platform")
    if mine.status is LineStatus.UNKNOWN:
        return warned("ourselves.no_status")
    if mine.status is not LineStatus.ENABLED:
        return warned("ourselves.not_open")
    return Step(StepName.OURSELVES, Outcome.PASSED, "", facts)


def _webhooks(platform: Client) -> Step:
    """Only asked for, not subscribed: whether the platform could call us back instead of being polled."""
    try:
        platform.subscriptions()
    except PlatformRefusedError as error:
        why = "webhooks.no_right" if error.http_status in _NO_RIGHT else "webhooks.none"
        return Step(StepName.WEBHOOKS, Outcome.WARNED, why)
    except PlatformError:
        return Step(StepName.WEBHOOKS, Outcome.WARNED, "webhooks.silent")
    return Step(StepName.WEBHOOKS, Outcome.PASSED)


def _failed(name: StepName, error: PlatformError) -> Step:
    """A step that met something which other steps may meet as well."""
    if isinstance(error, PlatformBusyError):
        return Step(name, Outcome.FAILED, "any.busy")
    if isinstance(error, PlatformRefusedError):
        return Step(name, Outcome.FAILED, "any.refused", {"told": error.told[:MOST_TOLD]})
    return Step(name, Outcome.FAILED, "any.silent", {"told": str(error)[:MOST_TOLD]})
