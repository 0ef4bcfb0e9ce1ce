"""The ``quittance`` command."""

from __future__ import annotations

import click

from portal.cli.demo import demo
from portal.cli.invoices import issue, validate
from portal.cli.keeping import verify
from portal.cli.running import sandbox, web, worker
from portal.cli.suppliers import connect_platform_, connect_provider, invite, link, supplier, token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Issue e-invoices with a payment link, collect, letter, and tell the platform."""


COMMANDS = (
    issue,
    validate,
    verify,
    web,
    worker,
    supplier,
    connect_provider,
    connect_platform_,
    invite,
    token,
    link,
    sandbox,
    demo,
)
for _command in COMMANDS:
    main.add_command(_command)
