"""Where the money is: read from the books, the provider's movements and the bank, for the treasurer's pages."""

from __future__ import annotations
