"""A house starts with its secrets and within its limits, or not at all."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from config.settings import MIN_SECRET_BYTES, Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "QUITTANCE_SECRET_KEY", "QUITTANCE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_a_house_with_its_own_database_refuses_to_start_without_its_secret(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="QUITTANCE_SECRET_KEY"):
        Settings(database_url="postgresql://somewhere/house", data_dir=tmp_path)
    assert not (tmp_path / "secret").exists()


@pytest.mark.parametrize("name", ["secret_key", "previous_secret_key"])
def test_a_short_secret_is_refused_without_showing_it(tmp_path: Path, name: str) -> None:
    given: dict[str, Any] = {"secret_key": "k" * MIN_SECRET_BYTES, name: "s3cr3t" * 5}
    with pytest.raises(ValidationError, match="fewer than 32 bytes") as refused:
        Settings(data_dir=tmp_path, **given)
    assert "s3cr3t" not in str(refused.value)


def test_an_embedded_house_makes_one_secret_and_keeps_it_to_itself(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        houses = list(pool.map(lambda _: Settings(data_dir=tmp_path / "house"), range(24)))
    secrets = {house.secret_key.get_secret_value() for house in houses if house.secret_key}
    assert len(secrets) == 1
    assert len(secrets.pop()) >= MIN_SECRET_BYTES
    assert stat.S_IMODE((tmp_path / "house" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "house").iterdir()] == ["secret"]


def test_values_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("QUITTANCE_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/d")
    house = Settings()
    assert (house.data_dir, house.database_url) == (tmp_path, "postgresql://h/d")
    assert "kkk" not in repr(house)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_size", 0),
        ("inbox_batch", 100_000),
        ("sign_in_minutes", 60),
        ("checkout_minutes", 10),
        ("worker_pause_s", 0),
        ("max_webhook_bytes", 1),
    ],
)
def test_a_knob_outside_its_limits_is_refused(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(data_dir=tmp_path, **{name: value})  # type: ignore[arg-type]


def test_settings_do_not_change_under_way(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path).pool_size = 99


@pytest.mark.parametrize(
    ("url", "wanted", "secure"), [("https://x", None, True), ("http://x", None, False), ("http://x", True, True)]
)
def test_cookies_follow_the_address_unless_told(tmp_path: Path, url: str, wanted: bool | None, secure: bool) -> None:  # noqa: FBT001 -- the table of cases hands it over
    assert Settings(data_dir=tmp_path, public_url=url, secure_cookies=wanted).cookies_are_secure is secure
