"""A sign-in provider whose answers a test bends: by default each of them is right."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.serving import make_server

from config.clock import now

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = "quittance"


@dataclass
class Liar:
    """A provider whose answers a test bends: by default each of them is right."""

    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    description: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] | None = None
    moved: str = ""
    about: dict[str, Any] | None = None
    """What is said at the address about people; ``None``: there is none."""
    about_key: RSAKey | None = None
    """By which key that is signed; ``None``: it is not."""

    def straighten(self) -> None:
        """Answer rightly again."""
        self.description, self.claims, self.header, self.token = {}, {}, {}, {}
        self.keys, self.moved, self.about, self.about_key = None, "", None, None

    def id_token(self) -> str:
        """An ID token with what the test bent."""
        at = int(now().timestamp())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "u-1",
            "nonce": "nonce",
            "iat": at,
            "exp": at + 300,
            "email": "camille@example.com",
            "email_verified": True,
            **self.claims,
        }
        header = {"alg": "RS256", "kid": "one", **self.header}
        kept = {name: value for name, value in claims.items() if value is not None}
        key = OctKey.import_key("secret") if header["alg"] == "HS256" else self.key
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the algorithms that nobody should take
            return jwt.encode(header, kept, key, algorithms=[header["alg"]])


def liar_app(liar: Liar) -> Flask:
    """Its addresses."""
    app = Flask("liar")

    @app.get("/.well-known/openid-configuration")
    def describe() -> Any:
        if liar.moved:
            return redirect(liar.moved)
        here = liar.address
        told = {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "jwks_uri": f"{here}/jwks",
            **({"userinfo_endpoint": f"{here}/about"} if liar.about is not None else {}),
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
        }
        return jsonify({**told, **liar.description})

    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify({"keys": liar.keys if liar.keys is not None else [liar.key.as_dict(private=False)]})

    @app.post("/token")
    def token() -> Any:
        given = {"access_token": "at", "token_type": "Bearer", "id_token": liar.id_token(), **liar.token}
        return jsonify({name: value for name, value in given.items() if value is not None})

    @app.get("/about")
    def about() -> Any:
        assert request.headers["Authorization"] == "Bearer at"
        if liar.about_key is None:
            return jsonify(liar.about)
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, liar.about or {}, liar.about_key)
        return Response(signed, content_type="application/jwt; charset=utf-8")

    return app


@contextmanager
def serving_liar() -> Iterator[Liar]:
    """A liar that listens."""
    liar = Liar()
    server = make_server("127.0.0.1", 0, liar_app(liar), threaded=True)
    liar.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield liar
    server.shutdown()
    thread.join()
