"""Headers on every response, forms from our pages only, limits, and no 500 whatever is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from portal_house import form_token, press

from portal import assets
from portal.app import create_app

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

REQUIRED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def some_pages(house: House) -> list[str]:
    return [
        "/",
        "/sign-in",
        "/sign-in/sent",
        "/sign-in/none",
        house.links["due"],
        house.links["paid"],
        "/p/none",
        "/validate",
        "/validate?demo",
        "/nowhere",
        "/healthz",
        "/robots.txt",
        "/favicon.ico",
        assets.asset("quittance.css"),
        "/c/",
        "/c/invoices",
        f"/c/invoices/{house.invoices['paid'].invoice_id}",
        f"/c/invoices/{house.invoices['paid'].invoice_id}/documents/{house.document_id}",
        "/c/receipts",
        "/s/",
    ]


def test_every_response_carries_every_security_header(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    for path in some_pages(house):
        answer = client.get(path)
        for name, value in REQUIRED.items():
            assert answer.headers.get(name) == value, (path, name)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, path
        assert "default-src 'none'" in policy, path
        assert "camera=()" in answer.headers["Permissions-Policy"], path


def test_only_static_files_are_kept_by_browsers(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    for path in some_pages(house):
        kept = client.get(path).headers["Cache-Control"]
        static = path.startswith("/static/") or path == "/favicon.ico"
        assert kept == ("public, max-age=31536000, immutable" if static else "no-store"), path


def test_pages_hold_no_script_no_inline_style_and_nothing_foreign(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    for path in some_pages(house):
        answer = client.get(path)
        if answer.mimetype == "text/html":
            assert not re.search(r"<script|\sstyle=|\son\w+=|<style", answer.text), path
            assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text), path


def test_https_houses_ask_for_https_and_use_host_cookies(services: Services) -> None:
    settings = services.settings.model_copy(update={"public_url": "https://pay.example"})
    secure = create_app(_with_settings(services, settings))
    answer = secure.test_client().get("/sign-in", base_url="https://pay.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-visit=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


def test_another_host_name_is_refused(client: FlaskClient) -> None:
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
    ],
)
def test_a_form_sent_by_another_site_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post("/sign-out", data={"form_token": form_token(client)}, headers=headers)
    assert answer.status_code == 403
    assert "form.foreign" in answer.text


def test_a_form_without_its_token_or_with_another_browsers_is_refused(app: Flask, client: FlaskClient) -> None:
    other = form_token(app.test_client())
    form_token(client)
    for given in ("", "x", "AAAA", other):
        answer = client.post("/sign-out", data={"form_token": given}, headers={"Sec-Fetch-Site": "same-origin"})
        assert (answer.status_code, "form.stale" in answer.text) == (403, True), given


def test_a_form_of_our_own_page_is_taken_even_where_the_browser_hides_its_origin(client: FlaskClient) -> None:
    for headers in ({}, {"Origin": "null"}, {"Origin": "http://localhost"}):
        answer = client.post("/sign-out", data={"form_token": form_token(client)}, headers=headers)
        assert answer.status_code == 303, headers


def test_a_form_opened_before_signing_in_still_works_afterwards(client: FlaskClient, house: House) -> None:
    token = form_token(client)
    house.sign_in(client, "customer")
    answer = client.post("/sign-out", data={"form_token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303


def test_looking_by_post_and_changing_by_get_are_both_refused(client: FlaskClient, house: House) -> None:
    assert client.get(f"{house.links['due']}/pay").status_code == 405
    assert client.get("/sign-out").status_code == 405
    assert press(client, house.links["due"]).status_code == 405


ODD = [
    "/p/%00",
    "/p/..%2f..%2fetc",
    "/p/" + "A" * 5000,
    "/p/" + "A" * 64,
    "/sign-in/" + "é" * 40,
    "/c/invoices?show=%00&q=%27%22%3Cscript%3E&after=x",
    "/c/invoices?q=%25%5F%5C",
    "/c/invoices?after=01900000-0000-7000-8000-000000000000",
    "/c/invoices?show[]=a&q=" + "x" * 3000,
    "/c/invoices/not-a-uuid",
    "/c/?lang=%F0%9F%92%A9",
    "/static/../app.py",
    "/static/quittance.css",
]


@pytest.mark.parametrize("path", ODD)
def test_odd_addresses_never_break_a_page(client: FlaskClient, house: House, path: str) -> None:
    house.sign_in(client, "customer")
    answer = client.get(path)
    assert answer.status_code in {200, 404, 410}
    assert "<script>" not in answer.text


@pytest.mark.parametrize("back", ["1", "99999999999999999999", "-1", "²", "x", "", "8"])
def test_odd_returns_to_the_pay_page_never_break_it(client: FlaskClient, house: House, back: str) -> None:
    assert client.get(f"{house.links['due']}?back={back}").status_code == 200


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "@x.fr", "a@" + "b" * 400 + ".fr", "a b@c.fr", "a@c.fr\x00", "é@é.fr"]
)
def test_odd_addresses_at_sign_in_never_break_it(client: FlaskClient, email: str) -> None:
    assert press(client, "/sign-in", email=email).status_code in {303, 422}


def test_a_huge_form_is_refused_unread(client: FlaskClient) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post("/sign-in", data={"email": "x" * 200_000}, content_type=kind)
        assert answer.status_code == 413, kind


def test_errors_are_problem_json_for_programs_and_pages_for_people(client: FlaskClient) -> None:
    program = client.get("/nowhere", headers={"Accept": "application/json"})
    assert (program.mimetype, program.get_json()["code"]) == ("application/problem+json", "http.404")
    person = client.get("/nowhere", headers={"Accept": "text/html"})
    assert "Page introuvable" in person.text


def test_an_unforeseen_error_tells_a_reference_and_nothing_else(app: Flask, client: FlaskClient) -> None:
    def broken() -> str:
        raise RuntimeError("secret detail")

    broken.__dict__["access"] = app.view_functions["robots"].__dict__["access"]
    app.view_functions["robots"] = broken
    answer = client.get("/robots.txt", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Référence" in answer.text


@pytest.mark.parametrize(("hops", "last"), [(0, 429), (1, 422)])
def test_the_address_that_a_proxy_tells_is_believed_only_behind_a_proxy(
    services: Services, hops: int, last: int
) -> None:
    app = create_app(_with_settings(services, services.settings.model_copy(update={"trusted_hops": hops})))
    client = app.test_client()
    token = form_token(client)
    answers = [
        client.post("/sign-in", data={"form_token": token, "email": f"{i}"}, headers={"X-Forwarded-For": f"10.0.0.{i}"})
        for i in range(21)
    ]
    assert answers[-1].status_code == last


def _with_settings(services: Services, settings: object) -> Services:
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return type(services)(**{**fields, "settings": settings})


def test_testing_a_platform_is_no_way_to_look_around_the_internet(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    typed = {
        "driver": "other",
        "label": "Sonde",
        "token_url": "https://2130706433/token",
        "client_id": "c",
        "client_secret": "s3cret-of-nobody",
    }
    codes = []
    for port in range(12):
        answer = press(client, "/s/platform/connect", base_url=f"https://127.0.0.1:{9000 + port}", **typed)
        codes.append(answer.status_code)
        assert "s3cret-of-nobody" not in answer.text
    assert codes == [422] * 10 + [429] * 2
    assert press(client, f"/s/platform/accounts/{house.account_id}/test").status_code == 303, "its own limit"


def test_an_organisation_that_no_header_can_carry_is_said_at_its_field(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    typed = {"driver": "super-pdp", "client_id": "c", "client_secret": "s", "organization_id": "société €"}
    answer = press(client, "/s/platform/connect", **typed)
    assert answer.status_code == 422
    assert 'id="organization_id-error"' in answer.text


def test_an_account_of_another_supplier_can_neither_be_tested_changed_nor_closed(
    client: FlaskClient, house: House, neighbour: House
) -> None:
    house.sign_in(client, "owner")
    for act in ("test", "access", "close"):
        path = f"/s/platform/accounts/{neighbour.account_id}/{act}"
        assert press(client, path, client_id="c", client_secret="s", though_unpaid="1").status_code == 404, act
    with neighbour.services.works.begin(neighbour.supplier.supplier_id) as work:
        closed = work.scalar("SELECT count(*) FROM platform_accounts WHERE supplier_id = :supplier AND NOT active")
    assert closed == 0


def test_a_pay_link_hands_out_documents_of_its_own_dispute_alone(
    client: FlaskClient, house: House, neighbour: House
) -> None:
    link = house.links["late"]
    assert client.get(f"{link}/documents/{house.sent_id}").status_code == 200
    for other in (house.document_id, neighbour.sent_id, neighbour.document_id, house.purchase_id, house.dispute_id):
        assert client.get(f"{link}/documents/{other}").status_code == 404, other
    assert client.get(f"{house.links['due']}/documents/{house.sent_id}").status_code == 404
    assert client.get(f"{neighbour.links['late']}/documents/{house.sent_id}").status_code == 404
