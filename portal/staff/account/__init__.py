"""One customer's account: everything known, said and done, and every act about it without leaving the page."""

from __future__ import annotations
