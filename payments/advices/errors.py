"""What an advice is refused for."""

from __future__ import annotations

from payments.errors import PaymentError


class AdviceError(PaymentError):
    """A remittance advice that cannot be read or confirmed; ``code`` begins with ``advice.``."""
