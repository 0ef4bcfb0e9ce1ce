"""Limits: set and ended, the policy, and who stands under which parent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from receivables.domain.risk.credit import CreditPolicy, LimitKind, check_policy
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.tasking import drop_tasks
from receivables.services.risk.watching import rest_groups, watch_limits
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.risk.credit import (
    current_policy,
    members_of,
    parent_of,
)
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from typing import Any
    from uuid import UUID

    from receivables.store.work import Work

SIREN_LENGTH = 9


@dataclass(frozen=True, slots=True)
class NewLimit:
    """A limit to set, for a customer or (kind ``group``) for everybody under the SIREN of a parent."""

    kind: LimitKind
    amount_minor: int
    reason: str
    actor: str
    currency: str = "EUR"
    customer_id: UUID | None = None
    group_siren: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


def set_limit(work: Work, new: NewLimit) -> UUID:
    """Set a limit; the one before of its kind, customer (or group) and currency ends. Returns its id.

    Raises:
        ReceivablesError: ``limit.bad_amount``, ``limit.bad_days``, ``limit.bad_group``, ``limit.no_reason``.
    """
    begins_on = new.valid_from or today()
    _check(new, begins_on)
    concerned = [new.customer_id] if new.customer_id else members_of(work, new.group_siren or "")
    lock_customers(work, concerned)
    at, limit_id = now(), new_id()
    work.execute(
        "UPDATE credit_limits SET ended_at = :at WHERE supplier_id = :supplier AND ended_at IS NULL AND kind = :kind "
        "AND currency = :currency AND customer_id IS NOT DISTINCT FROM :customer "
        "AND group_siren IS NOT DISTINCT FROM :siren",
        at=at,
        kind=new.kind,
        currency=new.currency,
        customer=new.customer_id,
        siren=new.group_siren,
    )
    work.insert(
        "credit_limits",
        [
            {
                "limit_id": limit_id,
                "kind": new.kind,
                "customer_id": new.customer_id,
                "group_siren": new.group_siren,
                "currency": new.currency,
                "amount_minor": new.amount_minor,
                "valid_from": begins_on,
                "valid_until": new.valid_until,
                "reason": new.reason.strip(),
                "set_by": new.actor,
                "set_at": at,
            }
        ],
    )
    told = {"kind": new.kind, "amount_minor": new.amount_minor, "currency": new.currency, "reason": new.reason.strip()}
    work.audit(new.actor, "limit.set", str(limit_id), **told)
    for customer_id in concerned:
        note_event(work, AccountEvent(customer_id, f"limit.set.{new.kind}", new.actor, shown=False, facts=told))
    watch_limits(work, concerned)
    return limit_id


def end_limit(work: Work, limit_id: UUID, actor: str, reason: str) -> None:
    """End a limit before its day.

    Raises:
        NotFoundError: ``limit.not_found``: no limit of this id is in force.
        ReceivablesError: ``limit.no_reason``.
    """
    if not reason.strip():
        raise _no_reason()
    row = work.row(
        "SELECT kind, customer_id, group_siren, currency, amount_minor FROM credit_limits "
        "WHERE supplier_id = :supplier AND limit_id = :id AND ended_at IS NULL",
        id=limit_id,
    )
    if row is None:
        raise NotFoundError(
            "limit.not_found", "There is no such limit in force.", "Cette limite n'est plus en vigueur."
        )
    concerned = [row["customer_id"]] if row["customer_id"] else members_of(work, row["group_siren"])
    lock_customers(work, concerned)
    work.execute(
        "UPDATE credit_limits SET ended_at = :at WHERE supplier_id = :supplier AND limit_id = :id",
        id=limit_id,
        at=now(),
    )
    work.audit(actor, "limit.ended", str(limit_id), reason=reason.strip())
    told = {"kind": row["kind"], "amount_minor": row["amount_minor"], "currency": row["currency"]}
    for customer_id in concerned:
        note_event(
            work, AccountEvent(customer_id, "limit.ended", actor, shown=False, facts=told | {"reason": reason.strip()})
        )
    rest_groups(work, [row["group_siren"]] if row["group_siren"] else [])
    watch_limits(work, concerned)


def set_policy(work: Work, rules: Mapping[str, Any], actor: str) -> CreditPolicy:
    """Decide by other rules from now on; decisions of before keep theirs.

    Raises:
        ReceivablesError: ``credit.bad_policy``.
    """
    checked = check_policy(rules)
    version = current_policy(work).version + 1
    work.execute(
        "INSERT INTO credit_policies (supplier_id, version, rules, set_by, set_at) "
        "VALUES (:supplier, :version, CAST(:rules AS jsonb), :actor, :at)",
        version=version,
        rules=to_json(checked.rules()),
        actor=actor,
        at=now(),
    )
    work.audit(actor, "credit_policy.set", str(version), **checked.rules())
    return current_policy(work)


def note_parent(work: Work, siren: str, parent_siren: str | None, source: str, actor: str) -> None:
    """Note whose subsidiary a company is; ``None``: nobody's.

    Raises:
        ReceivablesError: ``limit.bad_group``: no SIREN, or the company would stand above itself.
    """
    _check_siren(siren)
    above, next_up = [], parent_siren
    while next_up is not None and next_up not in above:
        _check_siren(next_up)
        above.append(next_up)
        next_up = parent_of(work, next_up)
    if siren in above:
        raise ReceivablesError(
            "limit.bad_group",
            f"{siren} would stand above itself: look at the parents of {parent_siren} first.",
            f"{siren} serait au-dessus d'elle-même : regardez d'abord les sociétés mères de {parent_siren}.",
        )
    concerned = set(members_of(work, siren))
    work.execute(
        "INSERT INTO company_parents (supplier_id, siren, position, parent_siren, source, noted_by, noted_at) "
        "SELECT :supplier, :siren, 1 + coalesce(max(position), 0), :parent, :source, :actor, :at "
        "FROM company_parents WHERE supplier_id = :supplier AND siren = :siren",
        siren=siren,
        parent=parent_siren,
        source=source,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "company_parent.noted", siren, parent=parent_siren, source=source)
    lock_customers(work, concerned)
    watch_limits(work, concerned)


def end_what_is_over(work: Work) -> None:
    """End limits and derogations whose day is past, and look at their customers again (a chore of every day)."""
    day = today()
    over: defaultdict[str, set[Any]] = defaultdict(set)
    for row in work.rows(
        "UPDATE credit_limits SET ended_at = :at WHERE supplier_id = :supplier AND ended_at IS NULL "
        "AND valid_until < :day RETURNING customer_id, group_siren",
        at=now(),
        day=day,
    ):
        over["siren" if row["group_siren"] else "customer"].add(row["group_siren"] or row["customer_id"])
    for row in work.rows(
        "UPDATE derogations SET state = 'ended', changed_at = :at WHERE supplier_id = :supplier "
        "AND state IN ('asked', 'agreed') AND expires_on < :day RETURNING derogation_id, customer_id",
        at=now(),
        day=day,
    ):
        over["customer"].add(row["customer_id"])
        drop_tasks(work, f"derogation/{row['derogation_id']}", "its day is past")
    concerned = over["customer"] | {each for siren in over["siren"] for each in members_of(work, siren)}
    lock_customers(work, concerned)
    rest_groups(work, over["siren"])
    watch_limits(work, concerned)


def _check(new: NewLimit, begins_on: date) -> None:
    if new.amount_minor < 0:
        raise ReceivablesError(
            "limit.bad_amount",
            "A limit is 0 or more: 0 means that nothing may be owed.",
            "Une limite vaut 0 ou plus : 0 veut dire que rien ne peut être dû.",
        )
    lasting = new.kind in (LimitKind.INTERNAL, LimitKind.GROUP)
    ends_before = new.valid_until is not None and new.valid_until < max(begins_on, today())
    if ends_before or (lasting and begins_on > today()):
        raise ReceivablesError(
            "limit.bad_days",
            "A limit ends after it begins, not in the past; one that begins later is a temporary one.",
            "Une limite finit après avoir commencé, pas dans le passé ; pour plus tard, donnez une limite temporaire.",
        )
    if (new.kind is LimitKind.GROUP) != (new.group_siren is not None) or (new.group_siren is None) == (
        new.customer_id is None
    ):
        raise ReceivablesError(
            "limit.bad_group",
            "A group's limit stands under the SIREN of its parent, any other one under a customer.",
            "La limite d'un groupe est sous le SIREN de sa société mère, toute autre sous un client.",
        )
    if new.group_siren is not None:
        _check_siren(new.group_siren)
    if not new.reason.strip():
        raise _no_reason()


def _check_siren(siren: str) -> None:
    if len(siren) != SIREN_LENGTH or not siren.isdecimal():
        raise ReceivablesError(
            "limit.bad_group", f"{siren!r} is no SIREN: nine figures.", f"{siren!r} n'est pas un SIREN : neuf chiffres."
        )


def _no_reason() -> ReceivablesError:
    return ReceivablesError("limit.no_reason", "Say why: it is kept.", "Dites pourquoi : c'est gardé.")
