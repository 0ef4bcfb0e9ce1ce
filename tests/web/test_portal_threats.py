"""Hostile callers at the doors of the portal: what is invited, typed, uploaded, asked twice or answered by others."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from claim_builders import claim_of
from customer_builders import add_lesser_people
from import_builders import import_things
from portal_house import build_house, press
from promise_builders import agreement_things
from test_access import MATRIX
from test_access import address as matrix_address
from webhook_receiver import receiver
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

from config.clock import new_id
from config.outgoing import Reach
from einvoice.errors import EInvoiceError
from einvoice.formats.page_logo import check_logo
from portal.access.passkeys import ask_passkey, person_of_passkey
from portal.access.people import add_membership, add_person, clean_email, memberships_of
from portal.access.roles import EVERY_RIGHT, Right, Role
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.clients import create_client
from portal.api.tokens import create_token
from portal.app import create_app
from portal.customer.people.invitations import Guest, invitation_token, invite
from portal.customer.people.register import let_in
from portal.imports import workbook as workbooks
from portal.imports.archives import ZipError, members_of
from portal.imports.sheets import read_table
from portal.imports.workbook import WorkbookError
from portal.validation.uploads import MemoryRequest
from portal.webhooks.calling import call
from receivables.errors import ConflictError

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.routing import Rule

    from portal.access.people import Person
    from portal.wiring import Services

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


@pytest.fixture(scope="module")
def own(services: Services) -> House:
    """A house of these tests."""
    built = build_house(services, "Atelier des Assauts")
    add_lesser_people(built)
    return built


def as_(app: Flask, house: House, who: str) -> FlaskClient:
    client = app.test_client()
    house.sign_in(client, who)
    return client


def add_customer_person(house: House, who: str, *rights: Right) -> Person:
    """Somebody of the house's customer, with these rights."""
    person = add_person(house.services.database, f"{who}-{uuid4().hex}@client.example", who.title())
    add_membership(
        house.services.database,
        person.person_id,
        house.supplier.supplier_id,
        Role.CUSTOMER,
        house.customer_id,
        rights=frozenset(rights),
    )
    house.people[who] = person
    return person


