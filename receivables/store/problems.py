"""What stopped and needs somebody, gathered by cause: a hundred facts that wait for the same reason are one problem.

What waits is a problem by its age, not by how often it was tried. A cause that a person has dealt with is shown again
only for what happens after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work

STUCK_AFTER = timedelta(minutes=15)
"""A partner that restarts is back by then; later somebody should know."""
SETTABLE = frozenset({"inbox", "outbox", "refused", "status"})
"""Places whose problems a person may set aside: the others end by themselves, and hiding them would hide the next."""
BAD_STATUSES = ("207", "208", "210", "213", "221", "501")
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """One cause of trouble: where (``place``), of what kind (``what``), with which ``code``, and how often.

    ``place`` is ``inbox`` or ``outbox`` (nobody tries any more), ``held`` or ``stuck`` (still tried), ``idle`` (no
    worker tries), ``in_doubt``, ``refused`` or ``status``. ``at`` is the latest, ``since`` the earliest. ``reason``,
    ``invoice_id``, ``number`` and ``tracking_id`` are those of the latest. ``account_id`` and ``label`` name the
    platform concerned.
    """

    cause: str
    place: str
    what: str
    code: str
    reason: str
    tries: int
    count: int
    since: datetime
    at: datetime
    invoice_id: UUID | None
    number: str | None
    tracking_id: str | None
    account_id: UUID | None
    label: str | None

    @property
    def settable(self) -> bool:
        """Whether a person may set it aside."""
        return self.place in SETTABLE


_CODE = "coalesce(substring({reason} from '^[A-Za-z_.]+(?=:)'), '')"
"""A reason begins with its code or the name of an error; what follows differs from one fact to the next."""
_REMARK = """jsonb_path_query_first(flow.refusal, '$[*] ? (@.level != "Warning").reason') #>> '{}'"""
_INBOX = (
    "SELECT CASE WHEN state = 'buried' THEN 'inbox' WHEN reason IS NULL THEN 'idle' ELSE 'held' END AS place, "
    "source AS what, " + _CODE.format(reason="reason") + " AS code, "
    "coalesce(reason, '') AS reason, tries, received_at AS since, next_try_at AS at, NULL::uuid AS invoice_id, "
    "NULL::text AS tracking_id, NULL::uuid AS account_id, ''::text AS single "
    "FROM inbox WHERE supplier_id = :supplier AND (state = 'buried' OR state IN ('new', 'waiting') "
    "AND received_at < :stuck AND (reason IS NOT NULL OR next_try_at < :stuck))"
)
_OUTBOX = (
    "SELECT CASE WHEN fact.state = 'buried' THEN 'outbox' WHEN fact.reason IS NULL THEN 'idle' "
    "WHEN flow.state = 'in_doubt' THEN 'in_doubt' ELSE 'stuck' END, fact.kind, "
    + _CODE.format(reason="fact.reason")
    + ", coalesce(fact.reason, ''), fact.tries, fact.created_at, "
    "CASE WHEN fact.state = 'buried' THEN fact.next_try_at ELSE fact.created_at END, flow.invoice_id, "
    "flow.tracking_id, flow.account_id, '' FROM outbox AS fact "
    "LEFT JOIN platform_flows AS flow ON flow.supplier_id = fact.supplier_id AND fact.kind = 'flow.planned' "
    "AND flow.tracking_id = fact.event_key WHERE fact.supplier_id = :supplier AND (fact.state = 'buried' "
    "AND (flow.state IS NULL OR flow.state IN ('to_send', 'in_doubt')) OR fact.state = 'new' "
    "AND fact.created_at < :stuck AND (fact.reason IS NOT NULL AND fact.kind <> 'webhook.planned' "
    "OR fact.next_try_at < :stuck))"
)
_FLOWS = (
    f"SELECT 'refused', flow.kind, coalesce({_REMARK}, ''), coalesce(flow.refusal::text, ''), flow.sends, "
    "flow.created_at, flow.changed_at, flow.invoice_id, flow.tracking_id, flow.account_id, '' "
    "FROM platform_flows AS flow WHERE flow.supplier_id = :supplier AND flow.state = 'refused' "
    "AND NOT EXISTS (SELECT 1 FROM platform_flows AS later WHERE later.supplier_id = :supplier "
    "AND later.kind = flow.kind AND later.document_id = flow.document_id AND later.attempt > flow.attempt)"
)
_STATUSES = (
    "SELECT 'status', code, '', coalesce(note, ''), 1, set_at, created_at, invoice_id, NULL, NULL, "
    "concat(invoice_id, '/', message_id) "
    "FROM statuses WHERE supplier_id = :supplier AND direction = 'in' AND code = ANY(:bad)"
)


def list_problems(work: Work, *, limit: int = 200) -> list[Problem]:
    """What needs a human, by cause, the latest first."""
    raw = f"{_INBOX} UNION ALL {_OUTBOX} UNION ALL {_FLOWS} UNION ALL {_STATUSES}"
    rows = work.rows(
        f"WITH raw AS ({raw}), "
        "caused AS (SELECT *, concat_ws('/', place, what, code, account_id, nullif(single, '')) AS cause FROM raw), "
        "found AS (SELECT cause, place, what, code, (array_agg(reason ORDER BY at DESC))[1] AS reason, "
        "max(tries) AS tries, count(*) AS count, min(since) AS since, max(at) AS at, "
        "(array_agg(caused.invoice_id ORDER BY at DESC))[1] AS invoice_id, "
        "(array_agg(tracking_id ORDER BY at DESC))[1] AS tracking_id, account_id FROM caused "
        "WHERE NOT EXISTS (SELECT 1 FROM troubles_set_aside AS aside WHERE aside.supplier_id = :supplier "
        "AND aside.cause = caused.cause AND aside.set_at >= caused.at) "
        "GROUP BY cause, place, what, code, account_id) "
        "SELECT found.*, number, label FROM found "
        "LEFT JOIN invoices ON invoices.supplier_id = :supplier AND invoices.invoice_id = found.invoice_id "
        "LEFT JOIN platform_accounts AS account ON account.supplier_id = :supplier "
        "AND account.account_id = found.account_id ORDER BY at DESC, cause LIMIT :limit",
        limit=limit,
        stuck=now() - STUCK_AFTER,
        bad=list(BAD_STATUSES),
    )
    return [Problem(**row) for row in rows]


def set_aside(work: Work, cause: str, person_id: UUID, note: str) -> bool:
    """Note that a person has dealt with a cause of trouble; False where there is none such to set aside (now)."""
    found = next((each for each in list_problems(work) if each.cause == cause and each.settable), None)
    if found is None:
        return False
    work.execute(
        "INSERT INTO troubles_set_aside (supplier_id, cause, person_id, note, set_at) "
        "VALUES (:supplier, :cause, :person, :note, :at) ON CONFLICT DO NOTHING",
        cause=cause,
        person=person_id,
        note=note[:LONGEST_NOTE],
        at=max(now(), found.at),
    )
    work.audit(f"person {person_id}", "problem.set_aside", cause, note=note[:LONGEST_NOTE], count=found.count)
    return True
