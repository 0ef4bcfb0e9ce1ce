"""The pages of settings, of customers as they are kept, and of items: one list for the app."""

from __future__ import annotations

from portal.staff.clients import pages as client_pages
from portal.staff.settings import (
    audit_trail,
    branding,
    domain,
    home,
    identity,
    items,
    law,
    mail_texts,
    sales_terms,
    series,
)

BLUEPRINTS = (
    home.blueprint,
    identity.blueprint,
    client_pages.blueprint,
    items.blueprint,
    series.blueprint,
    sales_terms.blueprint,
    branding.blueprint,
    mail_texts.blueprint,
    domain.blueprint,
    law.blueprint,
    audit_trail.blueprint,
)
MAX_TERMS_BYTES = sales_terms.MAX_FORM_BYTES
MAX_LOGO_BYTES = branding.MAX_FORM_BYTES
