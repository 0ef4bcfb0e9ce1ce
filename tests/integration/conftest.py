"""What the tests of the whole house share: one engine of rules, one platform, one set of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story_builders import PlatformHouse, Story, build_services

from einvoice.validation.check import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.database import Database
    from config.settings import Settings
    from einvoice.validation.schematron import SchematronEngine
    from portal.wiring import Services


@pytest.fixture(scope="session")
def services(
    settings: Settings, database: Database, shared_engine: SchematronEngine, tmp_path_factory: pytest.TempPathFactory
) -> Services:
    """A house's services."""
    return build_services(settings, database, shared_engine, tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def running_platform(shared_engine: SchematronEngine) -> Iterator[PlatformHouse]:
    """A platform with the real rules."""
    running = PlatformHouse(Validator(shared_engine))
    yield running
    running.close()


@pytest.fixture
def platform_house(running_platform: PlatformHouse) -> Iterator[PlatformHouse]:
    """The platform on a good day."""
    yield running_platform
    running_platform.lift()


@pytest.fixture
def story(services: Services, platform_house: PlatformHouse) -> Story:
    """A supplier of its own, connected to the platform."""
    return Story(services, platform_house)


@pytest.fixture
def plain_story(services: Services) -> Story:
    """A supplier without a platform."""
    return Story(services)
