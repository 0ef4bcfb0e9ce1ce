"""The countries of an address: ISO 3166-1 by two letters (BR-CL-14), and Northern Ireland (XI) as a VAT territory."""

from __future__ import annotations

import re

from babel import Locale

_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
"""Two letters that CLDR names beside the countries of ISO 3166-1: groups, islands without a code, tests."""
_TWO_LETTERS = re.compile("[A-Z]{2}")
COUNTRIES = frozenset(filter(_TWO_LETTERS.fullmatch, map(str, Locale("en").territories))) - _NO_COUNTRIES | {"XI"}
"""Codes that BT-40, BT-55, BT-69, BT-80 and BT-159 may have; the rule sets judge them again."""
