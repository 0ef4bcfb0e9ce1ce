"""The form that connects a platform: what was typed, read with care; the secret goes back to the browser sealed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from config.secrets import SealBrokenError
from einvoice.platform.settings import KNOWN_DRIVERS, PlatformDriver, PlatformSettings
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.secrets import Keyring

OTHER = "other"
"""The choice of a platform whose addresses are typed."""
LONGEST = 500
DEPARTURES = {
    "omit_processing_rule": note_text("Elle refuse le champ processingRule"),
    "omit_flow_profile": note_text("Elle refuse le champ flowProfile"),
    "secret_in_body": note_text("Elle veut le secret dans le formulaire (client_secret_post)"),
}
"""Known departures from XP Z12-013, as check boxes."""
CHORUS_SCOPE = "openid"
"""The scope of PISTE's tokens."""
_PURPOSE = "platform-form"
URLS = ("base_url", "token_url", "directory_url")
_TEXTS = ("driver", "label", *URLS, "client_id", "organization_id", "matricule")
_MATRICULE = re.compile(r"[0-9A-Z]{4}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed. ``faults`` names the fields that are wrong, each with what to do."""

    driver: str = ""
    label: str = ""
    base_url: str = ""
    token_url: str = ""
    directory_url: str = ""
    departures: frozenset[str] = frozenset()
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    technical_account: str = field(default="", repr=False)
    organization_id: str = ""
    matricule: str = ""
    reporting: str = "platform"
    serves: str = "all"
    faults: Mapping[str, str] = field(default_factory=dict)


def drivers() -> dict[str, PlatformDriver]:
    """The platforms whose addresses are known."""
    return dict(KNOWN_DRIVERS)


def label_of(name: str) -> str:
    """What people call the platform of a driver."""
    known = drivers().get(name)
    return known.title if known else name


def read_asked(given: Mapping[str, str], keyring: Keyring, owner: str) -> Asked:
    """The form as it came in; ``owner`` is whose browser a sealed secret must have been given to."""
    text: dict[str, Any] = {name: _clean(given.get(name, "")) for name in _TEXTS}
    kept_secret, kept_account = _unseal(given.get("sealed_secret", ""), keyring, owner)
    text["matricule"] = text["matricule"].upper()
    public_only = _is_chorus(text["driver"])
    asked = Asked(
        **text,
        departures=frozenset(name for name in DEPARTURES if given.get(name)),
        client_secret=given.get("client_secret", "").strip()[:LONGEST] or kept_secret,
        technical_account=given.get("technical_account", "").strip()[:LONGEST] or kept_account,
        reporting="own" if given.get("reporting") == "own" else "platform",
        serves="public" if public_only or given.get("serves") == "public" else "all",
    )
    return replace(asked, faults=_faults(asked))


def settings_of(asked: Asked) -> PlatformSettings:
    """The settings that a faultless form stands for.

    Raises:
        ValueError: an address cannot be used; see the fault that :func:`read_asked` notes.
    """
    return PlatformSettings(
        driver=_driver_of(asked),
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        technical_account=asked.technical_account if _is_chorus(asked.driver) else None,
        scope=CHORUS_SCOPE if _is_chorus(asked.driver) else None,
        organization_id=asked.organization_id or None,
        reporting="own" if asked.reporting == "own" else "platform",
        serves="public" if asked.serves == "public" else "all",
    )


def asked_of(settings: PlatformSettings, label: str) -> Asked:
    """The form of an account that exists; without its secret."""
    driver = settings.driver
    return Asked(
        driver=driver.name if _is_known(driver) else OTHER,
        label=label,
        base_url=driver.base_url,
        token_url=driver.token_url,
        directory_url=driver.directory_url or "",
        departures=frozenset(name for name in DEPARTURES if getattr(driver, name)),
        client_id=settings.client_id,
        organization_id=settings.organization_id or "",
        matricule=driver.matricule or "",
        reporting=settings.reporting,
        serves=settings.serves,
    )


def label_asked(asked: Asked) -> str:
    """What the account is called in lists."""
    return label_of(asked.driver) if asked.driver != OTHER else asked.label


def seal_secret(asked: Asked, keyring: Keyring, owner: str) -> str:
    """The secret for the page that asks to save: sealed, and of use to the same session only."""
    if not asked.client_secret:
        return ""
    return keyring.seal(json.dumps([owner, asked.client_secret, asked.technical_account]), _PURPOSE).decode()


def _unseal(sealed: str, keyring: Keyring, owner: str) -> tuple[str, str]:
    try:
        whose, secret, account = json.loads(keyring.unseal(sealed.encode(), _PURPOSE)) if sealed else ("", "", "")
    except (SealBrokenError, ValueError):
        return "", ""
    return (secret, account) if whose == owner else ("", "")


def _is_known(driver: PlatformDriver) -> bool:
    """Whether a driver is the shipped one of its name; its registration number may have been typed."""
    known = drivers().get(driver.name)
    return known is not None and driver == replace(known, matricule=driver.matricule)


def _is_chorus(name: str) -> bool:
    known = drivers().get(name)
    return known is not None and known.kind == "chorus_pro"


def _clean(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()[:LONGEST]


def _driver_of(asked: Asked) -> PlatformDriver:
    if asked.driver != OTHER:
        known = drivers()[asked.driver]
        return replace(known, matricule=asked.matricule or known.matricule)
    flags: dict[str, Any] = {name: name in asked.departures for name in DEPARTURES}
    return PlatformDriver(
        name=OTHER,
        base_url=asked.base_url.rstrip("/").removesuffix("/v1"),
        token_url=asked.token_url,
        directory_url=asked.directory_url.rstrip("/").removesuffix("/v1") or None,
        matricule=asked.matricule or None,
        **{name: flag for name, flag in flags.items() if name in {each.name for each in fields(PlatformDriver)}},
    )


def _faults(asked: Asked) -> dict[str, str]:
    found = {}
    if asked.driver not in {*drivers(), OTHER}:
        found["driver"] = gettext("Choisissez votre plateforme.")
    if asked.driver == OTHER:
        found |= _faults_of_addresses(asked)
    if not asked.client_id:
        found["client_id"] = gettext("Donnez l'identifiant client (client_id) que la plateforme vous a remis.")
    if not asked.client_secret:
        found["client_secret"] = gettext("Donnez le secret client : il n'est jamais montré de nouveau.")
    if not asked.organization_id.isascii():
        found["organization_id"] = gettext("Donnez l'organisation en lettres et chiffres sans accent.")
    if _is_chorus(asked.driver) and ":" not in asked.technical_account:
        found["technical_account"] = gettext(
            "Donnez le compte technique de Chorus Pro, sous la forme login:mot de passe."
        )
    if fault := _fault_of_matricule(asked):
        found["matricule"] = fault
    return found


def _fault_of_matricule(asked: Asked) -> str:
    """What is wrong with the platform's number, which every declaration names as its sender (A7 G6.22)."""
    known = drivers().get(asked.driver)
    given = asked.matricule or (known.matricule if known else None) or ""
    if not given and asked.reporting == "own":
        return gettext("Donnez le matricule de la plateforme : chaque déclaration le porte. Elle le communique.")
    if given and not _MATRICULE.fullmatch(given):
        return gettext("Un matricule a 4 caractères, chiffres ou lettres.")
    return ""


def _faults_of_addresses(asked: Asked) -> dict[str, str]:
    found = {}
    if not asked.label:
        found["label"] = gettext("Donnez un nom à cette plateforme.")
    for name in URLS:
        url = getattr(asked, name)
        if not url and name == "directory_url":
            continue
        try:
            PlatformDriver(OTHER, url, url)
        except ValueError:
            found[name] = gettext("Donnez une adresse complète en https://, sans identifiant ni paramètre.")
    return found