def invitation(house: House, email: str, rights: frozenset[Right], inviter: Person) -> str:
    """The address of an invitation."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        made = invite(
            work,
            house.services.keyring,
            house.customer_id,
            Guest(email, "Invité", "fr", rights),
            f"person {inviter.person_id}",
        )
        return f"/join/{invitation_token(work, house.services.keyring, made.invitation_id)}"


# Invitations and people.


@pytest.mark.parametrize("how", ["removed", "lost the right"])
def test_an_invitation_is_void_once_its_sender_may_not_invite(app: Flask, own: House, how: str) -> None:
    sender = add_customer_person(own, "sender", *Right)
    email = f"{uuid4().hex}@complice.example"
    path = invitation(own, email, EVERY_RIGHT, sender)
    stranger = app.test_client()
    assert stranger.get(path).status_code == 200
    admin = as_(app, own, "customer")
    act = "remove" if how == "removed" else "rights"
    assert press(admin, f"/c/people/{sender.person_id}/{act}", right="pay").status_code == 303
    assert stranger.get(path).status_code == 410
    assert press(stranger, path).status_code == 410
    assert memberships_of(own.services.database, add_person(own.services.database, email, "?").person_id) == ()


def test_who_was_let_go_does_not_come_back_by_an_older_invitation(app: Flask, own: House) -> None:
    leaver = add_customer_person(own, "leaver", Right.PAY)
    path = invitation(own, leaver.email, EVERY_RIGHT, own.people["customer"])
    assert press(as_(app, own, "customer"), f"/c/people/{leaver.person_id}/remove").status_code == 303
    assert press(app.test_client(), path).status_code == 410
    assert memberships_of(own.services.database, leaver.person_id) == ()


def test_an_invitation_does_not_take_the_last_administrator_s_right(own: House) -> None:
    database, here = own.services.database, own.supplier.supplier_id
    only = own.people["other_customer"]
    with pytest.raises(ConflictError, match="administer"):
        let_in(database, here, own.other_customer_id, (only.email, only.name, "fr"), frozenset())
    assert memberships_of(database, only.person_id)[0].rights == EVERY_RIGHT


def test_nobody_gives_themselves_a_right_or_a_role_by_a_field(app: Flask, own: House) -> None:
    payer, collector = own.people["payer"], own.people["collector"]
    for who, path, fields in (
        ("payer", f"/c/people/{payer.person_id}/rights", {"right": "administer"}),
        ("payer", "/c/people", {"email": "x@y.example", "name": "X", "right": "administer"}),
        ("payer", f"/c/people/{payer.person_id}/remove", {}),
        ("collector", f"/s/people/{collector.person_id}/role", {"role": "owner"}),
        ("collector", "/s/people/new", {"email": "x@y.example", "name": "X", "role": "owner"}),
        ("credit_manager", "/s/people/second-proof", {"wanted": "0"}),
        ("customer", f"/s/people/{own.people['customer'].person_id}/role", {"role": "owner"}),
    ):
        assert press(as_(app, own, who), path, **fields).status_code == 404, path
    (mine,) = memberships_of(own.services.database, payer.person_id)
    assert mine.rights == {Right.PAY}


def test_an_owner_who_invites_a_stranger_sees_and_ends_none_of_their_sessions(
    app: Flask, own: House, neighbour: House
) -> None:
    victim = neighbour.people["accountant"]
    theirs, boss = as_(app, neighbour, "accountant"), as_(app, own, "owner")
    theirs.get("/s/", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    invited = press(boss, "/s/people/new", email=victim.email, name="Prise", role="sales")
    assert invited.status_code == 303
    unasked = boss.get(f"/s/people/{victim.person_id}")
    assert unasked.status_code == 404, "whom nobody asked is nobody's colleague"
    add_membership(own.services.database, victim.person_id, own.supplier.supplier_id, Role.SALES)
    page = boss.get(f"/s/people/{victim.person_id}").text
    assert "/sessions/" not in page
    assert press(boss, f"/s/people/{victim.person_id}/sessions/end").status_code == 409
    assert theirs.get("/s/bank").status_code == 200
    press(boss, f"/s/people/{victim.person_id}/end")


def test_one_address_is_one_mailbox(app: Flask, own: House) -> None:
    admin = as_(app, own, "customer")
    for typed in (
        "a@b.example,c@d.example",
        "a@b.example;c@d.example",
        "x<victim@b.example>",
        "a@b.example\r\nBcc: c@d.example",
        "(a)b@c.example",
        "a@b..example",
        '"a b"@c.example',
    ):
        assert clean_email(typed) is None
        assert press(admin, "/c/company/contacts", name="Lou", email=typed).status_code == 422, typed
        assert press(admin, "/c/company", email=typed).status_code == 422, typed


def test_addresses_that_people_have_are_taken() -> None:
    for each in ("lou.roy+f@sub.exemple.fr", "o'neil@b-c.fr", "é@société.fr", "a@b.xn--p1ai", "1@2.example"):
        assert clean_email(f" {each.upper()} ") == each


# Proofs.


HANDLE = (
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": '
    '{"authenticatorData": "AA", "clientDataJSON": "e30", "signature": "AA", "userHandle": 7}}'
)
SURROGATE = '{"id": "\\ud800", "rawId": "\\ud800", "type": "public-key", "response": {}}'


def test_a_hostile_answer_of_a_device_is_a_wrong_answer(app: Flask, own: House) -> None:
    client = app.test_client()
    for answer in ("", "[]", "null", "{}", "9" * 400, '{"id": 1}', HANDLE, SURROGATE, "{" * 9000):
        question = ask_passkey(own.services, None)
        told = press(client, "/sign-in/passkey", question=question.token, answer=answer)
        assert told.status_code == 422, answer[:40]
        assert person_of_passkey(own.services, question.token, answer) is None


def test_a_forged_way_back_leads_nowhere(app: Flask, own: House) -> None:
    client = as_(app, own, "owner")
    for cookie in ("//evil.example", "/c/..//evil.example", "/s/\\evil.example"):
        for name in ("destination", "prove-for"):
            client.set_cookie(name, cookie)
        assert press(client, "/prove/mail").location == "/prove?sent=1"
        with own.services.works.begin(own.supplier.supplier_id) as work:
            mail = work.scalar(
                "SELECT text_body FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'sign-in/proof/%' "
                "ORDER BY created_at DESC, mail_id DESC LIMIT 1"
            )
        code = next(word for word in mail.split() if len(word) == 9 and word[4] == "-")
        assert press(client, "/prove/code", code=code).location == "/", cookie
        client.delete_cookie("prove-for")


# The API.


@pytest.fixture(scope="module")
def api(services: Services) -> Flask:
    return create_app(services, API_BLUEPRINTS)


def token(house: House, *scopes: str) -> dict[str, str]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return {"Authorization": f"Bearer {create_token(work, 'test', scopes=scopes or None)}"}


def test_what_is_anothers_looks_to_a_program_like_what_is_not_there(api: Flask, own: House, neighbour: House) -> None:
    headers = {**token(neighbour), "Content-Type": "application/json"}
    invoice = own.invoices["due"]
    real = {
        "customer_id": own.customer_id,
        "invoice_id": invoice.invoice_id,
        "dispute_id": own.dispute_id,
        "document_id": own.document_id,
        "claim_id": claim_of(own),
        "plan_id": agreement_things(own)["plan"],
        "job_id": import_things(own)["job"],
    }
    client, asked, differences = api.test_client(), 0, []
    for rule in api.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/"):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            told = []
            for known in (real, {}):
                values = {name: asked_for(rule, name, known) for name in rule.arguments}
                path = api.url_map.bind("localhost").build(rule.endpoint, values, method=method)
                answer = client.open(path, method=method, headers=headers, json=None if method == "GET" else {})
                text = answer.get_data(as_text=True)
                for value in values.values():
                    text = text.replace(value, "")
                told.append((answer.status_code, text))
            if real.keys() & rule.arguments:
                asked += 1
                differences += [(rule.rule, method, told)] if told[0] != told[1] or told[0][0] < 400 else []
    assert asked >= 12
    assert differences == []


def asked_for(rule: Rule, name: str, known: dict[str, UUID]) -> str:
    """A part of an address: an id that is known or one of nobody, a year, a number, a word."""
    kind = type(rule._converters[name]).__name__
    if kind == "UUIDConverter":
        return str(known.get(name) or new_id())
    return {"IntegerConverter": "2026", "AnyConverter": "orders"}.get(kind, "0001")


def test_one_key_of_two_suppliers_is_two_keys_and_of_two_addresses_none(
    api: Flask, own: House, neighbour: House
) -> None:
    client, key = api.test_client(), {"Idempotency-Key": f"k-{uuid4().hex}"}
    place = {"line1": "1 rue A", "postcode": "75001", "city": "Paris"}
    wish = {"name": "Epicerie Double", "siren": "404833048", "address": place}
    first, second = (
        client.post("/api/v1/customers", json=wish, headers=token(house) | key) for house in (own, neighbour)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["customer_id"] != second.json["customer_id"]
    path = f"/api/v1/customers/{first.json['account_code']}"
    elsewhere = client.patch(path, json={"name": "Autre"}, headers=token(own) | key)
    assert (elsewhere.status_code, elsewhere.json["code"]) == (409, "request.key_reused")


def test_the_token_endpoint_takes_one_proof_by_post(api: Flask, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        one, secret = create_client(work, "Un", ["customers:read"], "test")
        two, other = create_client(work, "Deux", ["bank:write"], "test")
    client = api.test_client()
    grant = {"grant_type": "client_credentials"}
    both = client.post(
        "/oauth/token",
        data=grant | {"client_id": two.public_id, "client_secret": other},
        auth=(one.public_id, secret),
    )
    assert (both.status_code, both.json["error"]) == (400, "invalid_request")
    asked = {**grant, "client_id": one.public_id, "client_secret": secret}
    assert client.get("/oauth/token", query_string=asked).status_code == 405
    assert client.post("/oauth/token", query_string=asked).status_code in {400, 401}, "no secret in an address"
    assert client.put("/oauth/token", data=asked).status_code == 405
    for bad in ("\0", "qc_", "qc_" + "A" * 9000, "qc_\u00e9"):
        assert client.post("/oauth/token", data=asked | {"client_id": bad}).json["error"] == "invalid_client"


# Webhooks.


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Retry-After": "9" * 400}, b""),
        ({"Retry-After": "\u00b2"}, b""),
        ({"Content-Encoding": "gzip"}, b"no gzip"),
        ({"Content-Length": "1000"}, b"less"),
        ({"Transfer-Encoding": "chunked"}, b"zz\r\nno chunk"),
    ],
    ids=["long-wait", "no-number", "no-gzip", "too-short", "no-chunk"],
)
def test_whatever_a_receiver_answers_is_an_answer(headers: dict[str, str], body: bytes) -> None:
    with receiver() as listening:
        listening.answer(200, headers=headers, body=body)
        answer = call(listening.url, b"{}", {}, Reach.PRIVATE)
    assert answer.is_taken
    assert answer.error is None


# Files.


def workbook(cells: str, styles: str = "", columns: str = "A") -> bytes:
    """An XLSX file whose first sheet has these rows below a heading."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        if styles:
            archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>')
        head = "".join(f'<c r="{at}1" t="inlineStr"><is><t>{at}</t></is></c>' for at in columns)
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><row r="1">{head}</row>{cells}</worksheet>'
        )
    return out.getvalue()


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e9999999", "1e-999999"])
@pytest.mark.parametrize("day", [False, True], ids=["number", "day"])
def test_a_number_that_no_spreadsheet_writes_stays_what_it_is(value: str, *, day: bool) -> None:
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>' if day else ""
    (row,) = read_table(workbook(f'<row r="2"><c s="0"><v>{value}</v></c></row>', styles)).rows
    assert row.cells == (value,)


