"""Chorus Pro (public buyers, without an approved platform) behind the port of platforms.

The calls are those of the published API over PISTE: ``factures/v1/deposer/flux`` hands over a file,
``transverses/v1/consulterCRDetaille`` tells what became of it, ``factures/v1/rechercher/fournisseur`` and
``factures/v1/consulter/historique`` tell how the invoices stand. It takes invoices alone: a status or a declaration is
refused here, and 212 is not expected of a supplier there (external specification Chorus Pro 1.1, 3.4.1.1.1).
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from config.clock import PARIS, now
from config.outgoing import Reach
from einvoice.lifecycle.cdar import write_cdar
from einvoice.platform.answers import LONGEST_CODE, YEARS, clean, object_in, unreadable
from einvoice.platform.chorus_statuses import ChorusInvoice, ChorusStatus, as_message
from einvoice.platform.port import (
    AckDetail,
    AckStatus,
    Direction,
    DocType,
    Flow,
    FlowPage,
    FlowState,
    PlatformError,
    PlatformRefusedError,
    SentFlow,
    Subscription,
    Syntax,
)
from einvoice.platform.session import PlatformSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from einvoice.platform.settings import PlatformSettings

Asked = ParamSpec("Asked")
Told = TypeVar("Told")

DEPOSIT = "/cpro/factures/v1/deposer/flux"
REPORT = "/cpro/transverses/v1/consulterCRDetaille"
INVOICES = "/cpro/factures/v1/rechercher/fournisseur"
HISTORY = "/cpro/factures/v1/consulter/historique"
SYNTAXES = {
    Syntax.FACTUR_X: "IN_DP_E2_CII_FACTURX",
    Syntax.UBL: "IN_DP_E1_UBL_INVOICE",
    Syntax.CII: "IN_DP_E1_CII_16B",
}
"""``syntaxeFlux`` by the syntax of the file."""
INTEGRATED = "IN_INTEGRE"
FAILED = frozenset({"IN_REJETE", "IN_INCIDENTE", "IN_INTEGRE_PARTIEL", "QP_IRRECEVABLE"})
"""States of a deposit that are over and bad; with one invoice a file, a part of it is none of it."""
PAGE = 100
DONE = 0
"""``codeRetour`` of a call that did what it says."""


def _told_oddly(ask: Callable[Asked, Told]) -> Callable[Asked, Told]:
    """An answer whose values are not what they should be is a platform that failed, not a fault of ours."""

    @wraps(ask)
    def asked(*given: Asked.args, **named: Asked.kwargs) -> Told:
        try:
            return ask(*given, **named)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise unreadable("answer") from error

    return asked


class ChorusPlatform:
    """``einvoice.platform.port.Platform`` over the API of Chorus Pro. One instance may serve several threads."""

    def __init__(self, settings: PlatformSettings, reach: Reach = Reach.LOOPBACK) -> None:
        self._session = PlatformSession(settings, reach)

    def authenticate(self) -> None:
        """Take a fresh token of PISTE and ask nothing else.

        Raises:
            PlatformError: there is none.
        """
        self._session.authenticate()

    def send_flow(self, flow: Flow) -> SentFlow:
        """Deposit an invoice.

        Raises:
            PlatformRefusedError: it is no invoice, or Chorus Pro refuses the deposit.
        """
        syntax = SYNTAXES.get(flow.syntax)
        if syntax is None:
            raise PlatformRefusedError(
                f"Chorus Pro takes invoices alone; {flow.name} is a {flow.syntax.value}.",
                f"Chorus Pro ne prend que des factures ; {flow.name} est un {flow.syntax.value}.",
                error_code="FLOW_TYPE",
                http_status=HTTPStatus.UNPROCESSABLE_ENTITY,
            )
        answer = self._done(
            DEPOSIT,
            {
                "fichierFlux": base64.b64encode(flow.content).decode(),
                "nomFichier": _file_name(flow),
                "syntaxeFlux": syntax,
                "avecSignature": False,
            },
            has_effect=True,
        )
        number = answer.get("numeroFluxDepot")
        if not isinstance(number, str) or not number:
            raise unreadable("numeroFluxDepot", in_doubt=True)
        return SentFlow(number, now())

    @_told_oddly
    def find_flow(self, tracking_id: str, number: str | None = None) -> FlowState | None:
        """The deposit of invoice ``number``: Chorus Pro keeps no tracking id, but each number of a supplier once."""
        for each in self._invoices({"numeroFacture": number}) if number else ():
            if each.get("numeroFacture") == number and each.get("numeroFluxDepot"):
                return self.flow_state(str(each["numeroFluxDepot"]), tracking_id)
        return None

    @_told_oddly
    def flow_state(self, flow_id: str, tracking_id: str | None = None) -> FlowState:
        """What became of the deposit ``flow_id``."""
        answer = self._done(REPORT, {"numeroFluxDepot": flow_id})
        state = str(answer.get("etatCourantDepotFlux") or "")
        changed_at = _instant(answer.get("dateHeureEtatCourantFlux")) or now()
        return FlowState(
            flow_id=flow_id,
            tracking_id=tracking_id,
            flow_type="CustomerInvoice",
            syntax="Undefined",
            direction=Direction.OUT,
            status=_acknowledgement(state),
            details=tuple(_remarks(answer, state)),
            submitted_at=_instant(answer.get("dateDepotFlux")) or changed_at,
            updated_at=changed_at,
            name=str(answer.get("nomFichier") or flow_id),
        )

    @_told_oddly
    def search(
        self, updated_after: datetime, cursor: str | None = None, *, direction: Direction | None = None
    ) -> FlowPage:
        """The statuses that invoices got after ``updated_after``, each as a flow that comes in."""
        if direction is Direction.OUT:
            return FlowPage(())
        page = int(cursor or 1)
        answer = self._done(INVOICES, _window(updated_after) | _paging(page))
        flows = [
            _as_flow(invoice, passed)
            for listed in _listed(answer)
            if (invoice := _invoice(listed))
            for passed in self._history(invoice.cpp_id)
            if passed.passed_at > updated_after
        ]
        pages = (answer.get("parametresRetour") or {}).get("pages") or answer.get("pages") or 1
        return FlowPage(
            tuple(sorted(flows, key=lambda flow: flow.updated_at)), str(page + 1) if page < int(pages) else None
        )

    @_told_oddly
    def fetch(self, flow_id: str, doc_type: DocType = DocType.ORIGINAL) -> bytes:
        """The life-cycle message of a status found by :meth:`search`; Chorus Pro gives no file of a deposit back."""
        cpp_id, _, status_id = flow_id.partition("/")
        if doc_type is not DocType.ORIGINAL or not (cpp_id.isdigit() and status_id.isdigit()):
            raise _absent(flow_id)
        listed = next(self._invoices({"identifiantFactureCPP": int(cpp_id)}), None)
        invoice = _invoice(listed) if listed else None
        passed = next((each for each in self._history(int(cpp_id)) if each.status_id == int(status_id)), None)
        if invoice is None or passed is None:
            raise _absent(flow_id)
        return write_cdar(as_message(invoice, passed))

    def health(self) -> bool:
        """Whether Chorus Pro answers us; never raises."""
        try:
            self._done(INVOICES, _window(now()) | _paging(1))
        except PlatformError:
            return False
        return True

    def subscribe(self, callback_url: str, *, direction: Direction | None = None) -> Subscription:  # noqa: ARG002 -- the port's
        """Chorus Pro calls nobody: it is polled.

        Raises:
            PlatformRefusedError: always.
        """
        raise PlatformRefusedError(
            "Chorus Pro has no webhooks; it is asked at intervals.",
            "Chorus Pro n'a pas de webhooks ; il est interrogé à intervalles.",
            error_code="NO_WEBHOOKS",
            http_status=HTTPStatus.NOT_IMPLEMENTED,
        )

    def subscriptions(self) -> tuple[str, ...]:
        """None: see :meth:`subscribe`."""
        return ()

    def unsubscribe(self, webhook_ref: str) -> None:
        """Nothing to end: see :meth:`subscribe`."""

    def _done(self, path: str, body: Mapping[str, Any], *, has_effect: bool = False) -> dict[str, Any]:
        """The answer of a call that did what it says: HTTP 200 may still be a refusal (``codeRetour``)."""
        answer = object_in(
            self._session.call("POST", path, has_effect=has_effect, json=dict(body)), in_doubt=has_effect
        )
        code = answer.get("codeRetour", DONE)
        if code != DONE:
            told, code = clean(answer.get("libelle")), clean(code, LONGEST_CODE)
            raise PlatformRefusedError(
                f"Chorus Pro refuses the call ({code}): {told}",
                f"Chorus Pro refuse l'appel ({code}) : {told}",
                error_code=code,
                http_status=HTTPStatus.OK,
            )
        return answer

    def _invoices(self, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield from _listed(self._done(INVOICES, {**wanted, **_paging(1)}))

    def _history(self, cpp_id: int) -> list[ChorusStatus]:
        answer = self._done(
            HISTORY,
            {
                "idFacture": cpp_id,
                "paramRechercheHistoStatuts": {
                    "nbResultatsParPageListeHistoStatut": PAGE,
                    "pageResultatDemandeeListeHistoStatut": 1,
                    "triColonneListeHistoStatut": "HistoStatutDatePassage",
                    "triSensListeHistoStatut": "Ascendant",
                },
            },
        )
        lines = (answer.get("historiquesDesStatuts") or {}).get("histoStatut") or []
        return [
            ChorusStatus(
                int(line["histoStatutId"]),
                clean(line["histoStatutCode"], LONGEST_CODE),
                at,
                clean(line.get("histoStatutCommentaire")) or None,
            )
            for line in lines
            if (at := _instant(line.get("histoStatutDatePassage")))
        ]


def _file_name(flow: Flow) -> str:
    """The file's name there: the start of our tracking id in it lets a person find the flow again."""
    stem, dot, suffix = flow.name.rpartition(".")
    return f"{stem}_{flow.tracking_id[:12]}{dot}{suffix}"


