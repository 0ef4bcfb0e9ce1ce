"""Mail that comes in: answers to our mails, and mails of ours that came back."""

from __future__ import annotations
