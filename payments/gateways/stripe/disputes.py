"""Answering a dispute at Stripe: a file, a text, handed in once."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from payments.gateways.port import GatewayRefusedError
from payments.gateways.stripe.calls import StripeCalls, asking, keyed

if TYPE_CHECKING:
    from stripe.params import DisputeUpdateParams, FileCreateParams

    from payments.gateways.port import DisputeEvidence

MOST_FILE_BYTES = 4_500_000
"""All files of one answer together: what Stripe passes on to a bank."""

MOST_TEXT = 20_000
"""Characters of our text: a bank reads no more."""

ANSWERABLE = frozenset({"needs_response", "warning_needs_response"})


class Disputes(StripeCalls):
    """Evidence against disputes."""

    def answer_dispute(self, dispute_ref: str, evidence: DisputeEvidence) -> None:
        """Upload the file, then submit it with the text. See `Gateway.answer_dispute`.

        A repeat after a lost answer uploads the file once and is told that the dispute is answered.
        """
        if len(evidence.content) > MOST_FILE_BYTES:
            raise GatewayRefusedError(
                f"The evidence has {len(evidence.content)} bytes; a bank takes {MOST_FILE_BYTES} at most.",
                "gateway.file_too_large",
            )
        with asking("read the dispute", changes=False):
            dispute = self._client.v1.disputes.retrieve(dispute_ref)
        self._own_mode(dispute.livemode, dispute_ref)
        if dispute.status not in ANSWERABLE:
            raise GatewayRefusedError(f"{dispute_ref} is {dispute.status}: no answer is taken.", "gateway.answered")
        content = BytesIO(evidence.content)
        content.name = evidence.filename
        file: FileCreateParams = {"purpose": "dispute_evidence", "file": content}
        digest = sha256(evidence.content).hexdigest()
        uploaded = self._change(
            "take the evidence", lambda: self._client.v1.files.create(file, keyed(f"evidence/{dispute_ref}/{digest}"))
        )
        answer: DisputeUpdateParams = {
            "submit": True,
            "evidence": {"uncategorized_text": evidence.text[:MOST_TEXT], "uncategorized_file": uploaded.id},
        }
        key = f"answer/{dispute_ref}/{uploaded.id}"
        self._change("answer the dispute", lambda: self._client.v1.disputes.update(dispute_ref, answer, keyed(key)))
