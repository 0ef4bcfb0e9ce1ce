"""Codes of our JSON whose refusal needs more than *is not one of these*: who issues that, and what to send instead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from einvoice.request.values import problem

SELF_BILLED = frozenset({"389", "500", "501", "471", "473", "261", "502"})
"""BT-3 of invoices that the buyer draws up in the seller's name (autofacturation, CGI 289, I-2; BR-FR-BD-13)."""
_ISSUED = ("380", "381", "384", "386", "393", "396", "472", "503", "262")
_FRAMES = ("B1", "S1", "M1", "B2", "S2", "M2", "S3", "B4", "S4", "M4", "S5", "S6", "B7", "S7")
_CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")
_SPANISH = {
    "L": ("the Canary Islands (IGIC)", "taxe des îles Canaries (IGIC)"),
    "M": ("Ceuta and Melilla (IPSI)", "taxe de Ceuta et Melilla (IPSI)"),
}
_MANY_SELLERS = frozenset({"B8", "S8", "M8"})
_TWO_WAY = frozenset({"B9", "S9", "M9"})


def check_any_type_code(code: object) -> object:
    """A kind of invoice that may be referred to: every code of BR-FR-04."""
    return _one_of(code, (*_ISSUED, *sorted(SELF_BILLED)))


def check_type_code(code: object) -> object:
    """A kind of invoice that a seller issues (BR-FR-04); self-billing is the buyer's to do."""
    if code in SELF_BILLED:
        raise problem(
            "self_billed",
            f"is {code}, a self-billed document: your customer draws it up in your name (CGI art. 289, I-2). Hand in "
            "the finished file that your customer made, or issue 380 yourself",
            f"vaut {code}, un document d'autofacturation : c'est votre client qui l'établit en votre nom (CGI art. "
            "289, I-2). Déposez le fichier établi par votre client, ou émettez vous-même un 380",
        )
    return _one_of(code, _ISSUED)


def check_frame(frame: object) -> object:
    """A *cadre de facturation* (BT-23) that one seller's own invoice can have (BR-FR-08)."""
    if frame in _MANY_SELLERS:
        raise problem(
            "many_sellers",
            f"is {frame}, an invoice of several sellers, which this JSON cannot describe. Hand in the finished file in "
            "the EXTENDED profile, or issue one invoice per seller",
            f"vaut {frame}, une facture multi-vendeurs, que ce JSON ne décrit pas. Déposez le fichier fini au profil "
            "EXTENDED, ou émettez une facture par vendeur",
        )
    if frame in _TWO_WAY:
        raise problem(
            "two_way",
            f"is {frame}, two-way self-billing, which your customer draws up. Hand in the finished file",
            f"vaut {frame}, une autofacturation bidirectionnelle, que votre client établit. Déposez le fichier fini",
        )
    return _one_of(frame, _FRAMES)


def check_vat_category(category: object) -> object:
    """A VAT category that a French invoice may use (BR-FR-15)."""
    if isinstance(category, str) and category in _SPANISH:
        english, french = _SPANISH[category]
        raise problem(
            "spanish_tax",
            f"is {category}, the tax of {english}, which French invoices cannot carry (BR-FR-15): use S, Z, E, AE, K, "
            "G or O",
            f"vaut {category}, la {french}, interdite sur une facture française (BR-FR-15) : utilisez S, Z, "
            "E, AE, K, G ou O",
        )
    return _one_of(category, _CATEGORIES)


def _one_of(code: object, known: tuple[str, ...]) -> object:
    if code in known:
        return code
    *most, last = known
    raise problem(
        "unknown_code",
        f"is {code!r}: it must be one of {', '.join(most)} or {last}",
        f"vaut {code!r} : il doit valoir l'un de {', '.join(most)} ou {last}",
    )


TypeCode = Annotated[
    Literal["380", "381", "384", "386", "393", "396", "472", "503", "262"], BeforeValidator(check_type_code)
]
Process = Annotated[
    Literal["B1", "S1", "M1", "B2", "S2", "M2", "S3", "B4", "S4", "M4", "S5", "S6", "B7", "S7"],
    BeforeValidator(check_frame),
]
VatCategory = Annotated[Literal["S", "Z", "E", "AE", "K", "G", "O"], BeforeValidator(check_vat_category)]
AnyTypeCode = Annotated[str, BeforeValidator(check_any_type_code)]
Nature = Literal["goods", "services"]
