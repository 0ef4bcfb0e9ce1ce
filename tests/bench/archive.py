"""How long it takes to archive a document, and to read the archive again, in a folder and in a bucket.

    PYTHONPATH=tests python -m bench.archive [--documents 300] [--kilobytes 75] [--folder DIR]

The bucket is measured where QUITTANCE_S3_SERVER names a server's binary (versitygw, minio).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import quantiles

import pytest
from s3_server import BINARY, S3Server, archive_at

from einvoice.archive import Archive, ArchivePort, open_archive

UNTIL = date(2036, 12, 31)


def measure(name: str, archive: ArchivePort, documents: int, size: int) -> None:
    contents = [os.urandom(size) for _ in range(documents)]
    spent = []
    for content in contents:
        begun = time.perf_counter()
        archive.put(content, UNTIL)
        spent.append((time.perf_counter() - begun) * 1000)
    again = []
    for content in contents[: documents // 5]:
        begun = time.perf_counter()
        archive.put(content, UNTIL)
        again.append((time.perf_counter() - begun) * 1000)
    begun = time.perf_counter()
    readings = list(archive.read_again())
    read_s = time.perf_counter() - begun
    assert len(readings) == documents
    assert not any(each.problems for each in readings)
    cuts, repeated = quantiles(spent, n=100), quantiles(again, n=100)
    print(
        f"{name:10} put p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms; the same again p50 {repeated[49]:.1f} ms; "
        f"read again {documents * size / 1e6 / read_s:.0f} MB/s, {documents / read_s:.0f} objects/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--kilobytes", type=int, default=75, help="size of a document: a Factur-X page")
    parser.add_argument("--folder", type=Path, help="where to write: the disk that is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        measure("folder", Archive(Path(folder) / "archive"), given.documents, given.kilobytes * 1000)
        binary = os.environ.get(BINARY)
        if binary:
            place = Path(folder) / "s3"
            place.mkdir()
            server = S3Server(binary, place)
            with pytest.MonkeyPatch.context() as patch:
                server.client().create_bucket(Bucket="archive", ObjectLockEnabledForBucket=True)
                bucket = open_archive(archive_at(server, "archive", patch), place)
                measure(Path(binary).name, bucket, given.documents, given.kilobytes * 1000)
            server.stop()


if __name__ == "__main__":
    main()