@pytest.mark.parametrize(
    ("cells", "styles"),
    [
        ('<row r="x"><c><v>1</v></c></row>', ""),
        ('<row r="99999999999999999999"><c><v>1</v></c></row>', ""),
        ('<row r="2"><c s="x"><v>1</v></c></row>', ""),
        ('<row r="2"><c><v>1</v></c></row>', '<cellXfs><xf numFmtId="-"/></cellXfs>'),
        ("".join(f'<row><c r="ALL{n}"><v>1</v></c></row>' for n in range(2, 200)), ""),
    ],
    ids=["row", "far-row", "style", "format", "wide"],
)
def test_a_sheet_made_to_break_or_exhaust_its_reader_is_refused(
    monkeypatch: pytest.MonkeyPatch, cells: str, styles: str
) -> None:
    monkeypatch.setattr(workbooks, "MAX_WEIGHT", 1_000_000)
    with pytest.raises(WorkbookError):
        read_table(workbook(cells, styles))


def test_empty_cells_keep_their_columns() -> None:
    rows = read_table(
        workbook(
            '<row r="2"><c><v>1</v></c><c/><c><v>3</v></c></row>'
            '<row r="3"><c r="C3"><v>3</v></c></row><row r="4"><c r="A4"><v>1</v></c><c r="ZZZ4"/></row>',
            columns="ABC",
        )
    ).rows
    assert [row.cells for row in rows] == [("1", "", "3"), ("", "", "3"), ("1", "", "")]


