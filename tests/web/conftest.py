"""The portal on the real PostgreSQL: an app per test, so that rate limits start afresh, and one house per session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from portal_house import House, build_house

from portal.access import pages
from portal.app import create_app
from portal.wiring import Services, build_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from config.database import Database
    from config.settings import Settings


@pytest.fixture(scope="session")
def services(settings: Settings, database: Database) -> Iterator[Services]:
    """The services of the house."""
    built = build_services(settings, database_of=lambda _: database)
    yield built
    built.engine.close()


@pytest.fixture(scope="session")
def house(services: Services) -> House:
    """A supplier whose pages show every state."""
    return build_house(services)


@pytest.fixture(scope="session")
def neighbour(services: Services) -> House:
    """Another supplier of the same house."""
    return build_house(services, "Menuiserie Kerouac")


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
