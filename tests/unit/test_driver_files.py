"""Drivers of platforms are files: what is wrong in one is told with its key and its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from einvoice.platform.driver import SHIPPED, DriverFileError, PlatformDriver, drivers_in, read_driver

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """# Any platform
name = "mine"
base_url = "https://platform.example/flow"
token_url = "https://platform.example/token"
search_delay_s = 30
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_that_somebody_writes_is_a_platform(tmp_path: Path) -> None:
    driver = read_driver(written(tmp_path, GOOD))
    assert (driver.name, driver.title, driver.search_delay_s, driver.kind) == ("mine", "mine", 30, "afnor")
    assert drivers_in(tmp_path) == {"mine": driver}
    assert drivers_in(tmp_path / "absent") == {}


def test_the_shipped_drivers_are_read_and_named_like_their_files() -> None:
    shipped = drivers_in(SHIPPED)
    assert {"superpdp", "hubtimize"} <= set(shipped)
    assert set(shipped) == {path.stem for path in SHIPPED.glob("*.toml")}
    assert shipped["superpdp"].omit_processing_rule
    assert all(isinstance(driver, PlatformDriver) and driver.label for driver in shipped.values())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("search_delay_s = 30", "serach_delay_s = 30"), "line 5, has the unknown key 'serach_delay_s'"),
        (("search_delay_s = 30", "search_delay_s = -1"), "line 5, wants a number of seconds for 'search_delay_s'"),
        (("search_delay_s = 30", "search_delay_s = inf"), "line 5, wants a number of seconds"),
        (("search_delay_s = 30", 'kind = "peppol"'), "line 5, wants 'afnor' or 'chorus_pro' for 'kind'"),
        (("search_delay_s = 30", "secret_in_body = 1"), "line 5, wants true or false for 'secret_in_body'"),
        (('name = "mine"', 'name = ""'), "line 2, wants a text for 'name'"),
        (('name = "mine"\n', ""), "lacks the key 'name'"),
        (("https://platform.example/token", "http://platform.example/token"), "line 4, token_url: 'http://platform"),
        (("https://platform.example/flow", "https://u:p@platform.example/flow"), "line 3, base_url: 'https://u:p@"),
        (('name = "mine"', "name = mine"), "is no TOML: Invalid value (at line 2, column 8)"),
    ],
)
def test_what_is_wrong_is_told_with_its_key_and_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(DriverFileError) as wrong:
        read_driver(written(tmp_path, GOOD.replace(*change)))
    assert wrong.value.code == "platform.driver_file"
    assert wrong.value.sentence.startswith("mine.toml")
    assert told in wrong.value.sentence
    assert wrong.value.sentence_fr.startswith("mine.toml")


def test_what_is_no_settings_file_is_refused(tmp_path: Path) -> None:
    for content, told in ((b"\xff\xfe", "no UTF-8"), (b"#" * 70_000, "too large")):
        path = tmp_path / "odd.toml"
        path.write_bytes(content)
        with pytest.raises(DriverFileError, match=told):
            read_driver(path)
    with pytest.raises(DriverFileError, match="cannot be read"):
        read_driver(tmp_path / "absent.toml")