def test_a_damaged_archive_and_names_that_lead_elsewhere_are_no_danger() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("..\\..\\evil.xml", "../../evil.xml", "/etc/evil.xml"):
            archive.writestr(name, b"<a/>" * 200)
    assert {each.name for each in members_of(out.getvalue())} == {"evil.xml"}
    whole = bytearray(out.getvalue())
    whole[45:60] = b"\xff" * 15
    with pytest.raises(ZipError):
        members_of(bytes(whole))


@pytest.mark.parametrize(
    "drawn",
    [
        '<svg {} onload="alert(1)"/>',
        '<svg {}><a xlink:href="#a" href="https://evil.example"/></svg>',
        '<svg {}><rect style="fill:url(https://evil.example)"/></svg>',
        "<svg {}><rect filter=\"url( '//evil.example' )\"/></svg>",
        '<svg {}><style>@import "https://evil.example";</style></svg>',
        '<svg {}><rect style="fill:u\\72l(https://evil.example)"/></svg>',
    ],
    ids=["script", "second-link", "style", "filter", "import", "spelled"],
)
def test_a_logo_that_runs_or_fetches_something_is_refused(drawn: str) -> None:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    with pytest.raises(EInvoiceError):
        check_logo(drawn.format(names))
    kept = check_logo(f"<svg {names}><style>.a{{fill:url(#g)}}</style><rect fill=\"url( '#g' )\"/></svg>")
    assert "url(#g)" in kept


