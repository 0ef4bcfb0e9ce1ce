"""What stands behind the address of a link: nothing where it is none of ours, a page of its own where it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, make_response, render_template

from payments.links import find_link, read_token
from portal.customer.desk import note_desk
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from payments.links import LinkTarget
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def read_address(token: str) -> tuple[UUID, bytes]:
    """The supplier that a token names, and the hash under which the link is kept; 404 where it is no token."""
    return read_token(token) or abort(404)


def get_link(work: Work, token_hash: bytes) -> LinkTarget:
    """The pay link, revoked or not; 404 where there is none."""
    return find_link(work, token_hash) or abort(404)


def linked_invoice(work: Work, token_hash: bytes) -> Invoice | None:
    """The invoice behind a pay link, ``None`` where the link is revoked; 404 where there is none."""
    link = get_link(work, token_hash)
    return None if link.revoked else get_invoice(work, link.invoice_id)


def revoked_page(work: Work) -> Response:
    """What a revoked link answers: whose it was, and where to ask."""
    note_desk(work, None)
    return make_response(render_template("pay/revoked.html", supplier_name=supplier_name(work)), 410)
