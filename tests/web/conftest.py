"""The portal on the real PostgreSQL: an app and fresh counters of rates per test, one house per file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from portal_house import House, build_house

from portal.access import pages
from portal.app import create_app
from portal.wiring import Services, build_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from jinja2.bccache import Bucket

    from config.database import Database
    from config.settings import Settings


@pytest.fixture(scope="session")
def services(settings: Settings, database: Database) -> Iterator[Services]:
    """The services of the house."""
    built = build_services(settings, database_of=lambda _: database)
    yield built
    built.engine.close()


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A supplier whose pages show every state; each file has its own, for tests pay, dispute and change settings."""
    return build_house(services)


@pytest.fixture(scope="module")
def neighbour(services: Services) -> House:
    """Another supplier of the same house."""
    return build_house(services, "Menuiserie Kerouac")


class Compiled(BytecodeCache):
    """The templates that a session has compiled: every test has an app of its own, and all read the same pages."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled of this very source, if anything was."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was just compiled."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Compile every template once: that is a third of the time of a page that is opened once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", Compiled())
        yield


@pytest.fixture(autouse=True)
def fresh_counts(request: pytest.FixtureRequest) -> None:
    """Rate limits start afresh with every test: the counters are the house's, not the app's."""
    if "services" in request.fixturenames:
        request.getfixturevalue("services").counts.forget()


@pytest.fixture
def app(services: Services, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The portal; the even answer time of the sign-in form is measured by its own test only."""
    monkeypatch.setattr(pages, "ANSWER_S", 0.0)
    return create_app(services)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a session."""
    fresh = app.test_client()
    fresh.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    return fresh
