"""Errors of the e-invoice side: a stable code, and a sentence in English and in French that says what to do."""

from __future__ import annotations


class EInvoiceError(Exception):
    """Base of all errors of this package.

    ``code`` is stable (``invoice.wrong_total``); ``term`` is the business term of EN 16931 (``BT-131``) and ``place``
    the field path of our JSON or the XPath of a file, where they are known.
    """

    def __init__(
        self, code: str, sentence: str, sentence_fr: str, *, term: str | None = None, place: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.sentence_fr = sentence_fr
        self.term = term
        self.place = place


class RequestError(EInvoiceError):
    """Our JSON cannot be read: ``request.not_json``, ``request.too_large`` or ``request.invalid``."""


class BuildError(EInvoiceError):
    """The request is readable but no correct invoice follows from it: ``invoice.*`` or ``party.*``."""


class ReadError(EInvoiceError):
    """A file is no invoice that we can read.

    Codes: ``invoice.not_an_invoice``, ``invoice.bad_value`` or ``invoice.missing_term``.
    """


class LinkNotCarriedError(EInvoiceError):
    """The profile has no place for a link: put it on the page only (``link.profile_has_no_place``)."""
