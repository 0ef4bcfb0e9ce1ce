"""Signing in at a provider (OpenID Connect Core 1.0, code flow with PKCE), which is trusted no further than it must be.

What decides is set by the house, never by the provider's own words: the issuer, the signature algorithms, the hosts
that are called, whom it may let in. State, nonce and PKCE verifier live in a sealed cookie of the browser that began,
for this one provider, and are taken once. Sources: OpenID Connect Core 3.1.3.7 and 5.3, RFC 7636, RFC 9207, RFC 9700.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from config.secrets import same
from portal.access.oidc_wire import Wire, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.outgoing import Reach
    from config.sign_in_providers import SignInProvider

LEEWAY_S = 60
"""How far the provider's clock may be off."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What a browser takes along to the provider and must bring back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is: ``email`` only where it is verified, ``second`` where two proofs were given."""

    issuer: str
    subject: str
    email: str | None
    second: bool
    id_token: str = field(default="", repr=False, compare=False)
    """What the provider wants to hear again when somebody signs out."""


@dataclass
class Provider:
    """A provider of the house; ``back`` is the address that it sends browsers back to."""

    config: SignInProvider
    reach: Reach
    back: str
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        """The way there, with what it told before."""
        self.wire = Wire(self.config, self.reach)

    def address(self, journey: Journey) -> str:
        """Where to send the browser.

        Raises:
            ProviderError: the provider cannot be asked, or is not the one that the settings name.
        """
        wanted = {
            **self.config.ask,
            **({"acr_values": self.config.acr} if self.config.acr and "claims" not in self.config.ask else {}),
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": self.back,
            "scope": self.config.scopes,
            "state": journey.state,
            "nonce": journey.nonce,
        }
        if self.config.pkce:
            wanted["code_challenge"] = create_s256_code_challenge(journey.verifier)
            wanted["code_challenge_method"] = "S256"
        return str(add_params_to_uri(self.wire.endpoint("authorization_endpoint"), list(wanted.items())))

    def identity(self, journey: Journey, answer: Mapping[str, str]) -> Identity:
        """Who came back with ``answer``, the parameters of the address.

        Raises:
            ProviderError: anything that does not fit.
        """
        if not same(answer.get("state", "").encode(), journey.state.encode()):
            raise refused("oidc.state", "the answer belongs to another sign-in")
        self._check_issuer(answer.get("iss"))
        if "error" in answer or not answer.get("code"):
            raise refused("oidc.denied", "the provider let nobody in")
        token = self.wire.tokens(self._exchange(answer["code"], journey))
        claims = self._claims(token, journey.nonce)
        told = {str(claims.get("acr", "")), *map(str, claims.get("amr") or ())}
        if self.config.acr and str(claims.get("acr", "")) not in self.config.acr.split():
            raise refused("oidc.acr", "the provider vouches for less than was asked")
        return Identity(
            self.config.issuer,
            str(claims["sub"]),
            self._email(self._told(token, claims)),
            self.config.lets_staff_in and bool(told & set(self.config.second_proofs.split())),
            str(token["id_token"]),
        )

    def way_out(self, id_token: str, state: str, back: str) -> str | None:
        """Where a browser signs out at the provider (RP-Initiated Logout 1.0), ``None`` where that is not wanted.

        Raises:
            ProviderError: the provider cannot be asked.
        """
        where = self.wire.optional_endpoint("end_session_endpoint") if self.config.sign_out else None
        if where is None:
            return None
        whose = {"id_token_hint": id_token} if id_token else {"client_id": self.config.client_id}
        told = {**whose, "post_logout_redirect_uri": back, "state": state}
        return str(add_params_to_uri(where, list(told.items())))

    def _check_issuer(self, told: str | None) -> None:
        """RFC 9207, 2.4: a provider that says that it names itself does so in every answer."""
        must = self.wire.described("authorization_response_iss_parameter_supported") is True
        if (told is None and must) or (told is not None and told != self.config.issuer):
            raise refused("oidc.issuer", "another provider answered")

    def _exchange(self, code: str, journey: Journey) -> dict[str, str]:
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.back}
        return {**asked, "code_verifier": journey.verifier} if self.config.pkce else asked

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """What a checked ID token says (Core 3.1.3.7)."""
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise refused("oidc.no_id_token", "the answer holds no ID token")
        try:
            decoded = self.wire.decode(raw)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.config.issuer},
                    "aud": {"essential": True, "value": self.config.client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": nonce,
                    "client_id": self.config.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise refused("oidc.bad_token", "the ID token does not hold") from error
        found: Mapping[str, Any] = decoded.claims
        return found

    def _told(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is said about the person: by the ID token, or where it has no address, at the address for that.

        Both must be about the same person (Core 5.3.2), and a signed answer must be this provider's, for us.
        """
        access_token = token.get("access_token")
        if "email" in claims or not isinstance(access_token, str):
            return claims
        try:
            found = self.wire.user_info(access_token)
        except (JoseError, ValueError, TypeError) as error:
            raise refused("oidc.user_info", "what is said about the person does not hold") from error
        if found is None:
            return claims
        told: Mapping[str, Any] = found if isinstance(found, dict) else found.claims
        if not isinstance(found, dict) and not self._is_for_us(told):
            raise refused("oidc.user_info", "what is said about the person is for somebody else")
        if str(told.get("sub")) != str(claims["sub"]):
            raise refused("oidc.user_info", "what is said is about somebody else")
        return told

    def _is_for_us(self, told: Mapping[str, Any]) -> bool:
        audience = told.get("aud")
        ours = self.config.client_id in (audience if isinstance(audience, list) else [audience])
        return told.get("iss") == self.config.issuer and ours

    def _email(self, told: Mapping[str, Any]) -> str | None:
        """The address where it is verified: by the provider's word, or by ours for its domain where it says nothing."""
        email = told.get("email")
        if not isinstance(email, str) or not email:
            return None
        verified = told.get("email_verified")
        if verified is None:
            return email if self.config.believes(email) else None
        return email if verified is True else None
