"""Sign-in providers of the house (OpenID Connect): how each is reached, what is believed of it, and who may use it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

ANY_DOMAIN = "*"
OURS = frozenset(
    {
        "response_type",
        "response_mode",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
    }
)
"""Words of the question that are not for the settings to say."""
RESERVED = frozenset({"back", "out"})
"""Names that are addresses of their own."""


class Audience(StrEnum):
    """Whom a provider lets in."""

    STAFF = "staff"
    CUSTOMERS = "customers"
    BOTH = "both"


class SignInProvider(BaseModel):
    """One provider. What decides is said here, never by the provider of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """In its addresses: ``/sign-in/provider/<name>/back`` is what is registered there."""
    label: Annotated[str, Field(min_length=1, max_length=60)]
    """What its button says."""
    who: Audience
    issuer: str
    """Exactly as its ID tokens say it."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr
    secret_in: Literal["header", "body"] = "header"  # noqa: S105 -- a place, no secret
    """Where the secret is sent: ``client_secret_basic`` or ``client_secret_post``."""
    scopes: str = "openid email profile"
    algorithms: Annotated[str, Field(pattern=r"^(RS256|ES256)( (RS256|ES256))*$")] = "RS256 ES256"
    """Signatures that are taken, of ID tokens and of answers about a person."""
    hosts: str = ""
    """Further hosts that its addresses may name, apart by spaces; its own is always one."""
    pkce: bool = True
    """False only where a provider refuses the words of RFC 7636 (ProConnect); the nonce then binds the code alone
    (RFC 9700, 2.1.1), which is enough for a client with a secret."""
    ask: dict[str, str] = {}
    """Further words of the question, e.g. ``acr_values``, ``claims``, ``prompt``, ``hd``."""
    acr: str = ""
    """Values of ``acr``, apart by spaces, of which the answer must hold one; empty: any."""
    second_proofs: str = ""
    """Values of ``acr`` or ``amr``, apart by spaces, that tell of two proofs; never of a provider for customers."""
    believed_domains: str = ""
    """Domains of addresses, apart by spaces, that count as verified where the provider says nothing of it; ``*``: every
    one. What it calls unverified never counts."""
    sign_out: bool = False
    """Whether signing out here signs out there as well (RP-Initiated Logout 1.0)."""

    @field_validator("name")
    @classmethod
    def _is_no_address_of_ours(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"A sign-in provider cannot be named {name}: that is an address of its own.")
        return name

    @model_validator(mode="after")
    def _weakens_nothing(self) -> Self:
        if OURS & self.ask.keys():
            raise ValueError(f"`ask` of {self.name} cannot say {', '.join(sorted(OURS & self.ask.keys()))}.")
        if "openid" not in self.scopes.split():
            raise ValueError(f"The scopes of {self.name} must hold openid.")
        if self.who is Audience.CUSTOMERS and self.second_proofs:
            raise ValueError(f"{self.name} is for customers: what it says is no second proof of anybody.")
        if self.who is not Audience.CUSTOMERS and not self.pkce:
            raise ValueError(f"{self.name} lets staff in: it needs PKCE.")
        if self.who is not Audience.CUSTOMERS and ANY_DOMAIN in self.believed_domains.split():
            raise ValueError(f"{self.name} lets staff in: name the domains whose addresses it may vouch for.")
        return self

    @property
    def lets_staff_in(self) -> bool:
        """Whether members of the staff may use it."""
        return self.who is not Audience.CUSTOMERS

    @property
    def lets_customers_in(self) -> bool:
        """Whether people of customers may use it."""
        return self.who is not Audience.STAFF

    def believes(self, email: str) -> bool:
        """Whether an address counts as verified though the provider does not say so."""
        domains = self.believed_domains.lower().split()
        return ANY_DOMAIN in domains or email.rpartition("@")[2].lower() in domains
