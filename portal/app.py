"""The portal as a Flask application, put together in named steps; it refuses to start half secured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from jinja2 import StrictUndefined
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from payments.banking.by_hand import printed_reference
from portal import assets, words
from portal.access.context import bind_services, place, services
from portal.access.cookies import LANGUAGE, read_cookie, set_cookie
from portal.access.forms import check_form, form_field, keep_visit
from portal.access.headers import set_headers
from portal.access.limits import limit_rates
from portal.access.principals import check_access, principal
from portal.access.providers import provider_address, sign_in_providers
from portal.access.roles import Door, access_of, close_to_portfolios, public, refuse_unstated_routes
from portal.blueprints import BLUEPRINTS, DEMO_BLUEPRINTS, LONGER_FORMS, MAX_FORM_BYTES
from portal.customer.payment_words import method_words
from portal.lists import FILTER_NAMES
from portal.navigation import here, initials, navigation, opens
from portal.own_hosts.known import TrustedHosts, stay_on_payment_pages
from portal.problems import answer_errors
from portal.telling.account_names import name_account, name_journal
from portal.telling.dispute_words import reason_words
from portal.telling.references import told_reference
from portal.telling.segments import name_segment
from portal.telling.states import badge, document_title, kind_name
from portal.telling.timeline import form_name
from portal.validation import uploads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Blueprint

    from portal.wiring import Services

LANGUAGE_KEPT = timedelta(days=365)
MAX_FORM_PARTS = 50


def create_app(services: Services, more: Iterable[Blueprint] = ()) -> Flask:
    """The portal of a house, with ``more`` blueprints beside its own.

    Raises:
        UnstatedAccessError: a route does not say who may call it.
    """
    app = Flask("portal", static_folder=None)
    app.request_class = uploads.MemoryRequest
    bind_services(app, services)
    _set_limits(app, services)
    _trust_proxies(app, services)
    _speak_languages(app)
    _guard_requests(app)
    _set_up_templates(app)
    answer_errors(app)
    for blueprint in (*BLUEPRINTS, *(DEMO_BLUEPRINTS if services.settings.demo else ()), *more):
        app.register_blueprint(blueprint)
    _add_plain_routes(app)
    limit_rates(app, services.counts)
    close_to_portfolios(app)
    refuse_unstated_routes(app)
    return app


def _set_limits(app: Flask, services: Services) -> None:
    """Nothing unbounded comes in, and only under names that are ours, or proven to be a supplier's."""
    ours = {urlsplit(services.settings.public_url).hostname or "localhost", "localhost", "127.0.0.1"}
    trusted = TrustedHosts(tuple(sorted(ours)), services.own_hosts)
    app.config.update(
        MAX_CONTENT_LENGTH=services.settings.max_upload_bytes,
        MAX_FORM_MEMORY_SIZE=2 * MAX_FORM_BYTES,  # a file is read in pieces of 64 KiB behind what is left of the last
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        TRUSTED_HOSTS=trusted,
    )
    app.before_request(lambda: stay_on_payment_pages(services.own_hosts, trusted, services.settings.public_url))


def _trust_proxies(app: Flask, services: Services) -> None:
    """Believe exactly as many proxies as there are."""
    hops = services.settings.trusted_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _speak_languages(app: Flask) -> None:
    """A language chosen by ``?lang=`` stays chosen; a signed-in person's own comes before the browser's."""

    @app.before_request
    def choose() -> None:
        g.chosen_language = read_cookie(LANGUAGE)

    @app.after_request
    def keep(response: Response) -> Response:
        asked = request.args.get("lang")
        if asked in words.LANGUAGES:
            set_cookie(response, LANGUAGE, asked, max_age_s=int(LANGUAGE_KEPT.total_seconds()))
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Language", words.language())
        response.vary.update(("Accept-Language", "Cookie") if response.mimetype == "text/html" else ())
        return response


def _guard_requests(app: Flask) -> None:
    """Who is it, may they, did they mean it; then headers on whatever is answered."""
    app.before_request(_limit_forms)
    app.before_request(check_access)
    app.before_request(_greet_in_own_language)
    app.before_request(check_form)
    app.after_request(set_headers)
    app.after_request(keep_visit)


def _limit_forms() -> None:
    """Forms are read whole before any of Flask's form limits counts, so that their bodies need one of their own."""
    access = access_of(current_app.view_functions.get(request.endpoint or ""))
    if access is None or access.door is not Door.API_TOKEN:
        request.max_content_length = LONGER_FORMS.get(request.endpoint or "", MAX_FORM_BYTES)


def _greet_in_own_language() -> None:
    if "place" in g:
        known = principal()
        words.suppose_language(known.person.language if known else None)


def _set_up_templates(app: Flask) -> None:
    """Templates that fail on what is missing, in the reader's language."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        day=words.day,
        short_day=words.short_day,
        moment=words.moment,
        number=words.number,
        percent=words.percent,
        fitted=words.fitted,
        country=words.country,
        grouped=words.grouped,
        printed_reference=printed_reference,
        told_reference=told_reference,
    )
    app.jinja_env.globals.update(
        account_name=name_account,
        journal_name=name_journal,
        segment_name=name_segment,
        colon=words.colon,
        money=words.money,
        asset=assets.asset,
        icon=assets.icon,
        badge=badge,
        form_name=form_name,
        document_title=document_title,
        form_field=form_field,
        principal=principal,
        language=words.language,
        languages=words.NAMES,
        filter_names=FILTER_NAMES,
        is_demo=lambda: services().settings.demo,
        sign_in_providers=sign_in_providers,
        provider_address=provider_address,
        place=place,
        here=here,
        navigation=navigation,
        opens=opens,
        initials=initials,
        kind_name=kind_name,
        paying_by=method_words,
        reason_words=reason_words,
        mail_state=lambda state: "kept" if state == "to_send" and not services().settings.smtp_url else state,
    )


def _add_plain_routes(app: Flask) -> None:
    """Static files, the health check, and a word to robots."""
    app.add_url_rule(f"{assets.PREFIX}<path:name>", "static", assets.serve)
    app.add_url_rule("/favicon.ico", "favicon", favicon)
    app.add_url_rule("/healthz", "health", health)
    app.add_url_rule("/robots.txt", "robots", robots)


@public
def favicon() -> Response:
    """The house's mark, for browsers that ask without being told."""
    return assets.serve(assets.asset("mark.svg").removeprefix(assets.PREFIX))


@public
def health() -> Response:
    """Whether this process can reach its database."""
    with services().database.register() as connection:
        connection.execute(text("SELECT 1"))
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@public
def robots() -> Response:
    """Nothing here is for search engines."""
    return Response("User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")
