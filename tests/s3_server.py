"""A real S3 server with Object Lock, run for the tests: versitygw or MinIO, whichever binary is named."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BINARY = "QUITTANCE_S3_SERVER"
REGION = "us-east-1"
PATIENCE_S = 30.0


class S3Server:
    """One server with its data in a folder, reachable on this machine alone."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.access_key, self.secret_key = "quittance-test", secrets.token_hex(16)
        self.data = folder / "data"
        self.binary, self.folder = binary, folder
        self.data.mkdir()
        (folder / "versions").mkdir()
        self.port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command(),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "ROOT_ACCESS_KEY": self.access_key,
                "ROOT_SECRET_KEY": self.secret_key,
                "MINIO_ROOT_USER": self.access_key,
                "MINIO_ROOT_PASSWORD": self.secret_key,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                requests.get(self.url, timeout=1)
            except requests.RequestException:
                assert self._process.poll() is None, "the S3 server stopped at its start"
                assert time.monotonic() < deadline, "the S3 server does not answer"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def client(self) -> S3Client:
        """A client of the owner, who may do what the server lets anybody do."""
        import boto3  # noqa: PLC0415 -- only where there is a server

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def corrupt(self, content: bytes) -> int:
        """Flip one bit of ``content`` wherever the server keeps it on its disk; returns how many files had it."""
        found = 0
        for path in (each for root in (self.data, self.folder / "versions") for each in root.rglob("*")):
            if path.is_file() and content in (held := path.read_bytes()):
                path.write_bytes(held.replace(content, bytes([content[0] ^ 1]) + content[1:]))
                found += 1
        return found

    def _command(self) -> list[str]:
        if Path(self.binary).name.startswith("minio"):
            console = f"127.0.0.1:{_free_port()}"
            listening = ["--address", f"127.0.0.1:{self.port}", "--console-address", console]
            return [self.binary, "server", "--quiet", *listening, str(self.data)]
        listening = ["--port", f"127.0.0.1:{self.port}", "--region", REGION]
        versions = ["--versioning-dir", str(self.folder / "versions")]
        return [self.binary, "--quiet", *listening, "posix", *versions, str(self.data)]


def start_s3_server(folder: Path) -> S3Server:
    """A running server, or a skip with its reason."""
    binary = os.environ.get(BINARY)
    if not binary:
        pytest.skip(f"{BINARY} names no S3 server (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)")
    return S3Server(binary, folder)


def archive_at(server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    """The address of a bucket there, with its credentials in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    more = "".join(f"&{name}={value}" for name, value in options.items())
    return f"s3://{bucket}/documents?endpoint={server.url}&region={REGION}{more}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
