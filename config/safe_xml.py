"""The one XML parser of the house: no DOCTYPE, no entity, no network, limits on size and depth.

libxml2 leaves an unresolved entity as a node and drops its text silently, so that a DOCTYPE is refused outright
instead of being defused.
"""

from __future__ import annotations

from lxml import etree

MAX_BYTES = 20 * 1024 * 1024
"""Largest XML read, in bytes: an invoice with attachments stays under the platforms' own limits."""
MAX_TAGS = 1_000_000
"""Most tags read: ten thousand lines have half as many, and each tag of four bytes costs 130 bytes of memory."""
MAX_DEPTH = 100
"""Deepest nesting accepted: UBL and CII stay under 20."""
_LONGEST_DETAIL = 300
_is_too_deep = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")


class UnsafeXmlError(ValueError):
    """The bytes are not XML that we accept; ``code`` is stable, the sentence says what to do, in both languages."""

    def __init__(self, code: str, sentence: str, sentence_fr: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.sentence_fr = sentence_fr


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, max_tags: int = MAX_TAGS) -> etree._Element:
    """Parse ``data`` and return its root element. ``max_tags`` counts starting, ending and other tags alike.

    Raises:
        UnsafeXmlError: ``xml.too_large``, ``xml.not_well_formed``, ``xml.doctype`` or ``xml.too_deep``.
    """
    if len(data) > max_bytes:
        raise UnsafeXmlError(
            "xml.too_large",
            f"The XML has {len(data)} bytes; the limit is {max_bytes}. Send it without attachments.",
            f"Le XML compte {len(data)} octets ; la limite est de {max_bytes}. L'envoyer sans pièces jointes.",
        )
    if data.count(b"<") > max_tags:
        raise UnsafeXmlError(
            "xml.too_large",
            f"The XML has more than {max_tags} tags, which no invoice has. Export the file again.",
            f"Le XML compte plus de {max_tags} balises, ce qu'aucune facture n'a. Exporter le fichier à nouveau.",
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_pis=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        detail = str(error)
        if len(detail) > _LONGEST_DETAIL:  # the parser repeats the name that it stumbled over, however long
            detail = f"{detail[:_LONGEST_DETAIL]}..."
        raise UnsafeXmlError(
            "xml.not_well_formed",
            f"This is not well-formed XML: {detail}. Export the file again.",
            f"Ce n'est pas du XML bien formé : {detail}. Exporter le fichier à nouveau.",
        ) from error
    _refuse_traps(root)
    return root


def _refuse_traps(root: etree._Element) -> None:
    """What is well formed and has no place in an invoice: a DOCTYPE, an entity, nesting without end.

    Raises:
        UnsafeXmlError: ``xml.doctype`` or ``xml.too_deep``.
    """
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXmlError(
            "xml.doctype",
            "The XML declares a DOCTYPE. Invoices never need one: remove it.",
            "Le XML déclare un DOCTYPE. Une facture n'en a jamais besoin : le retirer.",
        )
    if next(root.iter(etree.Entity), None) is not None:
        raise UnsafeXmlError(
            "xml.doctype",
            "The XML uses an entity. Write the character itself instead.",
            "Le XML utilise une entité. Écrire le caractère lui-même.",
        )
    if _is_too_deep(root):
        raise UnsafeXmlError(
            "xml.too_deep",
            f"The XML is nested deeper than {MAX_DEPTH} levels, which no invoice is. Export the file again.",
            f"Le XML a plus de {MAX_DEPTH} niveaux, ce qu'aucune facture n'a. Exporter le fichier à nouveau.",
        )


def to_bytes(root: etree._Element) -> bytes:
    """Serialise ``root`` as UTF-8 with an XML declaration."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
