"""Dunning as it reaches people: mails, letters, tasks, and the file for whoever sues."""

from __future__ import annotations