def _acknowledgement(state: str) -> AckStatus:
    if state == INTEGRATED:
        return AckStatus.OK
    return AckStatus.ERROR if state in FAILED else AckStatus.PENDING


def _remarks(answer: Mapping[str, Any], state: str) -> Iterator[AckDetail]:
    """Why a deposit failed: errors of the file, then errors of its invoices."""
    for error in answer.get("listeErreurTechnique") or []:
        code = clean(error.get("codeErreur"), LONGEST_CODE) or state
        yield AckDetail("Error", "", code, clean(error.get("libelleErreur")))
    for error in answer.get("listeErreurDP") or []:
        yield AckDetail("Error", clean(error.get("numeroDP"), LONGEST_CODE), state, clean(error.get("libelleErreurDP")))


def _window(after: datetime) -> dict[str, Any]:
    return {"periodeDateHeureEtatCourantDu": after.astimezone(UTC).isoformat(timespec="seconds")}


def _paging(page: int) -> dict[str, Any]:
    return {"paramRecherche": {"nbResultatsParPage": PAGE, "pageResultatDemandee": page}}


def _listed(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("listeFactures") or []
    return [each for each in found if isinstance(each, dict)]


def _invoice(listed: Mapping[str, Any]) -> ChorusInvoice | None:
    """An invoice of the list; one that lacks what names it cannot be placed and is left out."""
    try:
        return ChorusInvoice(
            cpp_id=int(listed["identifiantFactureCPP"]),
            number=str(listed["numeroFacture"]),
            issued_on=date.fromisoformat(str(listed["dateFacture"])[:10]),
            seller_siren=str(listed["fournisseur"])[:9],
            buyer_siren=str(listed.get("destinataire") or "")[:9] or None,
            buyer_name=listed.get("designationDestinataire"),
            type_code="381" if listed.get("typeFacture") == "AVOIR" else "380",
        )
    except (KeyError, TypeError, ValueError):
        return None


def _as_flow(invoice: ChorusInvoice, passed: ChorusStatus) -> FlowState:
    return FlowState(
        flow_id=f"{invoice.cpp_id}/{passed.status_id}",
        tracking_id=None,
        flow_type="CustomerInvoiceLC",
        syntax=Syntax.CDAR,
        direction=Direction.IN,
        status=AckStatus.OK,
        details=(),
        submitted_at=passed.passed_at,
        updated_at=passed.passed_at,
        name=f"{invoice.number}_{passed.word}.xml",
    )


def _instant(text: object) -> datetime | None:
    """A time of Chorus Pro: ISO with an offset, or French local time without one."""
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text)
        instant = (read if read.tzinfo else read.replace(tzinfo=PARIS)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if instant.year in YEARS else None


def _absent(flow_id: str) -> PlatformRefusedError:
    return PlatformRefusedError(
        f"Chorus Pro has no file for {flow_id}; open the invoice on its portal.",
        f"Chorus Pro n'a pas de fichier pour {flow_id} ; ouvrez la facture sur son portail.",
        error_code="NOT_FOUND",
        http_status=HTTPStatus.NOT_FOUND,
    )
