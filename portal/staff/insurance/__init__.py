"""Credit insurance: policies, what insurers decided, who is covered for how much, what has to be declared."""

from __future__ import annotations