# Whatever stands in an address.


class Hostile(ImmutableMultiDict[str, str]):
    """Holds one value under every name that is asked for."""

    value = ""

    def get(  # type: ignore[override]
        self,
        _key: str,
        default: Any = None,
        type: Any = None,  # noqa: A002 -- Werkzeug's name
    ) -> Any:
        try:
            return type(self.value) if type else self.value
        except (ValueError, TypeError):
            return default

    def getlist(self, key: str, type: Any = None) -> list[Any]:  # noqa: A002 -- Werkzeug's name
        found = self.get(key, type=type)
        return [] if found is None else [found]

    def __getitem__(self, _key: str) -> str:
        return self.value

    def __contains__(self, _key: object) -> bool:
        return True


class HostileRequest(MemoryRequest):
    """A request in whose address everything that a page reads is the same nonsense."""

    @cached_property
    def args(self) -> Hostile:
        return Hostile()


NASTY = (
    "9999-12-31",
    "0001-01-01",
    "0",
    "-1",
    "NaN",
    "9" * 400,
    "\u00b2",
    "\ufffe",
    "%",
    "1e99999999",
    "[]",
    "\\",
    "00000000-0000-0000-0000-000000000000",
)
"""Each page meets one of them in everything that it reads."""


@pytest.mark.parametrize(("who", "where"), [("owner", "/s/"), ("customer", "/c/")])
def test_no_page_breaks_whatever_stands_in_its_address(
    app: Flask, own: House, monkeypatch: pytest.MonkeyPatch, who: str, where: str
) -> None:
    app.request_class = HostileRequest
    client, broken, opened = as_(app, own, who), [], 0
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(rule.endpoint, set()).update(rule.methods or ())
    for number, (endpoint, (pattern, allowed)) in enumerate(sorted(MATRIX.items())):
        if "GET" not in methods[endpoint] or who not in allowed or not pattern.startswith(where):
            continue
        path = matrix_address(pattern, own)
        value = NASTY[number % len(NASTY)]
        monkeypatch.setattr(Hostile, "value", value)
        status = client.get(path).status_code
        opened += status == 200
        broken += [(endpoint, value[:12], status)] if status >= 500 and status != 502 else []
    assert broken == []
    assert opened > 30


def test_days_at_the_ends_of_time_and_every_age_open_their_pages(app: Flask, own: House) -> None:
    client = as_(app, own, "owner")
    for path in (
        "/s/settings/audit?since=0001-01-01&until=9999-12-31&q=%00&area=%00",
        "/s/settings/audit/trail.csv?since=9999-12-31&until=9999-12-31&area=%00",
        "/s/indicators/forecast?age=0",
        "/s/indicators/forecast?age=4&reason=QTE_ERR",
        "/s/indicators/forecast/table.csv?age=2",
        f"/s/scores/customers/{own.customer_id}?on=0001-01-01",
        f"/s/scores/customers/{own.customer_id}?on=9999-12-31",
    ):
        assert client.get(path).status_code in {200, 404}, path
