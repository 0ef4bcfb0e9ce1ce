"""Which rights a restricted key lacks: each is asked for in a way that changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.gateways.port import GatewayRefusedError, MissingRight
from payments.gateways.stripe.calls import StripeCalls, asking, is_forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

NOBODY = "quittance_asks_for_rights"
"""An id that no object has: a right is judged before the object is looked for."""


class Right(NamedTuple):
    """A right by Stripe's name, the request that needs it, and what we need it for."""

    name: str
    method: str
    path: str
    params: Mapping[str, object]
    needed_for: str
    needed_for_fr: str


RIGHTS = (
    Right(
        "checkout_session_write",
        "post",
        "/v1/checkout/sessions",
        {},
        "open payment pages",
        "ouvrir les pages de paiement",
    ),
    Right(
        "payment_intent_write",
        "post",
        "/v1/payment_intents",
        {},
        "charge saved methods",
        "débiter les moyens enregistrés",
    ),
    Right("customer_write", "post", f"/v1/customers/{NOBODY}", {}, "open customers", "ouvrir les clients"),
    Right(
        "payment_method_write",
        "post",
        f"/v1/payment_methods/{NOBODY}/detach",
        {},
        "forget saved methods",
        "oublier les moyens enregistrés",
    ),
    Right("charge_write", "post", "/v1/refunds", {"payment_intent": NOBODY}, "refund payments", "rembourser"),
    Right("dispute_write", "post", f"/v1/disputes/{NOBODY}", {}, "answer disputes", "répondre aux contestations"),
    Right("file_write", "post", "/v1/files", {"base": "files"}, "hand in evidence", "déposer des preuves"),
    Right("event_read", "get", "/v1/events", {"limit": 1}, "find missed messages", "retrouver les messages manqués"),
    Right("payout_read", "get", "/v1/payouts", {"limit": 1}, "follow payouts", "suivre les versements"),
    Right(
        "balance_transaction_source_read",
        "get",
        "/v1/balance_transactions",
        {"limit": 1},
        "compare with the books",
        "comparer avec les livres",
    ),
    Right("balance_read", "get", "/v1/balance", {}, "compare the balance", "comparer le solde"),
)
"""What the adapter does, one request per right. Writing implies reading."""


class Rights(StripeCalls):
    """Rights of our key."""

    def missing_rights(self) -> tuple[MissingRight, ...]:
        """What the key may not do of :data:`RIGHTS`; eleven requests, none of which changes anything.

        Raises:
            GatewayRefusedError: The key itself is not accepted.
            GatewayUnreachableError: Stripe did not answer.
        """
        return tuple(_missing(right) for right in RIGHTS if self._lacks(right))

    def _lacks(self, right: Right) -> bool:
        try:
            with asking(f"say whether the key may {right.needed_for}", changes=False):
                self._client.raw_request(right.method, right.path, **right.params)
        except GatewayRefusedError as error:
            if is_forbidden(error):
                return True
            if is_unknown_key(error):
                raise
        return False


def is_unknown_key(error: GatewayRefusedError) -> bool:
    """Whether Stripe does not know the key at all (HTTP 401)."""
    return getattr(error.__cause__, "http_status", None) == 401  # noqa: PLR2004 -- its name in HTTP is "unauthorized"


def _missing(right: Right) -> MissingRight:
    return MissingRight(
        right.name,
        f"The Stripe key may not {right.needed_for}: give it the right {right.name} in Stripe's dashboard, "
        "Developers, API keys.",
        f"La clé Stripe ne permet pas de {right.needed_for_fr} : donnez-lui le droit {right.name} dans le tableau de "
        "bord Stripe, Développeurs, Clés API.",
    )
