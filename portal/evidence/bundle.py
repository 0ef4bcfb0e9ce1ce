"""The bundle (dossier de preuve): one zip per invoice, the same bytes for the same facts."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from portal.evidence.facts import FORMAT, MADE, chain_of, gather_facts, safe_name
from portal.evidence.story import write_story
from receivables.services.accounting.sealing import seal_audit
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from portal.evidence.facts import Facts
    from portal.wiring import Services

MANIFEST = "manifest.json"
MIME = "application/zip"
REMOVED = "***"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can hold: the real ones are facts, and stand in ``facts.json``."""
SECRETS = re.compile(
    r"(?<=/p/)[A-Za-z0-9_-]{40,}|qt_[A-Za-z0-9_-]{40,}|(?:sk|rk|pk)_(?:live|test)_\w{8,}|whsec_\w{16,}"
)
"""Tokens of pay links and of the API, keys of payment providers: wherever a mail or a note may quote one."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle; ``manifest_sha256`` is what the audit trail keeps of it."""

    filename: str
    content: bytes
    manifest_sha256: str


def make_evidence(services: Services, supplier_id: UUID, invoice_id: UUID, actor: str) -> Bundle:
    """Everything about one invoice in one zip; the making is noted in the audit trail with the manifest's hash.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ArchiveError: a file cannot be read, or is not what it was; a bundle never leaves one out.
    """
    while services.works.run(supplier_id, seal_audit):  # so that the chain shows what has just happened
        continue
    with services.works.begin(supplier_id) as work:
        facts = gather_facts(work, invoice_id)
    bundle = write_bundle(facts, services.archive)
    with services.works.begin(supplier_id) as work:
        work.audit(actor, MADE, str(invoice_id), manifest_sha256=bundle.manifest_sha256, bytes=len(bundle.content))
    return bundle


def write_bundle(facts: Facts, archive: ArchivePort) -> Bundle:
    """The zip of these facts.

    Raises:
        ArchiveError: ``archive.missing``, ``archive.corrupted`` or ``archive.unreadable``.
    """
    files = {
        "facts.json": canonical({**facts.told, "audit": facts.audit}),
        "chain.json": canonical(chain_of(facts)),
        "index.html": SECRETS.sub(REMOVED, write_story(facts)).encode(),
    }
    for member in facts.members:
        files[member.file] = member.content if member.sha is None else archive.get(member.sha)  # type: ignore[assignment]
    manifest = canonical(
        {
            "format": FORMAT,
            "invoice": facts.told["invoice"]["number"],
            "files": [
                {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                for file, content in sorted(files.items())
            ],
        }
    )
    content = _zip({**files, MANIFEST: manifest})
    name = f"{safe_name(facts.told['invoice']['number'])}-evidence.zip"
    return Bundle(name, content, hashlib.sha256(manifest).hexdigest())


def canonical(value: Any) -> bytes:
    """JSON in one form: sorted keys, no spaces, UTF-8, one line end; without what could open something."""
    text = json.dumps(json.loads(to_json(value)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return SECRETS.sub(REMOVED, text).encode() + b"\n"


def _zip(files: dict[str, bytes]) -> bytes:
    """The page first, then the rest by name; no time, no system, so that nothing but content tells two zips apart."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(files, key=lambda name: (name != "index.html", name)):
            info = zipfile.ZipInfo(file, _EARLIEST)
            info.create_system = 3
            info.external_attr = 0o100444 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[file])
    return target.getvalue()
