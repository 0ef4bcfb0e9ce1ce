"""Jobs, facts for the outside, and the audit trail."""

from __future__ import annotations

TELLING: dict[str, dict[str, str]] = {
    "job_lines": {"job_id": "uuid", "position": "integer", "label": "text", "input": "bytea"},
    "outbox": {"kind": "text", "event_key": "text", "payload": "jsonb"},
    "event_log": {
        "event_id": "uuid",
        "kind": "text",
        "customer_id": "uuid",
        "invoice_id": "uuid",
        "data": "jsonb",
        "happened_at": "timestamptz",
    },
    "webhook_deliveries": {
        "delivery_id": "uuid",
        "endpoint_id": "uuid",
        "event_id": "uuid",
        "kind": "text",
        "cause": "text",
        "next_try_at": "timestamptz",
        "created_at": "timestamptz",
        "changed_at": "timestamptz",
    },
    "audit_rows": {"actor": "text", "act": "text", "object": "text", "details": "jsonb"},
}
