"""What happened to an invoice received, for its time line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from portal.staff.purchases.shown import write_amount
from portal.telling.timeline import TELLERS, Told
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import RowMapping

    from einvoice.receiving.purchases import Purchase

_AMOUNTS = {
    "MPA": note_text("payé : %(amount)s"),
    "MAPTTC": note_text("approuvé : %(amount)s"),
    "MNATTC": note_text("non approuvé : %(amount)s"),
    "RAP": note_text("reste à payer : %(amount)s"),
}
_ON_ITS_WAY = {
    "to_send": note_text("part vers la plateforme"),
    "in_doubt": note_text("envoi à vérifier"),
    "sent": note_text("envoyé à la plateforme"),
}


def tell_life(purchase: Purchase, statuses: Iterable[RowMapping]) -> list[Told]:
    """The statuses of an invoice received and its arrival, newest first."""
    told = [_status(each) for each in statuses]
    came = Told(purchase.line.received_at, gettext("Reçue par votre plateforme"), purchase.line.filename, "plain")
    return [*reversed(told), replace(came, icon="invoice")]


def _status(row: RowMapping) -> Told:
    told = TELLERS["status"](row["set_at"], dict(row))
    amounts = [
        gettext(words) % {"amount": write_amount(Decimal(each["amount"]), each["currency"] or "EUR")}
        for each in row["amounts"]
        if (words := _AMOUNTS.get(each["kind"]))
    ]
    flow = row["flow_state"]
    if flow == "refused":
        remarks = [each["message"] for each in row["refusal"] or []]
        detail = " · ".join([gettext("Statut refusé par la plateforme"), *remarks])
        return replace(told, detail=detail, tone="late", icon="alert")
    way = gettext(_ON_ITS_WAY.get(flow or "", ""))
    return replace(told, detail=" · ".join(part for part in (told.detail, *amounts, way) if part))
