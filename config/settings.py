"""Every knob of the house: unit, default, limit and reason. Refuses to start without its secrets.

Values come from the environment (``QUITTANCE_...``, and ``DATABASE_URL``). Without ``DATABASE_URL`` the house runs on
the embedded PostgreSQL below ``data_dir`` and makes its own secret there; with one, the secret must be given.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.sign_in_providers import Audience, SignInProvider

MIN_SECRET_BYTES = 32
"""A shorter secret can be guessed offline from one token."""
REPLY_TOKEN = "{token}"  # noqa: S105 -- a place, no secret
REPLY_TOKEN_LENGTH = 52
"""32 bytes in base 32: mail servers do not keep capital letters."""
FIRST_PROVIDER = "sso"
"""What the provider of ``QUITTANCE_OIDC_*`` is called here."""
MAX_LOCAL_PART = 64
"""RFC 5321, 4.5.3.1.1."""


class Settings(BaseSettings):
    """The settings of one running house."""

    model_config = SettingsConfigDict(
        env_prefix="QUITTANCE_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: Annotated[str | None, Field(validation_alias="DATABASE_URL")] = None
    """PostgreSQL >= 16, e.g. ``postgresql://login@host/name``; absent: the embedded one."""
    data_dir: Path = Path(".var")
    """Archive, embedded database and generated secret. One folder, to be backed up as one."""
    archive_url: str | None = None
    """Where legal documents are kept for ten years: a folder, or ``s3://bucket/prefix?endpoint=...&region=...`` with
    Object Lock and the credentials of the AWS environment; absent: ``archive`` below ``data_dir``."""
    secret_key: SecretStr | None = None
    """Root secret, at least 32 bytes; every purpose derives its own key from it."""
    previous_secret_key: SecretStr | None = None
    """The root secret before the last rotation: still opens what it sealed."""
    public_url: str = "http://127.0.0.1:8000"
    """Where customers reach the portal; pay links begin with it."""
    secure_cookies: bool | None = None
    """Cookies over https only. Absent: as ``public_url`` says."""
    smtp_url: str | None = None
    """``smtp://user:password@host:port``; absent: mails stay in the book of mails, readable in the demo."""
    mail_from: str = "Quittance <no-reply@localhost>"
    dkim_domain: str | None = None
    """The domain that signs our mails (DKIM), that of ``mail_from`` or one above it; absent: nothing is signed here,
    which is right where the mail server signs. The three go together."""
    dkim_selector: Annotated[str | None, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = None
    """Under which name the key stands in the DNS: ``selector._domainkey.domain``."""
    dkim_key_file: Path | None = None
    """The private key, RSA of 2,048 bits or more, as PEM; ``quittance mail-key`` makes one."""
    mail_reply_address: str | None = None
    """Where customers' answers by mail arrive, with ``{token}`` in its place, e.g. ``answer+{token}@example.com``: a
    mailbox that takes every address of this shape. Absent: nobody answers by mail."""
    imap_url: SecretStr | None = None
    """That mailbox, ``imaps://user:password@host:993/INBOX``; absent: answers come by ``POST /hooks/mail``, or not."""
    imap_poll_s: Annotated[float, Field(ge=1)] = 20.0
    """How often the mailbox is looked into, in seconds."""
    mail_hook_secret: SecretStr | None = None
    """What a mail service proves itself with at ``/hooks/mail``, at least 32 bytes; absent: the road is closed."""
    max_mail_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    """Larger mails stay in the mailbox, unread by us."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 8
    """Database connections per process and role."""
    statement_timeout_ms: Annotated[int, Field(ge=100, le=600_000)] = 5_000
    lock_timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 3_000
    idle_transaction_timeout_ms: Annotated[int, Field(ge=1_000)] = 30_000
    """A transaction never outlives a pause of 30 s: a stuck worker frees its locks."""
    max_webhook_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024
    """Larger webhook bodies are refused unread."""
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    """Largest invoice file accepted."""
    api_calls_per_minute: Annotated[int, Field(ge=10, le=100_000)] = 600
    """Calls of one program in a minute, over all web processes: an import of an ERP fits, a loop gone wild not."""
    inbox_batch: Annotated[int, Field(ge=1, le=1000)] = 200
    """Events posted in one transaction: large enough to spread the commit, small enough to replay."""
    worker_pause_s: Annotated[float, Field(gt=0, le=10)] = 0.05
    """Sleep of an idle worker between two looks."""
    worker_niceness: Annotated[int, Field(ge=0, le=19)] = 5
    """How far the worker steps back for the web processes on a full machine: an answer waits for nobody's books."""
    platform_poll_s: Annotated[float, Field(gt=0)] = 2.0
    """How often a supplier's platform is asked for news, in seconds."""
    directory_timeout_s: Annotated[float, Field(gt=0, le=30)] = 3.0
    """How long one call to the directory may take, in seconds: somebody waits for an invoice meanwhile."""
    directory_fresh_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """How long the directory's answer on a reachable customer counts, in hours: it is updated once a day."""
    directory_absent_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """How long "not reachable" counts, in minutes: customers name their platform every day."""
    directory_most_lines: Annotated[int, Field(ge=1, le=5000)] = 500
    """Lines read of one company: a ministry has thousands, an invoice needs one."""
    directory_max_rows: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Rows of one customer file to be checked: an hour of calls at most."""
    directory_max_file_bytes: Annotated[int, Field(ge=1024, le=10 * 1024 * 1024)] = 5 * 1024 * 1024
    """Largest customer file: ten thousand rows with wide columns stay under it."""
    vies_url: str = "https://ec.europa.eu/taxation_customs/vies/rest-api"
    """Where VAT numbers of other member states are asked about, when somebody presses the button; empty: nowhere."""
    dns_server: str | None = None
    """Address of the name server that is asked about suppliers' own hosts; absent: the machine's own."""
    dns_port: Annotated[int, Field(ge=1, le=65_535)] = 53
    provider_poll_s: Annotated[float, Field(gt=0)] = 900.0
    """How often the payment provider is asked for missed events, in seconds."""
    checkout_minutes: Annotated[int, Field(ge=30, le=1440)] = 60
    """Life of a hosted checkout; Stripe takes 30 minutes to 24 hours."""
    sign_in_minutes: Annotated[int, Field(ge=1, le=10)] = 10
    session_idle_minutes: Annotated[int, Field(ge=5)] = 30
    session_hours: Annotated[int, Field(ge=1, le=24)] = 12
    oidc_issuer: str | None = None
    """The sign-in provider of the staff, exactly as its ID tokens name it, e.g. ``https://login.example.com/realm``;
    absent: link by mail, passkey and authenticator."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "SSO"
    """What its button says."""
    oidc_scopes: str = "openid email profile"
    oidc_algorithms: Annotated[str, Field(pattern=r"^(RS256|ES256)( (RS256|ES256))*$")] = "RS256 ES256"
    """Signatures of ID tokens that are taken, whatever the provider says of itself."""
    oidc_hosts: str = ""
    """Further hosts that the provider's addresses may name, apart by spaces; its own is always one."""
    oidc_second_proofs: str = ""
    """Values of ``acr`` or ``amr``, apart by spaces, that tell of two proofs, e.g. ``mfa hwk``; others count as one."""
    sign_in_providers: tuple[SignInProvider, ...] = ()
    """Further providers, by name, of staff, customers or both: a JSON list (docs/access.md). Those of before are the
    provider without a name, for staff."""
    trusted_hops: Annotated[int, Field(ge=0, le=5)] = 0
    """Proxies in front whose X-Forwarded headers are believed."""
    private_hosts_allowed: bool = False
    """Let platforms and providers live on private addresses: for the sandboxes only."""
    demo: bool = False
    """Demonstration data, sandbox banners and the readable book of mails."""

    @model_validator(mode="after")
    def _has_its_secrets(self) -> Settings:
        if self.secret_key is None:
            if self.database_url is not None:
                message = (
                    "Set QUITTANCE_SECRET_KEY (32 bytes or more): a house with its own database has its own secret."
                )
                raise ValueError(message)
            object.__setattr__(self, "secret_key", SecretStr(_own_secret(self.data_dir)))
        for value in (self.secret_key, self.previous_secret_key, self.mail_hook_secret):
            if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
                message = f"A secret key has fewer than {MIN_SECRET_BYTES} bytes: make one with `openssl rand -hex 32`."
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _signs_whole(self) -> Settings:
        given = [each is not None for each in (self.dkim_domain, self.dkim_selector, self.dkim_key_file)]
        if any(given) and not all(given):
            message = "Set QUITTANCE_DKIM_DOMAIN, _SELECTOR and _KEY_FILE together, or none of them."
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _knows_its_providers(self) -> Settings:
        if self.oidc_issuer is not None and (not self.oidc_client_id or self.oidc_client_secret is None):
            message = "QUITTANCE_OIDC_ISSUER needs QUITTANCE_OIDC_CLIENT_ID and QUITTANCE_OIDC_CLIENT_SECRET."
            raise ValueError(message)
        providers = self.providers
        for each in providers:
            if not each.issuer.startswith("https://") and not self.private_hosts_allowed:
                message = f"{each.issuer} must begin with https://: what a sign-in provider says decides who may enter."
                raise ValueError(message)
        for told in ("name", "issuer"):
            if len({getattr(each, told) for each in providers}) < len(providers):
                message = f"Two sign-in providers have the same {told}: people are known by it."
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _answers_arrive(self) -> Settings:
        given = self.mail_reply_address
        local, at, host = (given or "").rpartition("@")
        whole = local.replace(REPLY_TOKEN, "x" * REPLY_TOKEN_LENGTH)
        if given is not None and not (at and host and local.count(REPLY_TOKEN) == 1 and len(whole) <= MAX_LOCAL_PART):
            most = MAX_LOCAL_PART - REPLY_TOKEN_LENGTH
            message = (
                f"QUITTANCE_MAIL_REPLY_ADDRESS must look like answer+{REPLY_TOKEN}@example.com, with at most {most} "
                f"characters beside {REPLY_TOKEN} before the @: no mail server takes more than {MAX_LOCAL_PART}."
            )
            raise ValueError(message)
        return self

    @property
    def providers(self) -> tuple[SignInProvider, ...]:
        """Every sign-in provider, first the one of ``QUITTANCE_OIDC_*``."""
        if self.oidc_issuer is None or self.oidc_client_secret is None:
            return self.sign_in_providers
        first = SignInProvider(
            name=FIRST_PROVIDER,
            label=self.oidc_name,
            who=Audience.STAFF,
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret,
            scopes=self.oidc_scopes,
            algorithms=self.oidc_algorithms,
            hosts=self.oidc_hosts,
            second_proofs=self.oidc_second_proofs,
        )
        return first, *self.sign_in_providers

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies demand https."""
        return self.public_url.startswith("https://") if self.secure_cookies is None else self.secure_cookies


def _own_secret(data_dir: Path) -> str:
    """The secret of an embedded house, made at its first start and readable by its owner alone."""
    path = data_dir / "secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = data_dir / f"secret.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(MIN_SECRET_BYTES))
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # whole or not at all: of processes that start together one wins
        draft.unlink()
    return path.read_text().strip()
