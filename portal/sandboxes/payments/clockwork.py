"""What time brings, each thing at its own moment: sessions expire, debits settle, money is paid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import balance, claims, paying, payouts, refunds, sessions

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books


def sweep(books: Books) -> None:
    """Play everything that is due by now, in order; events carry the moment they belong to."""
    if books.moment is not None:
        return  # a step of the sweep itself asks
    now = books.now()
    try:
        while (step := books.agenda.take(now)) is not None:
            key, due = step
            books.moment = int(due)
            _play(books, key)
    finally:
        books.moment = None


def _play(books: Books, key: str) -> None:
    if key == payouts.RUN:
        payouts.run(books)
        payouts.plan_run(books)
    elif key.startswith(payouts.UNDERWAY):
        payouts.send(books, books.get("po", key.removeprefix(payouts.UNDERWAY)))
    else:
        _play_object(books, key)


def _play_object(books: Books, identifier: str) -> None:
    thing = books.find(identifier)
    if thing is None:
        return
    kind = thing["object"]
    if kind == "checkout.session":
        sessions.expire(books, thing)
    elif kind == "payment_intent":
        paying.settle_as_planned(books, thing)
    elif kind == "balance_transaction":
        balance.release(thing)
    elif kind == "payout":
        payouts.arrive(books, thing)
    elif kind == "refund":
        refunds.end_as_planned(books, thing)
    elif kind == "dispute":
        claims.time_out(books, thing)
