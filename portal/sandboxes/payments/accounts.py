"""The accounts of a sandbox, kept apart, and the keys that open them: secret ones and restricted ones."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.sandboxes.payments import clockwork, payouts
from portal.sandboxes.payments.books import Books, Mint
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.settings import PaymentSandboxSettings

FIRST_ACCOUNT = "acct_sandbox"
MOST_ACCOUNTS, MOST_KEYS = 200, 500
SHOWN_LETTERS = 4
"""Letters at the end of a key that an error message shows."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of one account; ``permissions`` of a restricted one, such as ``rak_charge_read``."""

    secret: str
    account_id: str
    permissions: frozenset[str] | None = None

    @property
    def masked(self) -> str:
        """The key as error messages show it."""
        head = "_".join(self.secret.split("_")[:2])
        return f"{head}_{'*' * 20}{self.secret[-SHOWN_LETTERS:]}"

    def permits(self, resource: str, *, writes: bool) -> bool:
        """Whether the key may read or write ``resource``; who writes may read too."""
        if self.permissions is None:
            return True
        return bool(self.permissions & ({f"rak_{resource}_write"} | (set() if writes else {f"rak_{resource}_read"})))


class Accounts:
    """Every account of a sandbox. The first one is a platform to which others may be connected."""

    def __init__(self, settings: PaymentSandboxSettings) -> None:
        self.settings = settings
        self.mint = Mint(settings.seed)
        self.first = Books(settings, self.mint, account_id=FIRST_ACCOUNT)
        self._books = {FIRST_ACCOUNT: self.first}
        self._keys = {settings.key: Key(settings.key, FIRST_ACCOUNT)}
        self._listeners: list[Callable[[Books, Json], None]] = []
        payouts.plan_run(self.first)

    def __iter__(self) -> Iterator[Books]:
        return iter(list(self._books.values()))

    def listen(self, listener: Callable[[Books, Json], None]) -> None:
        """Have ``listener`` told every event of every account."""
        self._listeners.append(listener)
        for books in self:
            books.listeners.append(listener)

    def open(self, name: str, *, key: str | None = None, account_id: str | None = None) -> Books:
        """A new account: with a secret ``key`` of its own it stands alone, without one it is connected to the first.

        Raises:
            StripeRefusal: The key is no test key or taken, or there are too many accounts.
        """
        identifier = account_id or f"acct_{self.mint.letters()[:16]}"
        if len(self._books) >= MOST_ACCOUNTS or identifier in self._books:
            raise StripeRefusal("There are too many accounts, or this one is open already.", param="account")
        if key is not None:
            self.add_key(key, identifier)
        books = Books(self.settings, self.mint, account_id=identifier, connected=key is None)
        books.name = name
        books.listeners.extend(self._listeners)
        self._books[identifier] = books
        payouts.plan_run(books)
        return books

    def add_key(self, secret: str, account_id: str, permissions: frozenset[str] | None = None) -> Key:
        """Let ``secret`` open an account.

        Raises:
            StripeRefusal: It is no test key, it is taken, or there are too many.
        """
        prefix = "sk_test_" if permissions is None else "rk_test_"
        if not secret.startswith(prefix):
            raise StripeRefusal(f"The key must begin with {prefix}: this is never real money.", param="key")
        if secret in self._keys or len(self._keys) >= MOST_KEYS:
            raise StripeRefusal("This key is taken, or there are too many.", param="key")
        self._keys[secret] = Key(secret, account_id, permissions)
        return self._keys[secret]

    def drop_key(self, secret: str) -> None:
        """Let a key open nothing any more."""
        self._keys.pop(secret, None)

    def key(self, sent: str) -> Key | None:
        """The key that was sent, compared in constant time."""
        found = None
        for secret, key in list(self._keys.items()):
            if hmac.compare_digest(secret.encode(), sent.encode()):
                found = key
        return found

    def books(self, account_id: str) -> Books | None:
        """The books of an account."""
        return self._books.get(account_id)

    def books_for(self, key: Key, account_id: str | None) -> Books:
        """The books that a call with ``key`` is about; ``account_id`` is what its Stripe-Account header names.

        Raises:
            StripeRefusal: ``account_invalid``: the key has no access to that account.
        """
        if account_id is None or account_id == key.account_id:
            return self._books[key.account_id]
        found = self._books.get(account_id)
        if found is None or not found.connected or key.account_id != FIRST_ACCOUNT:
            raise StripeRefusal(
                f"The provided key '{key.masked}' does not have access to account '{account_id}' "
                "(or that account does not exist). Application access may have been revoked.",
                status=403,
                code="account_invalid",
            )
        return found

    def holding(self, prefix: str, identifier: str) -> Books | None:
        """The books with this object, whoever's they are."""
        return next((books for books in self if identifier in books.objects[prefix]), None)

    def advance(self, seconds: int) -> int:
        """Move the clock of all accounts forward; everything in between happens in its turn. Returns the new time."""
        self.mint.advanced_s += seconds
        self.sweep()
        return self.mint.now()

    def sweep(self) -> None:
        """Do what time has brought in every account."""
        for books in self:
            with books.lock:
                clockwork.sweep(books)
