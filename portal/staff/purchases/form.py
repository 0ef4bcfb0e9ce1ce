"""The answer that somebody typed: read with care, so that a wrong figure is said and never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from einvoice.receiving.answering import Answer, AnswerError
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPACES = re.compile(r"[\s\u00a0\u202f']")
_AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,3})?")
MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as it was typed: shown again where it was wrong."""

    code: str = ""
    reason: str = ""
    comment: str = ""
    amount: str = ""
    on: str = ""


def read_typed(given: Mapping[str, str]) -> Typed:
    """The fields of the form, cut to what a person would type."""
    return Typed(**{name: given.get(name, "")[:MOST_CHARACTERS] for name in Typed.__dataclass_fields__})


def read_key(given: Mapping[str, str]) -> str:
    """The key of the form, by which a second press of its button is known.

    Raises:
        AnswerError: ``purchase.form``.
    """
    try:
        return str(UUID(given.get("key", "")))
    except ValueError as error:
        raise AnswerError(
            "purchase.form",
            "The form was incomplete. Load the page again and answer from there.",
            "Le formulaire était incomplet. Rechargez la page et répondez depuis celle-ci.",
        ) from error


def read_answer(typed: Typed, currency: str) -> Answer:
    """The answer in ``typed``.

    Raises:
        AnswerError: ``purchase.amount`` or ``purchase.day``.
    """
    return Answer(
        code=typed.code,
        reason=typed.reason or None,
        comment=typed.comment.replace("\r\n", "\n").strip() or None,
        amount=_amount(typed.amount, currency) if typed.amount.strip() else None,
        on=_day(typed.on) if typed.on else None,
    )


def _amount(text: str, currency: str) -> Money:
    plain = _SPACES.sub("", text).removesuffix("€")
    try:
        return Money.of(plain.replace(",", ".") if _AMOUNT.fullmatch(plain) else "", currency)
    except MoneyError as error:
        raise AnswerError(
            "purchase.amount",
            "This is not an amount: write it like 1234.56, without letters.",
            "Ce n'est pas un montant : écrivez-le comme 1234,56, sans lettres.",
            place="amount",
        ) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise AnswerError(
            "purchase.day",
            "This is not a day: write it like 2026-11-30.",
            "Ce n'est pas un jour : écrivez-le comme 2026-11-30.",
            place="on",
        ) from error
