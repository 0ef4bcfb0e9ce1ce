"""What can go wrong on the way to a page."""

from __future__ import annotations

from einvoice.errors import EInvoiceError


class PageError(EInvoiceError):
    """No page can be made of this.

    Codes: ``page.bad_link``, ``page.bad_colour``, ``page.bad_logo``, ``page.bad_language``, ``page.xml_not_utf8``
    for what the caller offers; ``page.missing_glyph`` for a character of the document, ``attachment.type_differs`` and
    ``attachment.type_unknown`` for a file of it; ``page.not_set`` otherwise.
    """
