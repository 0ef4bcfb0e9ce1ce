"""The judges' own programs and rules, fetched from Maven Central by its client into ``.var/tools``; never committed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("QUITTANCE_TOOLS", ROOT / ".var" / "tools"))
VERAPDF = "org.verapdf.apps:greenfield-apps:1.28.2"
MUSTANG = "org.mustangproject:Mustang-CLI:2.26.0"
PHIVE_EN16931 = "com.helger.phive.rules:phive-rules-en16931:4.3.7"
PHIVE_FRANCE = "com.helger.phive.rules:phive-rules-france:4.2.3"
CII_SAMPLES = "com.helger.cii:ph-cii-testfiles:4.1.1"


class ToolMissingError(RuntimeError):
    """A judge cannot run here; the sentence says what to install."""


def jar(coordinates: str) -> Path:
    """The jar of ``group:artifact:version``, fetched at the first call.

    Raises:
        ToolMissingError: it is not here and cannot be fetched.
    """
    _, artifact, version = coordinates.split(":")
    path = TOOLS / f"{artifact}-{version}.jar"
    if path.is_file():
        return path
    if shutil.which("mvn") is None:
        raise ToolMissingError(f"{path.name} is not in {TOOLS} and there is no mvn to fetch it.")
    command = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={TOOLS}"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if not path.is_file():
        detail = next((text for text in answer.stdout.splitlines() if "ERROR" in text), "no reason given")
        raise ToolMissingError(f"{coordinates} could not be fetched: {detail[:200]}")
    return path


def java() -> str:
    """The Java program.

    Raises:
        ToolMissingError: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise ToolMissingError("Java (a JDK of 17 or newer) is not installed.")
    return found
