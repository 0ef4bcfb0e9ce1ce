"""``quittance verify``: prove the books."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments.proving import prove_money
from portal.cli.house import out, services_of_house
from receivables.services.accounting.checks import NOT_SHOWN, Finding
from receivables.store.register import list_suppliers

if TYPE_CHECKING:
    from portal.wiring import Services


def verify_house(services: Services) -> list[Finding]:
    """Every invariant over all suppliers: counts and gaps summed, plus the archive against its addresses (I13)."""
    total: dict[str, Finding] = {}
    for supplier in list_suppliers(services.database):
        with services.works.begin(supplier.supplier_id) as work:
            work.execute("SET LOCAL statement_timeout = '600s'")
            findings = prove_money(work)
            documents = [
                row["sha256"] for row in work.rows("SELECT sha256 FROM documents WHERE supplier_id = :supplier")
            ]
        findings.append(_archived(services, documents))
        for each in findings:
            known = total.get(each.code)
            total[each.code] = (
                Finding(each.code, each.title, known.looked_at + each.looked_at, known.gap + each.gap)
                if known
                else each
            )
    return sorted(total.values(), key=lambda each: (int(each.code.split("-")[0][1:]), each.code))


def _archived(services: Services, addresses: list[str]) -> Finding:
    missing = 0
    for sha in addresses:
        try:
            services.archive.get(sha)
        except Exception:  # noqa: BLE001 -- whatever the reason, the file is not what its address says
            missing += 1
    return Finding("I13", "archived files are what their addresses say", len(addresses), missing)


def show_findings(findings: list[Finding]) -> None:
    """One line per invariant."""
    for each in findings:
        mark = "[green]ok [/]" if each.gap == 0 else "[red]GAP[/]"
        out.print(f"{mark} {each.code:8} {each.looked_at:>9} looked at, gap {each.gap:<6} {each.title}")
    for code, reason in NOT_SHOWN.items():
        out.print(f"[dim]--- {code:8} {reason}[/]")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, as_json: bool) -> None:
    """Recompute every invariant from the append-only rows. Exit 1 on any gap."""
    with services_of_house() as services:
        findings = verify_house(services)
    if as_json:
        click.echo(json.dumps({"checks": [asdict(e) for e in findings], "not_shown": NOT_SHOWN}, indent=2))
    else:
        show_findings(findings)
    if any(each.gap for each in findings):
        raise SystemExit(1)
