"""The catalogue in PostgreSQL: what a supplier sells again and again (articles)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime  # noqa: TC003 -- a field's type
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast
from uuid import UUID  # noqa: TC003 -- a field's type

from config.clock import new_id, now
from receivables.errors import ConflictError, NotFoundError
from receivables.store.work import literally

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_LISTED = 50
_FIELDS = (
    "code, name, name_en, description, unit, price, currency, nature, vat_category, vat_rate, vat_exemption, account"
)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is said of an item. ``price`` is per ``unit`` (UN/ECE rec. 20, BT-130) without VAT (BT-146).

    ``vat_category`` is BT-151, ``vat_rate`` BT-152 in percent, ``vat_exemption`` BT-121, ``account`` of class 70 (PCG).
    """

    code: str
    name: str
    unit: str
    nature: Literal["goods", "services"]
    vat_category: str
    vat_rate: Decimal | None = None
    name_en: str | None = None
    description: str | None = None
    price: Decimal | None = None
    currency: str = "EUR"
    vat_exemption: str | None = None
    account: str | None = None

    def named(self, language: str) -> str:
        """Its name in a language, in French where the supplier gave no other."""
        return (self.name_en if language == "en" else None) or self.name


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the catalogue; ``retired_at`` says since when it is offered no more."""

    item_id: UUID
    facts: ItemFacts
    retired_at: datetime | None


def list_items(
    work: Work, wanted: str = "", *, with_retired: bool = False, after: str = "", limit: int = MOST_LISTED
) -> list[Item]:
    """Items whose code or name holds ``wanted``, by code; ``after`` is the code of the last one of the page before."""
    rows = work.rows(
        f"SELECT item_id, retired_at, {_FIELDS} FROM items WHERE supplier_id = :supplier "
        "AND lower(code) > lower(:after) AND (:retired OR retired_at IS NULL) "
        "AND (:wanted = '' OR code ILIKE :like OR name ILIKE :like "
        "OR name_en ILIKE :like) ORDER BY lower(code) LIMIT :limit",
        after=after,
        retired=with_retired,
        wanted=wanted,
        like=f"%{literally(wanted)}%",
        limit=limit,
    )
    return [_item(row) for row in rows]


def get_item(work: Work, item_id: UUID) -> Item:
    """One item, retired or not.

    Raises:
        NotFoundError: ``item.not_found``.
    """
    row = work.row(
        f"SELECT item_id, retired_at, {_FIELDS} FROM items WHERE supplier_id = :supplier AND item_id = :id", id=item_id
    )
    if row is None:
        raise NotFoundError("item.not_found", "There is no such item.", "Cet article n'existe pas.")
    return _item(row)


def find_item(work: Work, code: str) -> Item | None:
    """The item of a code, in capital letters or not."""
    row = work.row(
        f"SELECT item_id, retired_at, {_FIELDS} FROM items "
        "WHERE supplier_id = :supplier AND lower(code) = lower(:code)",
        code=code,
    )
    return _item(row) if row else None


def add_item(work: Work, facts: ItemFacts, actor: str) -> UUID:
    """Put an item into the catalogue.

    Raises:
        ConflictError: ``item.code_taken``.
    """
    item_id, at = new_id(), now()
    names = ", ".join(f":{each.strip()}" for each in _FIELDS.split(","))
    added = work.execute(
        f"INSERT INTO items (supplier_id, item_id, {_FIELDS}, created_at, changed_by, changed_at) "
        f"VALUES (:supplier, :item_id, {names}, :at, :actor, :at) ON CONFLICT (supplier_id, lower(code)) DO NOTHING",
        item_id=item_id,
        at=at,
        actor=actor,
        **asdict(facts),
    )
    if not added:
        raise _taken(facts.code)
    work.audit(actor, "item.added", str(item_id), code=facts.code)
    return item_id


def change_item(work: Work, item_id: UUID, facts: ItemFacts, actor: str) -> None:
    """Say something else of an item; invoices of before keep what they say.

    Raises:
        ConflictError: ``item.code_taken``.
        NotFoundError: ``item.not_found``.
    """
    known = find_item(work, facts.code)
    if known is not None and known.item_id != item_id:
        raise _taken(facts.code)
    assigned = ", ".join(f"{each.strip()} = :{each.strip()}" for each in _FIELDS.split(","))
    changed = work.execute(
        f"UPDATE items SET {assigned}, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND item_id = :item_id",
        item_id=item_id,
        at=now(),
        actor=actor,
        **asdict(facts),
    )
    if not changed:
        get_item(work, item_id)
    work.audit(actor, "item.changed", str(item_id), code=facts.code)


def retire_item(work: Work, item_id: UUID, actor: str, *, retired: bool) -> None:
    """Offer an item no more, or again."""
    at = now()
    changed = work.execute(
        "UPDATE items SET retired_at = :retired_at, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND item_id = :item_id AND (retired_at IS NULL) = :was_offered",
        retired_at=at if retired else None,
        actor=actor,
        at=at,
        item_id=item_id,
        was_offered=retired,
    )
    if changed:
        work.audit(actor, "item.retired" if retired else "item.offered", str(item_id))


def _taken(code: str) -> ConflictError:
    return ConflictError(
        "item.code_taken",
        f"Another item has the code {code} already. Give this one a code of its own.",
        f"Un autre article porte déjà le code {code}. Donnez-lui un code à lui.",
    )


def _item(row: RowMapping) -> Item:
    price, rate = row["price"], row["vat_rate"]
    facts = ItemFacts(
        code=row["code"],
        name=row["name"],
        unit=row["unit"],
        nature=cast("Literal['goods', 'services']", row["nature"]),
        vat_category=row["vat_category"],
        vat_rate=None if rate is None else _plain(rate),
        name_en=row["name_en"],
        description=row["description"],
        price=None if price is None else _plain(price),
        currency=row["currency"],
        vat_exemption=row["vat_exemption"],
        account=row["account"],
    )
    return Item(row["item_id"], facts, row["retired_at"])


def _plain(number: Decimal) -> Decimal:
    """The number without the zeros that the column added: 80 and not 80.000000, nor 8E+1."""
    return Decimal(f"{number.normalize():f}")
