"""The sign-in providers of this house: what the sign-in page offers, and what is kept of one until signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from flask import current_app, url_for

from config.secrets import SealBrokenError
from config.settings import FIRST_PROVIDER
from portal.access.context import services
from portal.access.oidc import Provider

if TYPE_CHECKING:
    from config.secrets import Keyring
    from config.sign_in_providers import SignInProvider

KNOWN = "quittance.sign-in providers"
PURPOSE = "sign-in-provider"
MOST_KEPT = 3600
"""Characters: browsers keep cookies of 4,096 bytes, name and attributes included."""


def sign_in_providers() -> tuple[SignInProvider, ...]:
    """Those of the house, for its sign-in page."""
    return services().settings.providers


def provider_address(name: str) -> str:
    """Where a button leads."""
    if name == FIRST_PROVIDER:
        return url_for("sign_in_provider.begin")
    return url_for("sign_in_provider.begin_at", name=name)


def find_provider(name: str) -> Provider | None:
    """A provider of this app, with what it told before; ``None`` in a house without."""
    house = services()
    config = next((each for each in house.settings.providers if each.name == name), None)
    if config is None:
        return None
    opened: dict[str, Provider] = current_app.extensions.setdefault(KNOWN, {})
    back = f"{house.settings.public_url}{provider_address(name)}/back"
    return opened.setdefault(name, Provider(config, house.reach, back))


def seal_way_out(keyring: Keyring, name: str, id_token: str) -> str:
    """What a browser keeps until it signs out; a token that no cookie holds is left away."""
    for kept in (id_token, ""):
        sealed = keyring.seal(orjson.dumps([name, kept]).decode(), PURPOSE).decode()
        if len(sealed) <= MOST_KEPT:
            return sealed
    return ""


def unseal_way_out(keyring: Keyring, sealed: str) -> tuple[str, str] | None:
    """The provider and its token, ``None`` where this is nothing of ours."""
    if not sealed.isascii() or len(sealed) > MOST_KEPT:
        return None
    try:
        name, id_token = orjson.loads(keyring.unseal(sealed.encode(), PURPOSE))
    except SealBrokenError:
        return None
    return str(name), str(id_token)
