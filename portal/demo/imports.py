"""The demonstration of imports and of going live: a file with a line that came back, and what was open before."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import today
from portal.imports.issuing import IMPORT
from portal.imports.kept import keep_brought
from portal.imports.planning import plan_import
from portal.jobs.jobs import start_job
from portal.opening.booking import start_opening
from portal.opening.documents import seller_here
from portal.opening.items import Choices
from portal.opening.planning import plan_opening

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

ACTOR = "demo"
TABLE = (
    "Référence;Client;SIREN;Adresse;CP;Ville;Désignation;Quantité;Prix unitaire HT;Taux de TVA\r\n"
    "ERP-2051;Librairie du Canal;552100554;4 quai de Valmy;75010;Paris;Maintenance du trimestre;1;480,00;20\r\n"
    "ERP-2052;Librairie du Canal;552100554;4 quai de Valmy;75010;Paris;Déplacement;2;35,00;vingt\r\n"
)


def add_imports(services: Services, supplier_id: UUID) -> None:
    """Hand in a file for the worker, and open the books with what was open before."""
    services.works.run(supplier_id, _take_over)
    services.works.run(supplier_id, _bring)


def _bring(work: Work) -> None:
    content = TABLE.encode()
    keep_brought(work, "erp-novembre.csv", content, ACTOR)
    plan = plan_import(work, content, "erp-novembre.csv")
    start_job(
        work,
        IMPORT,
        "erp-novembre.csv",
        content_sha256=hashlib.sha256(content).hexdigest(),
        options={"kind": plan.kind, **plan.options},
        actor=ACTOR,
        lines=plan.lines,
    )


def _take_over(work: Work) -> None:
    """Two invoices of another program, one of them paid in part before."""
    opened_on = today().replace(day=1)
    old, recent = opened_on - timedelta(days=70), opened_on - timedelta(days=20)
    table = (
        "Code client;Client;N° de facture;Date;Total TTC;Reste dû;Taux de TVA;TVA à l'encaissement\r\n"
        f"CCANAL;Librairie du Canal;FA-8841;{old:%d/%m/%Y};1 800,00;600,00;20;oui\r\n"
        f"CVERGER;Épicerie du Verger;FA-8857;{recent:%d/%m/%Y};432,00;432,00;20;oui\r\n"
    )
    file = keep_brought(work, "ancien-logiciel.csv", table.encode(), ACTOR)
    choices = Choices(opened_on)
    plan = plan_opening(work, file, choices, profile=seller_here(work), actor=ACTOR, stated_minor={"EUR": 103_200})
    start_opening(work, plan, file, choices, None)
