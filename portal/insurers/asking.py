"""Ask an insurer for a limit, hear what it decided (by call or file), declare an overdue invoice to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import today
from portal.agencies.accounts import accounts_at, open_client
from portal.agencies.driver import INSURER, BureauError, driver_named
from portal.agencies.reading import at_path, read_day, read_minor, read_rows, values_of, word
from receivables.domain.money import Money
from receivables.services.risk.insuring import ASKED, declare, note_decisions
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.risk.agency_reports import customers_by_siren
from receivables.store.risk.insurance import InsurerDecision, get_policy, open_debts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from portal.agencies.driver import Driver
    from portal.wiring import Services
    from receivables.store.risk.insurance import Policy
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Heard:
    """What a file or a call came to: decisions read, limits that changed by them, SIREN numbers of nobody's."""

    decisions: int
    limits: int
    strangers: list[str]


def ask_limit(  # noqa: PLR0917 -- a request has this many facts
    services: Services, supplier_id: UUID, policy_id: UUID, customer_id: UUID, amount_minor: int, actor: str
) -> bool:
    """Ask the insurer of a policy for a limit on a customer; returns whether it was told by a call.

    Without an account there the request is noted, for somebody to make on the insurer's own site.

    Raises:
        BureauError: ``bureau.*``.
        ReceivablesError: ``insurance.wrong_decision``, and ``*.not_found``.
    """
    with services.works.begin(supplier_id) as work:
        policy, customer = get_policy(work, policy_id), get_customer(work, customer_id)
        driver = driver_named(INSURER, policy.insurer)
        client = open_client(services, work, INSURER, driver) if _offers(work, driver, "ask") else None
    reference = f"{customer.siren or customer.account_code}-{today():%Y%m%d}"
    if client is not None:
        if customer.siren is None:
            raise BureauError(
                "bureau.no_siren",
                "This customer has no SIREN: ask for its limit on the insurer's own site.",
                "Ce client n'a pas de SIREN : demandez sa limite sur le site de l'assureur.",
            )
        amount = str(Money(amount_minor, policy.currency).decimal)
        answer = client.ask(
            "ask", siren=customer.siren, amount=amount, currency=policy.currency, policy=policy.policy_number
        )
        reference = str(at_path(answer, driver.fields.get("reference", "reference")) or reference)
    asked = InsurerDecision(
        policy_id, customer_id, "permanent", ASKED, 0, policy.currency, today(), today(), reference,
        "http" if client else "hand", amount_minor,
    )  # fmt: skip
    with services.works.begin(supplier_id) as work:
        note_decisions(work, [asked], actor)
    return client is not None


def fetch_decisions(services: Services, supplier_id: UUID, policy_id: UUID, actor: str) -> Heard:
    """Ask the insurer of a policy for all its decisions, outside of any transaction.

    Raises:
        BureauError: ``bureau.*``.
        NotFoundError: ``insurance.policy_not_found``.
    """
    with services.works.begin(supplier_id) as work:
        policy = get_policy(work, policy_id)
        driver = driver_named(INSURER, policy.insurer)
        client = open_client(services, work, INSURER, driver)
    answer = client.ask("decisions", policy=policy.policy_number)
    rows = at_path(answer, driver.rows)
    told = [values_of(row, driver) for row in rows] if isinstance(rows, list) else []
    with services.works.begin(supplier_id) as work:
        return _hear(work, policy, driver, told, "http", actor)


def take_decisions(work: Work, policy_id: UUID, content: bytes, actor: str) -> Heard:
    """Take a file of an insurer's decisions: one row for each, customers known by their SIREN; as one set.

    Raises:
        BureauError: ``bureau.*``: the file, with the row where there is one.
        NotFoundError: ``insurance.policy_not_found``.
    """
    policy = get_policy(work, policy_id)
    driver = driver_named(INSURER, policy.insurer)
    return _hear(work, policy, driver, read_rows(content, driver), "file", actor)


