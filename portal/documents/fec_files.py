"""A FEC with its description: as a zip for a page, as two files for the command line."""

from __future__ import annotations

import zipfile
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from receivables.domain.accounting.fec import plain, write_fec
from receivables.domain.accounting.fec_notice import describe_fec

if TYPE_CHECKING:
    from receivables.domain.accounting.fec import FecTotals
    from receivables.services.accounting.fec import Fec

IN_MEMORY_BYTES = 8 * 1024 * 1024


def write_with_notice(fec: Fec, out: IO[bytes], encoding: str) -> tuple[FecTotals, bytes]:
    """Write the file into ``out``; returns its totals and its description.

    Raises:
        ReceivablesError: ``fec.unknown_encoding``.
    """
    totals = write_fec(out, fec.lines, encoding)
    period = f"du {fec.year.starts_on:%d/%m/%Y} au {fec.year.ends_on:%d/%m/%Y}"
    text = describe_fec(fec.name, period, totals, encoding, left_out(fec))
    lines = (plain(line, encoding) if line else "" for line in text.split("\r\n"))
    return totals, "\r\n".join(lines).encode(encoding)


def notice_name(fec: Fec) -> str:
    """The name of the description."""
    return fec.name.removesuffix(".txt") + "-description.txt"


def zip_fec(fec: Fec, encoding: str) -> tuple[IO[bytes], FecTotals]:
    """Both files in a zip, kept on disk where they are long; whoever takes it closes it."""
    kept = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 -- closed by whoever sends it
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(fec.name, "w", force_zip64=True) as out:
            totals, notice = write_with_notice(fec, out, encoding)
        archive.writestr(notice_name(fec), notice)
    kept.seek(0)
    return kept, totals


def left_out(fec: Fec) -> tuple[str, ...]:
    """What a reader has to know is not in the file, in French as the file is."""
    found = []
    if fec.unvalidated:
        found.append(f"Écritures de l'exercice non validées, absentes : {fec.unvalidated}.")
    if fec.straddling:
        found.append(f"Lettrages soldés à cheval sur un autre exercice, non reportés : {fec.straddling}.")
    if fec.uneven:
        found.append(f"Lettrages en devise non soldés en euros (écart de change), non reportés : {fec.uneven}.")
    return tuple(found)
