"""Every part of the API, for whoever serves it."""

from __future__ import annotations

from portal.api.accounts import accounts
from portal.api.bulk import bulk
from portal.api.claims import claims
from portal.api.credit import credit
from portal.api.customers import customers
from portal.api.directory import directory
from portal.api.disputes import disputes
from portal.api.events import events
from portal.api.invoices import api
from portal.api.messages import messages
from portal.api.oauth import oauth
from portal.api.orders import orders
from portal.api.payments import payments
from portal.api.promises import promises
from portal.api.statements import statements
from portal.api.validations import validations

OPERATIONS = (
    api,
    accounts,
    customers,
    orders,
    payments,
    credit,
    disputes,
    messages,
    promises,
    claims,
    statements,
    directory,
    validations,
    events,
    bulk,
)
"""What the published schema speaks of, in its order."""
API_BLUEPRINTS = (*OPERATIONS, oauth)
