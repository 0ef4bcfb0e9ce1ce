"""The supplier's pages in a real browser: accessible, narrow, light, and of one house."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser_pages import CHROMIUM, WITHOUT_BROWSER, chromium, serving_house
from page_faults import faults_of_pages

if TYPE_CHECKING:
    from portal.wiring import Services

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=WITHOUT_BROWSER)


def test_no_page_has_a_fault(services: Services) -> None:
    with chromium() as browser, serving_house(services) as served:
        assert faults_of_pages(browser, served, ("staff",)) == []
