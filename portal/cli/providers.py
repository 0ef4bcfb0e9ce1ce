"""``quittance connect-provider`` and ``quittance provider``: how a supplier is paid online.

Keys and secrets are typed or come from the environment: on the command line every process would see them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from rich.markup import escape

from config.clock import new_id
from payments.accounts import (
    GatewayAccount,
    active_account,
    change_settings,
    forget_previous,
    open_account,
    rotate_secret,
)
from payments.clearing.comparison import compare_providers
from payments.errors import PaymentError
from payments.gateways.gocardless_facts import FINAL
from payments.gateways.opening import FINAL_AT, GOCARDLESS, PROVIDERS, STRIPE, open_gateway
from payments.gateways.port import GatewayError, KeyRights
from payments.treasury.positions import last_comparisons
from portal.cli.house import err, fail, named_supplier, out, services_of_house
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.gateways.port import Gateway

CONNECTED = "acct_"
STRIPE_SECRET = "whsec_"  # noqa: S105 -- how every one of them begins
ACTOR = "command line"
SUPPLIER = click.argument("reference", metavar="SIREN")
WEBHOOK_SECRET = click.option(
    "--webhook-secret", envvar="QUITTANCE_WEBHOOK_SECRET", prompt=True, hide_input=True, help="Signs its messages."
)


@click.command()
@SUPPLIER
@click.option("--provider", type=click.Choice(sorted(PROVIDERS)), default=STRIPE, show_default=True)
@click.option("--key", envvar="QUITTANCE_PROVIDER_KEY", prompt=True, hide_input=True, help="Secret or restricted key.")
@WEBHOOK_SECRET
@click.option("--restricted", is_flag=True, help="Refuse a key that lacks a right that we need; say which.")
@click.option("--api-url", help="Another address that speaks the provider's API, such as the sandbox.")
def connect_provider(
    *, reference: str, provider: str, key: str, webhook_secret: str, restricted: bool, api_url: str | None
) -> None:
    """Take a supplier's online payments through its account at a provider."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        if provider == STRIPE and not webhook_secret.startswith(STRIPE_SECRET):
            err.print("[red]gateway.bad_secret[/] The webhook secret begins with whsec_: copy it from the endpoint.")
            raise SystemExit(1)
        if api_url and urlsplit(api_url).scheme not in {"http", "https"}:
            err.print(f"[red]gateway.bad_address[/] {escape(api_url)} is no http or https address.")
            raise SystemExit(1)
        with _sentences():
            gateway = open_gateway(GatewayAccount(new_id(), provider, False, api_url, key, (webhook_secret,)))  # noqa: FBT003 -- read off the key
            if restricted:
                _check_rights(gateway)
            with services.works.begin(found.supplier_id) as work:
                open_account(
                    work,
                    services.keyring,
                    provider=provider,
                    key=key,
                    webhook_secret=webhook_secret,
                    base_url=api_url,
                    live=gateway.livemode,
                    actor=ACTOR,
                )
        mode = "live" if gateway.livemode else "test"
        out.print(f"{found.name} is paid through {provider} ({mode}). Send its webhooks to")
        out.print(f"  {services.settings.public_url}/hooks/{provider}/{found.supplier_id}")


@click.group()
def provider() -> None:
    """Webhook secrets of the provider's account, and the comparison with the books."""


@provider.command("rotate-secret")
@SUPPLIER
@WEBHOOK_SECRET
def rotate(reference: str, webhook_secret: str) -> None:
    """Take a new webhook secret; the one before stays good until forget-secret."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with _sentences(), services.works.begin(found.supplier_id) as work:
            account = active_account(work, services.keyring)
            rotate_secret(work, services.keyring, account.account_id, webhook_secret, ACTOR)
        out.print("Both webhook secrets are good. Once the provider signs with the new one: provider forget-secret.")


@provider.command("forget-secret")
@SUPPLIER
def forget(reference: str) -> None:
    """Forget the webhook secret before the present one."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with _sentences(), services.works.begin(found.supplier_id) as work:
            account = active_account(work, services.keyring)
            dropped = forget_previous(work, account.account_id, ACTOR)
        out.print("The former webhook secret is forgotten." if dropped else "There was one webhook secret only.")


@provider.command("final-at")
@SUPPLIER
@click.argument("event", type=click.Choice(sorted(FINAL)))
def final_at(reference: str, event: str) -> None:
    """When GoCardless' money counts as received: once it is confirmed, or only once it is paid out."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with _sentences(), services.works.begin(found.supplier_id) as work:
            account = active_account(work, services.keyring)
            if account.provider != GOCARDLESS:
                err.print("[red]gateway.not_offered[/] This setting is for accounts at GoCardless.")
                raise SystemExit(1)
            change_settings(work, account.account_id, {FINAL_AT: event}, ACTOR)
        out.print(f"Money of {found.name} at GoCardless counts as received once it is {event.replace('_', ' ')}.")


@provider.command("connect-account")
@SUPPLIER
@click.argument("account", required=False)
@click.option("--own", is_flag=True, help="Act for no connected account any more: the key is the supplier's own.")
def connect_account(*, reference: str, account: str | None, own: bool) -> None:
    """Act for the connected account ACCOUNT (acct_...) with a platform's key, once Stripe says that the key may."""
    if (account is None) != own or (account and not account.startswith(CONNECTED)):
        err.print("[red]gateway.bad_account[/] Give the connected account (it begins with acct_), or --own.")
        raise SystemExit(1)
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with _sentences(), services.works.begin(found.supplier_id) as work:
            now_used = active_account(work, services.keyring)
            if now_used.provider != STRIPE:
                err.print("[red]gateway.not_offered[/] Connected accounts are for accounts at Stripe.")
                raise SystemExit(1)
            settings = {**now_used.settings, "connect_account": account}
            open_gateway(replace(now_used, settings=settings)).balance()  # refused here rather than by a payer's click
            change_settings(work, now_used.account_id, {"connect_account": account}, ACTOR)
        whose = f"the connected account {escape(account)}" if account else "its own account"
        out.print(f"{found.name} is paid through {whose}.")


@provider.command()
@SUPPLIER
def compare(reference: str) -> None:
    """Compare the provider with the books now. Exit 1 where anything differs."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with _sentences():
            compare_providers(services.works, found.supplier_id, services.gateway_for)
        with services.works.begin(found.supplier_id) as work:
            rows = last_comparisons(work)
    for row in rows:
        gap = Money(row.gap_minor, row.currency)
        out.print(
            f"{row.compared_on}  {row.provider:10} {row.kind:14} {row.provider_count:>5} "
            f"{Money(row.provider_minor, row.currency)!s:>16}  books {Money(row.books_minor, row.currency)!s:>16}  "
            f"gap {gap}"
        )
        for each in row.differing:
            err.print(f"[red]{each['why']}[/] {escape(str(each['ref']))}")
    if not rows:
        out.print("No provider to compare.")
    if any(not row.agrees for row in rows):
        raise SystemExit(1)


def _check_rights(gateway: Gateway) -> None:
    """Say which rights a key lacks, and stop."""
    missing = gateway.missing_rights() if isinstance(gateway, KeyRights) else ()
    for each in missing:
        err.print(f"[red]gateway.missing_right[/] {escape(each.sentence)}")
        err.print(f"  [dim]{escape(each.sentence_fr)}[/]")
    if missing:
        raise SystemExit(1)


@contextmanager
def _sentences() -> Iterator[None]:
    """What is refused is told in a sentence."""
    try:
        yield
    except (GatewayError, PaymentError) as error:
        fail(error)
        raise SystemExit(1) from error
