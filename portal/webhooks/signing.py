"""Signatures of webhooks by the Standard Webhooks scheme, version 1: HMAC-SHA-256 over id, instant and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from config.secrets import new_token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PREFIX = "whsec_"


def new_secret() -> str:
    """A secret as both sides keep it: 256 random bits in base64 after its prefix."""
    return PREFIX + base64.b64encode(new_token()).decode()


def signed_headers(secrets: Sequence[str], webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of the scheme; with several secrets the signature of each, so that either side can change."""
    stamp = str(int(at.timestamp()))
    signatures = " ".join(_sign(each, webhook_id, stamp, body) for each in secrets)
    return {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": signatures}


def _sign(secret: str, webhook_id: str, stamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mac = hmac.digest(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac).decode()}"
