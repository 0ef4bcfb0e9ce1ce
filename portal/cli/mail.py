"""``quittance mail-key``: a key to sign mails with, and what to put into the DNS."""

from __future__ import annotations

import os
from pathlib import Path

import click

from portal.mail.dkim_signing import Signer, dns_record, make_key, zone_line


@click.command("mail-key")
@click.option("--domain", required=True, help="The domain that mails are from, e.g. example.fr.")
@click.option("--selector", required=True, help="A name for the key, e.g. q2026; another one for each key.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Where the private key goes; kept if there."
)
def mail_key(domain: str, selector: str, out: Path) -> None:
    """Make a DKIM key, or show the DNS record of one that is there."""
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make_key())
    name, value = dns_record(Signer(domain, selector, out.read_bytes()))
    click.echo(f"# DNS\n{zone_line(name, value)}\n")
    click.echo(f"# Environment\nQUITTANCE_DKIM_DOMAIN={domain}")
    click.echo(f"QUITTANCE_DKIM_SELECTOR={selector}\nQUITTANCE_DKIM_KEY_FILE={out.resolve()}")
