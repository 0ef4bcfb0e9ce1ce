"""Style sheets and scripts as they are served: put together, small, packed where the browser unpacks."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from portal import assets

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PACKED_SHEET_BYTES = 20 * 1024


def test_a_folder_of_style_sheets_is_served_as_one_in_the_order_of_names(client: FlaskClient) -> None:
    sheet = client.get(assets.asset("quittance.css")).text
    places = [sheet.index(each) for each in (":root{", ".top{", ".table{", "@media print")]
    assert places == sorted(places)
    assert "/*" not in sheet


def test_a_sheet_is_packed_for_browsers_that_unpack_and_plain_for_others(client: FlaskClient) -> None:
    path = assets.asset("quittance.css")
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip, br"})
    refused = client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == refused.data
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert len(packed.data) < PACKED_SHEET_BYTES


def test_pages_with_secrets_are_never_packed(client: FlaskClient) -> None:
    answer = client.get("/sign-in", headers={"Accept-Encoding": "gzip"})
    assert "form_token" in answer.text
    assert "Content-Encoding" not in answer.headers


def test_every_class_of_an_area_is_used_by_a_template_or_a_script() -> None:
    """A rule that nothing uses is dead weight on every page."""
    house = "\n".join(
        each.read_text()
        for root in (assets.FOLDER.parent, assets.FOLDER)
        for each in root.rglob("*")
        if each.suffix in {".html", ".py", ".js"}
    )
    words = set(re.findall(r"[A-Za-z][\w-]*", house))
    sheets = b"".join(content for name, content in assets.contents().items() if name.endswith(".css")).decode()
    classes = set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", sheets))
    begun = set(re.findall(r"([a-z][\w-]*-)\{\{", house))
    unused = sorted(each for each in classes - words if not each.startswith(tuple(begun)))
    assert unused == []
