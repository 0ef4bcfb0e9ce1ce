"""The stub as a Flask application: PISTE's token, four calls of Chorus Pro, and a control to play the public buyer.

It is a stub: it checks the token, the technical account, the shape of a call and that a number comes once. It does not
know Chorus Pro's own rules (service codes, commitments, attachments), for which no machine-readable form is published.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, abort, current_app, jsonify, request

from config import safe_xml
from einvoice.platform.chorus import DEPOSIT, HISTORY, INVOICES, REPORT, SYNTAXES
from portal.sandboxes.chorus.deposits import WORDS, Register, listed, local, told
from portal.sandboxes.platform.invoice_facts import UnreadableInvoiceError, read_facts
from portal.sandboxes.platform.tokens import TokenDesk
from portal.sandboxes.strangers import refuse_strangers

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

MAX_BYTES = 120 * 1024 * 1024
"""Chorus Pro's limit for a deposit, in base64."""


@dataclass(frozen=True, slots=True)
class ChorusStubOptions:
    """Who may call. ``login`` and ``password`` are the technical account's."""

    client_id: str = "sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105 -- the stub's own, documented
    login: str = "TECH_SANDBOX@cpro.example"
    password: str = "sandbox-password"  # noqa: S105 -- same
    token_lifetime_s: int = 3600


def create_chorus_stub(extract_xml: Callable[[bytes], bytes], options: ChorusStubOptions | None = None) -> Flask:
    """The stub; ``extract_xml`` takes the XML out of a Factur-X file. Its ``Register`` is an extension of the app."""
    options = options or ChorusStubOptions()
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, JSON_AS_ASCII=False)
    register = app.extensions["chorus_stub"] = Register()
    tokens = app.extensions["chorus_tokens"] = TokenDesk(
        {options.client_id: options.client_secret}, options.token_lifetime_s
    )
    account = base64.b64encode(f"{options.login}:{options.password}".encode()).decode()

    def guard() -> None:
        """Two locks on every call: PISTE's token, and the technical account of Chorus Pro."""
        if not request.path.startswith("/cpro/"):
            return
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.client_of(bearer) is None:
            abort(HTTPStatus.UNAUTHORIZED)
        if not hmac.compare_digest(request.headers.get("cpro-account", ""), account):
            abort(HTTPStatus.FORBIDDEN)

    refuse_strangers(app)
    app.before_request(guard)
    app.add_url_rule("/api/oauth/token", "token", _token, methods=["POST"])
    app.add_url_rule(DEPOSIT, "deposit", lambda: _deposit(register, extract_xml), methods=["POST"])
    app.add_url_rule(REPORT, "report", lambda: _report(register), methods=["POST"])
    app.add_url_rule(INVOICES, "invoices", lambda: _search(register), methods=["POST"])
    app.add_url_rule(HISTORY, "history", lambda: _history(register), methods=["POST"])
    app.add_url_rule("/_sandbox/invoices", "held", lambda: _held(register))
    app.add_url_rule(
        "/_sandbox/invoices/<path:number>", "play", lambda number: _play(register, number), methods=["POST"]
    )
    return app


def _token() -> ResponseReturnValue:
    """OAuth 2 client credentials, in the form as PISTE wants them."""
    tokens: TokenDesk = current_app.extensions["chorus_tokens"]
    issued = tokens.issue(request.form.get("client_id", ""), request.form.get("client_secret", ""))
    if request.form.get("grant_type") != "client_credentials" or issued is None:
        return jsonify(error="invalid_client"), HTTPStatus.BAD_REQUEST
    return jsonify(access_token=issued, token_type="Bearer", expires_in=tokens.lifetime_s, scope="openid")  # noqa: S106 -- a word of the protocol


def _asked() -> dict[str, Any]:
    body: Any = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _refused(code: int, sentence: str) -> ResponseReturnValue:
    """HTTP 200 with a code other than 0: that is how Chorus Pro refuses."""
    return jsonify(codeRetour=code, libelle=sentence)


def _deposit(register: Register, extract_xml: Callable[[bytes], bytes]) -> ResponseReturnValue:
    asked = _asked()
    if asked.get("syntaxeFlux") not in SYNTAXES.values():
        return _refused(20000, "La syntaxe du flux est inconnue.")
    try:
        content = base64.b64decode(str(asked.get("fichierFlux", "")), validate=True)
    except binascii.Error:
        return _refused(20001, "Le fichier n'est pas en base 64.")
    facts, problem = None, None
    try:
        xml = extract_xml(content) if content.startswith(b"%PDF") else content
        facts = read_facts(safe_xml.parse(xml))
    except (UnreadableInvoiceError, safe_xml.UnsafeXmlError, ValueError) as error:
        problem = str(error)
    made = register.deposit(str(asked.get("nomFichier", "")), facts, problem)
    return jsonify(
        codeRetour=0,
        libelle="GCU_MSG_01_000",
        numeroFluxDepot=made.number,
        dateDepot=local(made.at)[:10],
        syntaxeFlux=asked["syntaxeFlux"],
    )


def _report(register: Register) -> ResponseReturnValue:
    made = register.deposits.get(str(_asked().get("numeroFluxDepot")))
    if made is None:
        return _refused(20002, "Ce flux est inconnu.")
    return jsonify(
        codeRetour=0,
        libelle="TRA_MSG_00.000",
        codeInterfaceDepotFlux="FSO1117A",
        dateDepotFlux=local(made.at),
        dateHeureEtatCourantFlux=local(made.at),
        etatCourantDepotFlux=made.state,
        nomFichier=made.filename,
        listeErreurDP=made.errors,
    )


def _search(register: Register) -> ResponseReturnValue:
    asked = _asked()
    since, wanted, number = (
        asked.get("periodeDateHeureEtatCourantDu"),
        asked.get("identifiantFactureCPP"),
        asked.get("numeroFacture"),
    )
    with register.lock:
        found = [
            each
            for each in register.invoices.values()
            if (since is None or each.changed_at.isoformat() >= str(since))
            and wanted in {None, each.invoice_id}
            and number in {None, each.facts.number}
        ]
    paging = asked.get("paramRecherche") or {}
    size, page = int(paging.get("nbResultatsParPage", 10)), int(paging.get("pageResultatDemandee", 1))
    shown = [listed(each) for each in found[(page - 1) * size : page * size]]
    pages = max(1, -(-len(found) // size))
    return jsonify(codeRetour=0, libelle="GCU_MSG_01_000", listeFactures=shown, parametresRetour={"pages": pages})


def _history(register: Register) -> ResponseReturnValue:
    invoice = register.invoices.get(int(_asked().get("idFacture", 0)))
    return jsonify(told(invoice)) if invoice else _refused(20003, "Cette facture est inconnue.")


def _held(register: Register) -> ResponseReturnValue:
    with register.lock:
        return jsonify([listed(each) for each in register.invoices.values()])


def _play(register: Register, number: str) -> ResponseReturnValue:
    """Play the public buyer: ``{statut, commentaire?}``."""
    asked = _asked()
    invoice = register.by_number(number)
    if invoice is None or asked.get("statut") not in WORDS:
        return jsonify(
            error=f"Name an invoice that was deposited, and one of {', '.join(WORDS)}."
        ), HTTPStatus.NOT_FOUND
    register.pass_on(invoice.invoice_id, asked["statut"], asked.get("commentaire"))
    return jsonify(listed(invoice)), HTTPStatus.CREATED
