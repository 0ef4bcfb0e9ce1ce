"""Changes at a provider: made again after a lost answer, and in doubt until one try succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from payments.gateways.port import GatewayInDoubtError, GatewayUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def try_change(call: Callable[[], Answer], retries: int) -> Answer:
    """Make a change with one key, ``retries`` times again after a lost answer.

    Raises:
        GatewayInDoubtError: one try may have been heard, and none succeeded.
        GatewayUnreachableError: no try was heard.
    """
    doubt: GatewayInDoubtError | None = None
    for tries_left in range(retries, -1, -1):
        try:
            return call()
        except GatewayInDoubtError as error:
            doubt = error
        except GatewayUnreachableError:
            if not doubt and not tries_left:
                raise
    raise doubt or ValueError("Network retries must not be negative.")