def declare_overdue(  # noqa: PLR0917 -- as above
    services: Services, supplier_id: UUID, policy_id: UUID, invoice_id: UUID, actor: str, reference: str = ""
) -> bool:
    """Declare an overdue invoice: by a call where the insurer offers one, else it is noted that somebody did.

    Returns whether it was told by a call.

    Raises:
        BureauError: ``bureau.*``: nothing is noted then.
        ConflictError: ``insurance.nothing_open``.
    """
    with services.works.begin(supplier_id) as work:
        policy, invoice = get_policy(work, policy_id), get_invoice(work, invoice_id)
        driver = driver_named(INSURER, policy.insurer)
        customer = get_customer(work, invoice.customer_id)
        client = open_client(services, work, INSURER, driver) if _offers(work, driver, "declare") else None
        owed = {row["invoice_id"]: row for row in open_debts(work, [customer.customer_id], policy.currency)}
    if client is not None and invoice_id in owed:
        row = owed[invoice_id]
        answer = client.ask(
            "declare",
            siren=customer.siren or "",
            policy=policy.policy_number,
            number=invoice.number,
            issued_on=invoice.issued_on.isoformat(),
            due_on=row["due_on"].isoformat(),
            amount=str(Money(row["open_minor"], policy.currency).decimal),
            currency=policy.currency,
        )
        reference = str(at_path(answer, driver.fields.get("reference", "reference")) or reference)
    with services.works.begin(supplier_id) as work:
        declare(work, policy_id, invoice_id, reference=reference, declared_on=today(), actor=actor)
    return client is not None


def read_decision(
    policy: Policy, driver: Driver, told: Mapping[str, Any], customer_id: UUID, source: str
) -> InsurerDecision:
    """A decision from what was told, by the names that our fields have.

    Raises:
        BureauError: ``bureau.wrong_day``, ``bureau.wrong_amount``, or ``bureau.wrong_state``: a word we do not know.
    """
    state = word(told.get("state"), driver, "state")
    if state is None:
        raise BureauError(
            "bureau.wrong_state",
            f"{driver.title}: {told.get('state')!r} is no state that the driver knows.",
            f"{driver.title} : {told.get('state')!r} n'est pas un état que le connecteur connaît.",
        )
    decided_on = read_day(told.get("decided_on"), driver, "decided_on") or today()
    return InsurerDecision(
        policy_id=policy.policy_id,
        customer_id=customer_id,
        kind=word(told.get("kind"), driver, "kind") or "permanent",
        state=state,
        amount_minor=read_minor(told.get("amount"), driver, "amount") or 0,
        currency=policy.currency,
        decided_on=decided_on,
        effective_on=read_day(told.get("effective_on"), driver, "effective_on") or decided_on,
        reference=str(told.get("reference") or "").strip(),
        source=source,
        ends_on=read_day(told.get("ends_on"), driver, "ends_on"),
    )


def _offers(work: Work, driver: Driver, call: str) -> bool:
    """Whether the supplier has an account at an insurer that takes this call."""
    return driver.web is not None and call in driver.web.calls and driver.name in accounts_at(work, INSURER)


def _hear(  # noqa: PLR0917 -- as above
    work: Work, policy: Policy, driver: Driver, rows: Sequence[Mapping[str, Any]], source: str, actor: str
) -> Heard:
    owners = customers_by_siren(work, {_siren(row) for row in rows})
    decisions = []
    for number, row in enumerate(rows, start=2):
        owner = owners.get(_siren(row))
        if owner is not None:
            try:
                decisions.append(read_decision(policy, driver, row, owner, source))
            except BureauError as error:
                raise BureauError(
                    error.code, f"Row {number}: {error}", f"Ligne {number} : {error.sentence_fr}"
                ) from error
    limits = note_decisions(work, decisions, actor)
    work.audit(actor, "insurance.decisions_taken", policy.policy_number, decisions=len(decisions), limits=limits)
    return Heard(len(decisions), limits, sorted({_siren(row) for row in rows} - owners.keys()))


def _siren(row: Mapping[str, Any]) -> str:
    return "".join(str(row.get("siren") or "").split())[:9]
