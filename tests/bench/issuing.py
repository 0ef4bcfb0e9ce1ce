"""CPU of one issued Factur-X, and which step takes how much: reading, building, judging, numbering, typesetting.

    PYTHONPATH=tests N=40 python -m bench.issuing

CPU of this process and of the child that judges (Schematron), in milliseconds per invoice. PostgreSQL is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from chaos.cluster import Cluster, temporary_cluster
from config.settings import Settings
from einvoice import intake, production
from portal import issuing
from portal.issuing import IssueOptions, issue_content, save_profile
from portal.wiring import Services, build_services
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N = int(os.environ.get("N", "40"))
WARM = 5
"""Invoices before the count: stylesheets are compiled at first use."""
