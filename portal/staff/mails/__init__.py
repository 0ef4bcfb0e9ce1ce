"""The book of mails, what each kind of mail looks like, and what the supplier wants of its mails."""

from __future__ import annotations
