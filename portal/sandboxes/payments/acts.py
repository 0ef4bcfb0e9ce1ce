"""What the buttons of the control page do."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from portal.sandboxes.payments import cash, claims, paying, payouts, refunds
from portal.sandboxes.payments.agenda import DAY_S
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books

    Form = Mapping[str, str]

MOST_DAYS = 60
LONGEST_REFERENCE = 140


def do_act(accounts: Accounts, books: Books, form: Form) -> None:
    """Do what the pressed button names (``act``), in the account that the page shows.

    Raises:
        StripeRefusal: There is no such act, or it does not fit what it is about.
    """
    name = form.get("act", "")
    if name == "advance":
        accounts.advance(_days(form) * DAY_S)
        return
    act = ACTS.get(name)
    if act is None:
        raise StripeRefusal(f"There is no act {name[:40]}.", param="act")
    with books.lock:
        act(books, form)


def _days(form: Form) -> int:
    told = form.get("days", "")
    if not told.isdecimal() or not 0 < int(told) <= MOST_DAYS:
        raise StripeRefusal(f"days must be 1 to {MOST_DAYS}.", param="days")
    return int(told)


def _id(form: Form) -> str:
    return form.get("id", "")


def _transfer(books: Books, form: Form) -> None:
    customer = books.get("cus", _id(form), "customer")
    told = form.get("amount", "").replace(" ", "").replace("\u202f", "").replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", told) or not Decimal(told):
        raise StripeRefusal("The amount must be euros, such as 120.00.", param="amount")
    reference = form.get("reference", "")[:LONGEST_REFERENCE]
    sender = customer["name"] or ""
    cash.fund(books, customer, int(Decimal(told) * 100), "eur", reference=reference, sender=sender)


ACTS: dict[str, Callable[[Books, Form], object]] = {
    "accept": lambda books, form: paying.settle(books, books.get("pi", _id(form)), None),
    "reject": lambda books, form: paying.settle(books, books.get("pi", _id(form)), "insufficient_funds"),
    "return": lambda books, form: claims.return_debit(books, books.get("pi", _id(form)), form.get("code", "")),
    "dispute": lambda books, form: claims.open_dispute(books, books.get("pi", _id(form)), "fraudulent"),
    "win": lambda books, form: claims.close(books, books.get("dp", _id(form)), won=True),
    "lose": lambda books, form: claims.close(books, books.get("dp", _id(form)), won=False),
    "arrive": lambda books, form: payouts.arrive(books, books.get("po", _id(form))),
    "fail": lambda books, form: payouts.fail(books, books.get("po", _id(form)), "account_closed"),
    "refunded": lambda books, form: refunds.succeed(books, books.get("re", _id(form))),
    "unrefunded": lambda books, form: refunds.fail(books, books.get("re", _id(form))),
    "payout": lambda books, _form: payouts.run(books, pending_too=True),
    "transfer": _transfer,
}
