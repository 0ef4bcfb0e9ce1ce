"""The ``quittance`` command."""

from __future__ import annotations

import click

from portal.cli.lazy import LazyGroup, Place

COMMANDS = {
    "demo": Place("portal.cli.demo:demo", "Run the whole house with data to look at."),
    "issue": Place("portal.cli.invoices:issue", "Issue invoices: our JSON, or finished UBL, CII and Factur-X."),
    "import": Place("portal.cli.imports:import_", "Issue the invoices of a table, a document or an archive."),
    "validate": Place("portal.cli.validation:validate", "Judge files and folders; nothing is issued or kept."),
    "rules": Place("portal.cli.rules:rules", "Install newer sets of rules; see which are in force."),
    "law": Place("portal.cli.law:law", "Add rates of late interest of a new half-year; see which are known."),
    "verify": Place("portal.cli.keeping:verify", "Recompute every invariant of the books."),
    "report": Place("portal.cli.reports:report", "Declare sales and receipts to the State (e-reporting, Flux 10)."),
    "fec": Place("portal.cli.exports:fec", "Write the accounting entries (FEC) of a year, or check anybody's file."),
    "books": Place("portal.cli.exports:books", "Validate entries, close periods, keep rates of other currencies."),
    "bank": Place("portal.cli.bank:bank", "Import bank statements from files and folders."),
    "archive": Place("portal.cli.archive:archive", "Read the archive again and prove it; prolong what it promises."),
    "evidence": Place("portal.cli.evidence:evidence", "Everything about one invoice in one zip that can be checked."),
    "supplier": Place("portal.cli.suppliers:supplier", "Open a supplier, or change it, from its profile."),
    "connect-provider": Place("portal.cli.providers:connect_provider", "Take online payments through a provider."),
    "provider": Place("portal.cli.providers:provider", "Rotate its webhook secret; compare it with the books."),
    "connect-platform": Place("portal.cli.platforms:connect_platform_", "Hand invoices to an approved platform."),
    "close-platform": Place("portal.cli.platforms:close_platform", "Ask nothing of an earlier platform any more."),
    "platform": Place("portal.cli.platform:platform", "Test the connection to a platform; see how it fares."),
    "directory": Place("portal.cli.directory:directory", "Who of the customers can be reached, and at which address."),
    "status": Place("portal.cli.statuses:status", "Tell the buyer: completed, cancelled, factored, account changed."),
    "invite": Place("portal.cli.suppliers:invite", "Let a person sign in."),
    "token": Place("portal.cli.suppliers:token", "Make an API token."),
    "link": Place("portal.cli.suppliers:link", "Print the payment page of an invoice, or revoke it."),
    "mail-key": Place("portal.cli.mail:mail_key", "Make the key that signs mails (DKIM), and its DNS record."),
    "web": Place("portal.cli.running:web", "Serve portal, API and webhooks."),
    "worker": Place("portal.cli.running:worker", "Post what came in, send what must go out."),
    "sandbox": Place("portal.cli.running:sandbox", "A payment provider and a platform to try against."),
}


@click.group(cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Issue e-invoices with a payment link, collect, letter, and tell the platform."""
