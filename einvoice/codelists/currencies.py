"""The currencies in which an invoice may be written: the money of ISO 4217, without metals, funds and test codes.

EN 16931 writes amounts with at most two decimals (BR-DEC-*, BR-FR-DEC-01), so that a currency of three (KWD, TND) is
invoiced in hundredths; one without a smaller unit (JPY, XOF) has whole amounts.
"""

from __future__ import annotations

from decimal import Decimal

from receivables.domain.money import exponent

_MONEY = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""
_NOT_MONEY = "BOV CHE CHW CLF CNH COU MXV USN UYI UYW XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
CURRENCIES = frozenset(_MONEY.split())
"""ISO 4217 list one, as the code list of EN 16931 (2026) has it, less what nobody pays with."""
NOT_MONEY = frozenset(_NOT_MONEY.split())
"""Codes of the same list for metals, units of account, funds, tests and *no currency*."""
MAX_DECIMALS = 2
"""Decimals of an amount in EN 16931."""


def decimals(currency: str) -> int:
    """How many decimals an invoiced amount of ``currency`` has: 2, or 0 where it has no smaller unit."""
    return min(MAX_DECIMALS, exponent(currency))


def smallest(currency: str) -> Decimal:
    """The smallest amount of ``currency`` that an invoice can state, e.g. ``Decimal("0.01")``."""
    return Decimal(1).scaleb(-decimals(currency))
