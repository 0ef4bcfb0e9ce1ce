"""The ``quittance`` command."""

from __future__ import annotations

import click

from portal.cli.demo import demo
from portal.cli.invoices import issue, validate
from portal.cli.keeping import verify
from portal.cli.running import sandbox, web, worker
from portal.cli.suppliers import link, token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Issue e-invoices with a payment link, collect, letter, and tell the platform."""


for _command in (issue, validate, verify, web, worker, sandbox, demo, token, link):
    main.add_command(_command)
