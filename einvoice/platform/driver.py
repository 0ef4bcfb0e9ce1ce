"""What differs between platforms, as a file of settings: addresses, and known departures from XP Z12-013 1.3.0.

A platform that is not among the files shipped in ``drivers/`` is connected by a file that somebody writes; what is
wrong in one is told with its key and its line.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

from einvoice.errors import EInvoiceError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SHIPPED = Path(__file__).parent / "drivers"
MAX_DRIVER_BYTES = 64 * 1024
"""A larger file is no settings file."""
ADDRESSES = ("base_url", "token_url", "directory_url")
_WORDS = {str: "a text", bool: "true or false", float: "a number of seconds"}


class DriverFileError(EInvoiceError):
    """``platform.driver_file``: a driver file cannot be used; the sentence names the key and the line."""

    def __init__(self, sentence: str, sentence_fr: str) -> None:
        super().__init__("platform.driver_file", sentence, sentence_fr)


@dataclass(frozen=True, slots=True)
class PlatformDriver:
    """What is the same for every customer of one platform.

    ``base_url`` is the flow service without ``/v1``; ``token_url`` the OAuth 2 token endpoint. The flags are known
    departures from XP Z12-013 1.3.0.
    """

    name: str
    base_url: str
    token_url: str
    omit_processing_rule: bool = False
    """The platform refuses ``processingRule`` and computes it."""
    omit_flow_profile: bool = False
    """The platform refuses ``flowProfile``."""
    directory_url: str | None = None
    """The directory service without ``/v1``; None where the platform offers none."""
    sorting_order_name: Literal["order", "sortingOrder"] = "order"
    """How a search of its directory names the sense of sorting: ``order`` in the norm."""
    kind: Literal["afnor", "chorus_pro"] = "afnor"
    """The dialect: XP Z12-013, or Chorus Pro's own (public buyers alone)."""
    matricule: str | None = None
    """Its registration number of 4 characters (scheme 0238): every declaration (Flux 10) names it as sender."""
    secret_in_body: bool = False
    """The token endpoint wants the client secret in the form (``client_secret_post``) instead of a Basic header."""
    search_delay_s: float = 5.0
    """How long the platform's search may not know yet of a flow that it has: a flow in doubt is not sent again before
    this is over."""
    label: str = ""
    """The platform's name for people."""

    def __post_init__(self) -> None:
        for url in (getattr(self, name) for name in ADDRESSES):
            if url is None:
                continue
            if not _is_plain(url):
                raise ValueError(
                    f"{url!r} of platform {self.name} cannot be used: give a plain https address "
                    "(http only towards this machine)."
                )

    @property
    def title(self) -> str:
        """The name to show."""
        return self.label or self.name


def _is_plain(url: str) -> bool:
    """Whether an address names a host, by https or on this machine, and nothing beside its path."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # reads it: a ValueError where it is none
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    odd = "@" in parts.netloc or "\\" in url or not url.isprintable() or " " in url
    return bool(safe and parts.hostname and not (odd or parts.query or parts.fragment))


def read_driver(path: Path) -> PlatformDriver:
    """The driver in a TOML file.

    Raises:
        DriverFileError: it cannot be read, or a key is missing, unknown or of the wrong kind.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DRIVER_BYTES + 1)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}", f"est illisible : {error.strerror}") from error
    if len(content) > MAX_DRIVER_BYTES:
        raise _wrong(path, "is too large for a driver file", "est trop gros pour un fichier de pilote")
    try:
        text = content.decode()
        told = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise _wrong(path, "is no UTF-8 text", "n'est pas du texte UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"is no TOML: {error}", f"n'est pas du TOML : {error}") from error
    return _driver(path, text, told)


def drivers_in(folder: Path) -> dict[str, PlatformDriver]:
    """The drivers in a folder, by name; a folder that does not exist has none.

    Raises:
        DriverFileError: one of the files cannot be used.
    """
    read = [read_driver(path) for path in sorted(folder.glob("*.toml"))] if folder.is_dir() else []
    return {driver.name: driver for driver in read}


def _driver(path: Path, text: str, told: dict[str, Any]) -> PlatformDriver:
    hints = get_type_hints(PlatformDriver)
    for key, value in told.items():
        if key not in hints:
            known = ", ".join(hints)
            raise _wrong(
                path,
                f"has the unknown key {key!r}; known are {known}",
                f"a la clé inconnue {key!r} ; sont connues {known}",
                _line_of(text, key),
            )
        wanted = _wanted(hints[key], value)
        if wanted:
            raise _wrong(path, f"wants {wanted} for {key!r}", f"attend {wanted} pour {key!r}", _line_of(text, key))
    for each in fields(PlatformDriver):
        if each.default is MISSING and each.name not in told:
            raise _wrong(path, f"lacks the key {each.name!r}", f"n'a pas la clé {each.name!r}")
    try:
        return PlatformDriver(**told)
    except ValueError as error:
        key = next((name for name in ADDRESSES if repr(told.get(name)) in str(error)), ADDRESSES[0])
        sentence = str(error).rstrip(".")
        line = _line_of(text, key)
        raise _wrong(path, f"{key}: {sentence}", f"{key} : adresse inutilisable, {told[key]!r}", line) from error


def _wanted(hint: Any, value: Any) -> str | None:
    """What a key wants, where ``value`` is not it."""
    choices = get_args(hint)
    if choices and isinstance(choices[0], str):
        return None if value in choices else " or ".join(map(repr, choices))
    kind = next((each for each in choices if each is not type(None)), hint)
    if kind is float and type(value) is int and value >= 0:
        return None
    if type(value) is not kind or (kind is float and not 0 <= value < math.inf) or value == "":
        return _WORDS[kind]
    return None


def _line_of(text: str, key: str) -> int | None:
    """The line on which ``key`` stands."""
    pattern = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.\]]|\s*\[+\s*["']?{re.escape(key)}""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if key and pattern.match(line)), None)


def _wrong(path: Path, sentence: str, sentence_fr: str, line: int | None = None) -> DriverFileError:
    where, where_fr = (f", line {line},", f", ligne {line},") if line else ("", "")
    return DriverFileError(f"{path.name}{where} {sentence}.", f"{path.name}{where_fr} {sentence_fr}.")


KNOWN_DRIVERS: dict[str, PlatformDriver] = drivers_in(SHIPPED)
"""Platforms whose addresses and habits were seen in the field."""
