"""How a payer pays: what is asked for, chosen, deducted, promised and told."""

from __future__ import annotations
