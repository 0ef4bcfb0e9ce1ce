"""What a broken rule means to a bookkeeper, in French and English: the business term, what is wrong, the fix."""

from __future__ import annotations

from einvoice.validation.explanations.explanation import Explanation, explain, is_fallback
from einvoice.validation.explanations.places import place_of
from einvoice.validation.explanations.terms import term_name

__all__ = ["Explanation", "explain", "is_fallback", "place_of", "term_name"]
