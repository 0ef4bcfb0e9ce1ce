"""The provider's errors: HTTP status, type, code and parameter, in its JSON shape."""

from __future__ import annotations

from typing import Any


class StripeRefusal(Exception):  # noqa: N818 - an answer of the simulated provider, not a failure of ours
    """An error answer of the simulated API."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        told = {"type": kind, "message": message, "code": code, "param": param, **more}
        self.error = {name: value for name, value in told.items() if value is not None}


def missing(kind: str, identifier: str, param: str = "id") -> StripeRefusal:
    """No such object."""
    return StripeRefusal(f"No such {kind}: '{identifier}'", status=404, code="resource_missing", param=param)
