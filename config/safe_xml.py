"""The one XML parser of the house: no DOCTYPE, no entity, no network, limits on size and depth.

libxml2 leaves an unresolved entity as a node and drops its text silently, so that a DOCTYPE is refused outright
instead of being defused.
"""

from __future__ import annotations

from lxml import etree

MAX_BYTES = 20 * 1024 * 1024
"""Largest XML read, in bytes: an invoice with attachments stays under the platforms' own limits."""
MAX_DEPTH = 100
"""Deepest nesting accepted: UBL and CII stay under 20."""
_LONGEST_DETAIL = 300


class UnsafeXmlError(ValueError):
    """The bytes are not XML that we accept; ``code`` is stable, the sentence says what to do, in both languages."""

    def __init__(self, code: str, sentence: str, sentence_fr: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.sentence_fr = sentence_fr


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """Parse ``data`` and return its root element.

    Raises:
        UnsafeXmlError: ``xml.too_large``, ``xml.not_well_formed``, ``xml.doctype`` or ``xml.too_deep``.
    """
    if len(data) > max_bytes:
        raise UnsafeXmlError(
            "xml.too_large",
            f"The XML has {len(data)} bytes; the limit is {max_bytes}. Send it without attachments.",
            f"Le XML compte {len(data)} octets ; la limite est de {max_bytes}. L'envoyer sans pièces jointes.",
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
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXmlError(
            "xml.doctype",
            "The XML declares a DOCTYPE. Invoices never need one: remove it.",
            "Le XML déclare un DOCTYPE. Une facture n'en a jamais besoin : le retirer.",
        )
    for element in root.iter():
        if isinstance(element, etree._Entity):  # noqa: SLF001 -- lxml's only name for an entity node
            raise UnsafeXmlError(
                "xml.doctype",
                "The XML uses an entity. Write the character itself instead.",
                "Le XML utilise une entité. Écrire le caractère lui-même.",
            )
    if _depth(root) > MAX_DEPTH:
        raise UnsafeXmlError(
            "xml.too_deep",
            f"The XML is nested deeper than {MAX_DEPTH} levels, which no invoice is. Export the file again.",
            f"Le XML a plus de {MAX_DEPTH} niveaux, ce qu'aucune facture n'a. Exporter le fichier à nouveau.",
        )
    return root


def to_bytes(root: etree._Element) -> bytes:
    """Serialise ``root`` as UTF-8 with an XML declaration."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _depth(root: etree._Element) -> int:
    deepest, level = 0, [root]
    while level and deepest <= MAX_DEPTH:
        deepest += 1
        level = [child for element in level for child in element]
    return deepest
