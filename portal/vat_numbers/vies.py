"""VIES, the Commission's service that asks the member states about VAT numbers (Regulation (EU) 904/2010, art. 31).

Its REST interface: ``POST /check-vat-number``. An answer with ``valid`` is one; ``actionSucceed: false`` names a reason
why nobody knows now (a member state that sleeps at night is the usual one), which is never "invalid".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests

from config.outgoing import AddressRefusedError
from einvoice.platform.transport import AnswerTooSlowError, GuardedAdapter, watched
from receivables.store.customer_file.vat_checks import Answer, VatAnswer

if TYPE_CHECKING:
    from config.outgoing import Reach

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, LONGEST_ANSWER_S = 3.0, 8.0, 12.0
"""Somebody waits at a page."""
MAX_ANSWER_BYTES = 64 * 1024
_PREFIXES = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI"
MEMBERS = frozenset(_PREFIXES.split())
"""Prefixes of VAT numbers that VIES knows: EL is Greece, XI Northern Ireland."""
WRONG_INPUT = "INVALID_INPUT"
"""The number has no shape that its member state gives: it is no VAT number."""
_NO_NAME = "---"
"""What some member states say instead of a name."""
_LONGEST = 300
_NO_ANSWER = (OSError, ValueError, requests.RequestException, AnswerTooSlowError)


class Vies:
    """The service at ``base_url``."""

    def __init__(self, base_url: str, reach: Reach) -> None:
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc password, no proxy that nobody configured
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, GuardedAdapter(reach, READ_TIMEOUT_S, LONGEST_ANSWER_S))

    def ask(self, vat_id: str, asker: str | None) -> VatAnswer:
        """What VIES says of a number with its prefix, asked in the name of ``asker``'s; never raises."""
        body = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
        if asker:
            body |= {"requesterMemberStateCode": asker[:2], "requesterNumber": asker[2:]}
        try:
            told = self._call(body)
        except (*_NO_ANSWER, AddressRefusedError) as error:
            return VatAnswer(Answer.UNANSWERED, reason=type(error).__name__)
        return read_answer(told)

    def _call(self, body: dict[str, str]) -> Any:
        answer = self._session.post(
            f"{self._base}/check-vat-number",
            json=body,
            headers={"Accept": "application/json"},
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        )
        with watched(answer):
            content = b""
            for chunk in answer.iter_content(MAX_ANSWER_BYTES):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise ValueError("too long")
        if answer.is_redirect:
            raise ValueError("leads elsewhere")
        return json.loads(content)


def read_answer(told: Any) -> VatAnswer:
    """The answer in what VIES sent; everything that is none counts as not answered."""
    if not isinstance(told, dict):
        return VatAnswer(Answer.UNANSWERED, reason="no object")
    valid = told.get("valid")
    if not isinstance(valid, bool):
        reasons = [each.get("error") for each in told.get("errorWrappers") or () if isinstance(each, dict)]
        reason = next((each for each in reasons if isinstance(each, str)), "no answer")[:_LONGEST]
        return VatAnswer(Answer.INVALID if reason == WRONG_INPUT else Answer.UNANSWERED, reason=reason)
    return VatAnswer(
        Answer.VALID if valid else Answer.INVALID,
        _text(told.get("name")),
        _text(told.get("address")),
        _text(told.get("requestIdentifier")),
    )


def _text(value: object) -> str | None:
    """A text as people read it, ``None`` where there is none."""
    told = " ".join(value.replace("\0", "").split()) if isinstance(value, str) else ""
    return told[:_LONGEST] if told and told != _NO_NAME else None
