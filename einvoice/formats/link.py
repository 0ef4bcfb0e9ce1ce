"""Putting a payment link into a finished invoice of someone else: one BG-24 more, nothing else touched."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from einvoice.document import Attachment
from einvoice.errors import LinkNotCarriedError
from einvoice.formats import cii, cii_terms, ubl, ubl_terms
from einvoice.formats.reader import syntax_of

if TYPE_CHECKING:
    from einvoice.formats.tree import Node

PROFILES_WITHOUT_LINK = frozenset(
    {
        "urn:factur-x.eu:1p0:minimum",
        "urn:factur-x.eu:1p0:basicwl",
        "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    }
)
"""BT-24 of the Factur-X profiles whose schema has no BG-24."""

_CII_AFTER = frozenset(
    {
        "RequisitionerReferencedDocument",
        "BuyerAgentTradeParty",
        "PurchaseConditionsReferencedDocument",
        "SpecifiedProcuringProject",
        "UltimateCustomerOrderReferencedDocument",
        "PricingBaseApplicableLogisticsLocation",
    }
)
_UBL_AFTER = frozenset(
    {
        "ProjectReference",
        "StatementDocumentReference",
        "OriginatorDocumentReference",
        "Signature",
        "AccountingSupplierParty",
    }
)
_UBL_INVOICE_BEFORE = frozenset({"StatementDocumentReference", "OriginatorDocumentReference"})
"""In an Invoice these two stand before the supporting documents, in a CreditNote after them."""

_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def add_payment_link(root: etree._Element, url: str, reference: str) -> bytes:
    """The file of ``root`` with BT-124 ``url`` under BT-122 ``reference``; ``root`` itself stays as it is.

    A file that already holds exactly this link comes back unchanged.

    Raises:
        LinkNotCarriedError: ``link.profile_has_no_place`` (Factur-X MINIMUM, BASIC WL, BASIC) or
            ``link.file_is_signed`` (the change would break the signature).
        ReadError: ``invoice.not_an_invoice``.
    """
    syntax = syntax_of(root)
    tree = deepcopy(root.getroottree())
    if next(root.iter(_SIGNATURE), None) is not None:
        raise LinkNotCarriedError(
            "link.file_is_signed",
            "The file carries an electronic signature, which a link inside would break. Put the link in the mail.",
            "Le fichier porte une signature électronique qu'un lien ajouté romprait. Mettez le lien dans le courriel.",
        )
    attachment = Attachment(reference, url=url)
    if syntax == "cii":
        _add_to_cii(tree.getroot(), attachment)
    else:
        _add_to_ubl(tree.getroot(), attachment)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


def _add_to_cii(root: etree._Element, attachment: Attachment) -> None:
    names = cii_terms.NAMESPACES
    profile = root.findtext(
        "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", "", names
    )
    agreement = root.find("rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement", names)
    if profile.strip() in PROFILES_WITHOUT_LINK or agreement is None:
        raise LinkNotCarriedError(
            "link.profile_has_no_place",
            f"The profile {profile.strip() or '(none)'} has no supporting documents (BG-24), so that the link cannot "
            "stand in the XML. Put it on the page and in the mail only.",
            f"Le profil {profile.strip() or '(aucun)'} n'a pas de documents justificatifs (BG-24) : le lien ne peut "
            "pas figurer dans le XML. Mettez-le seulement sur la page et dans le courriel.",
            term="BG-24",
        )
    _insert(agreement, cii.supporting_document(attachment), _CII_AFTER)


def _add_to_ubl(root: etree._Element, attachment: Attachment) -> None:
    is_invoice = root.tag == f"{{{ubl_terms.INVOICE}}}Invoice"
    after = _UBL_AFTER - _UBL_INVOICE_BEFORE if is_invoice else _UBL_AFTER
    _insert(root, ubl.supporting_document(attachment), after)


def _insert(parent: etree._Element, new: Node, after: frozenset[str]) -> None:
    """Insert ``new`` before the first child named in ``after``, as the schema's sequence wants."""
    if new is None or any(_says_the_same(child, new) for child in parent):
        return
    for child in parent:
        if isinstance(child.tag, str) and etree.QName(child).localname in after:
            child.addprevious(new)
            return
    parent.append(new)


def _says_the_same(one: etree._Element, other: etree._Element) -> bool:
    return one.tag == other.tag and _texts(one) == _texts(other)


def _texts(element: etree._Element) -> list[tuple[str, str]]:
    return [(str(each.tag), (each.text or "").strip()) for each in element.iter() if isinstance(each.tag, str)]
