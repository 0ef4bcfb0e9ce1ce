"""An approved platform to run against: AFNOR XP Z12-013, real checks, statuses that come back, faults on demand."""

from __future__ import annotations

from portal.sandboxes.platform.app import create_platform_sandbox
from portal.sandboxes.platform.options import PlatformSandboxOptions

__all__ = ["PlatformSandboxOptions", "create_platform_sandbox"]
