"""The evidence bundle: whole, the same for the same facts, checkable by the program of the documentation, and mute."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hand_written_invoices import CII

from config.clock import new_id, now
from einvoice.archive import ArchiveError
from portal.access.sign_in_mail import Mail
from portal.api.tokens import create_token
from portal.evidence.bundle import make_evidence
from portal.mail.book import keep_mail
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from story_builders import Story

    from portal.documents.issuing import Issued
    from portal.evidence.bundle import Bundle

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"
LINES = 50


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the documentation, as somebody copies it out."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    path = tmp_path_factory.mktemp("checker") / "check_evidence.py"
    path.write_text(text)
    return path


def run(program: Path, content: bytes, folder: Path, *more: str) -> tuple[int, str]:
    """Run the program on a bundle, in a Python that has nothing but its own library."""
    target = folder / "bundle.zip"
    target.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), str(target), *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def told(story: Story) -> Issued:
    """An invoice whose whole life was lived: sent, answered, paid, partly refunded, told."""
    issued = story.issue()
    story.settle()
    assert story.platform is not None
    story.platform.play(issued.invoice.number, story.siren, status="207", reason="MONTANTTOTAL_ERR")
    story.until(lambda: "207" in story.codes())
    payment = story.pay(issued.invoice)
    story.settle()
    story.give_back(payment, 2000)
    story.settle()
    return issued


def bundle_of(story: Story, issued: Issued) -> Bundle:
    return make_evidence(story.services, story.id, issued.invoice.invoice_id, "tester")


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def zip_of(files: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return target.getvalue()


def test_a_bundle_holds_the_whole_story_and_the_program_finds_it_whole(
    story: Story, program: Path, tmp_path: Path
) -> None:
    issued = told(story)
    bundle = bundle_of(story, issued)
    files = files_of(bundle.content)
    for each in issued.files:
        assert files[f"documents/{each.form}/{each.file.filename}"] == each.file.content
    facts = json.loads(files["facts.json"])
    received = {row["code"]: row["file"] for row in facts["statuses"] if row["direction"] == "in"}
    assert {"200", "207"} <= received.keys()
    assert b"MONTANTTOTAL_ERR" in files[received["207"]]
    assert sum(name.startswith("messages/sent/") for name in files) == 2, "the 212 of the receipt and of the refund"
    assert [row["amount_minor"] for row in facts["movements"]] == [12000, -2000]
    assert facts["due"]["open_minor"] == 2000
    assert {row["state"] for row in facts["flows"]} == {"accepted"}
    assert facts["letterings"]
    assert all(row["report"]["verdict"] == "valid" for row in facts["documents"] if row["form"] in ("cii", "ubl"))
    assert any(layer["rule_set"] for row in facts["documents"] if row["report"] for layer in row["report"]["layers"])
    acts = {row["act"] for row in facts["audit"]}
    assert {"invoice.issued", "receipt.booked", "return.booked"} <= acts
    page = files["index.html"].decode()
    for words in (issued.invoice.number, "207 ", "Encaissement", "Receipt", "Remboursement", "120,00"):
        assert words in page, words
    code, said = run(program, bundle.content, tmp_path, bundle.manifest_sha256)
    assert (code, "whole" in said, bundle.manifest_sha256 in said) == (0, True, True), said


def test_every_audit_row_of_the_bundle_is_proved_in_its_block(story: Story) -> None:
    issued = told(story)
    chain = json.loads(files_of(bundle_of(story, issued).content)["chain.json"])
    assert chain["blocks"]
    assert chain["unsealed"] == []
    for block in chain["blocks"]:
        leaves = b"".join(bytes.fromhex(leaf) for leaf in block["leaves"])
        assert hashlib.sha256(bytes.fromhex(block["previous_hash"]) + leaves).hexdigest() == block["hash"]
        for row in block["rows"]:
            assert hashlib.sha256(row["row"].encode()).hexdigest() == block["leaves"][row["place"]]
    (house,) = story.rows(
        "SELECT encode(hash, 'hex') AS hash FROM audit_seals WHERE supplier_id = :supplier AND block = :block",
        block=chain["blocks"][-1]["block"],
    )
    assert house["hash"] == chain["blocks"][-1]["hash"]


def test_the_same_facts_give_the_same_bytes_and_each_making_is_noted(plain_story: Story) -> None:
    issued = plain_story.issue()
    first, second = (bundle_of(plain_story, issued) for _ in range(2))
    assert first.content == second.content
    noted = plain_story.rows(
        "SELECT actor, object, details FROM audit_rows WHERE supplier_id = :supplier AND act = 'evidence.made'"
    )
    assert [(row["actor"], row["object"]) for row in noted] == [("tester", str(issued.invoice.invoice_id))] * 2
    assert {row["details"]["manifest_sha256"] for row in noted} == {first.manifest_sha256}
    plain_story.pay(issued.invoice)
    assert bundle_of(plain_story, issued).content != first.content


def change_byte(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.endswith(".pdf"))
    files[name] = files[name][:-10] + bytes([files[name][-10] ^ 1]) + files[name][-9:]


def drop_file(files: dict[str, bytes]) -> None:
    del files[next(name for name in files if name.endswith(".pdf"))]


def add_file(files: dict[str, bytes]) -> None:
    files["documents/facturx/other.pdf"] = b"%PDF-1.7"


def unlist_file(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["files"].pop()
    files["manifest.json"] = json.dumps(manifest).encode()


def relist_hash(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["files"][0]["sha256"] = "0" * 64
    files["manifest.json"] = json.dumps(manifest).encode()


def relist(files: dict[str, bytes], name: str, content: bytes) -> None:
    """Change a file, and the manifest with it: what somebody who knows the program does."""
    files[name] = content
    manifest = json.loads(files["manifest.json"])
    for each in manifest["files"]:
        if each["file"] == name:
            each["sha256"], each["size"] = hashlib.sha256(content).hexdigest(), len(content)
    files["manifest.json"] = json.dumps(manifest).encode()


def forge_document(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.endswith(".pdf"))
    relist(files, name, files[name].replace(b"%PDF", b"%PDG"))


def forge_row(files: dict[str, bytes]) -> None:
    chain = json.loads(files["chain.json"])
    row = chain["blocks"][0]["rows"][0]
    row["row"] = row["row"].replace("invoice.issued", "invoice.voided")
    relist(files, "chain.json", json.dumps(chain).encode())


def forge_leaf(files: dict[str, bytes]) -> None:
    chain = json.loads(files["chain.json"])
    block = chain["blocks"][0]
    row = block["rows"][0]
    row["row"] = row["row"].replace("invoice.issued", "invoice.voided")
    block["leaves"][row["place"]] = hashlib.sha256(row["row"].encode()).hexdigest()
    relist(files, "chain.json", json.dumps(chain).encode())


def withhold_row(files: dict[str, bytes]) -> None:
    chain = json.loads(files["chain.json"])
    chain["blocks"][0]["rows"].pop()
    relist(files, "chain.json", json.dumps(chain).encode())


TAMPERINGS = (
    (change_byte, "changed"),
    (drop_file, "missing"),
    (add_file, "not in the manifest"),
    (unlist_file, "not in the manifest"),
    (relist_hash, "changed"),
    (forge_document, "not the file that was archived"),
    (forge_row, "does not hold these rows"),
    (forge_leaf, "does not hold these rows"),
    (withhold_row, "not those of the chain"),
)


def test_the_program_finds_every_tampering(plain_story: Story, program: Path, tmp_path: Path) -> None:
    content = bundle_of(plain_story, plain_story.issue()).content
    assert run(program, content, tmp_path)[0] == 0
    assert run(program, zip_of(files_of(content)), tmp_path)[0] == 0, "packing it again is no tampering"
    for tamper, said in TAMPERINGS:
        files = files_of(content)
        act: Callable[[dict[str, bytes]], None] = tamper
        act(files)
        code, output = run(program, zip_of(files), tmp_path)
        assert (code, said in output) == (1, True), (tamper.__name__, output)


def test_a_bundle_forged_in_all_its_parts_is_not_the_one_that_was_noted(
    plain_story: Story, program: Path, tmp_path: Path
) -> None:
    bundle = bundle_of(plain_story, plain_story.issue())
    files = files_of(bundle.content)
    facts = json.loads(files["facts.json"])
    facts["due"]["open_minor"] = 0
    relist(files, "facts.json", json.dumps(facts).encode())
    forged = zip_of(files)
    assert run(program, forged, tmp_path)[0] == 0, "it agrees with itself"
    code, said = run(program, forged, tmp_path, bundle.manifest_sha256)
    assert (code, "not the one that was made" in said) == (1, True)


def test_the_program_is_short_and_needs_only_python(program: Path) -> None:
    lines = program.read_text().splitlines()
    assert len(lines) <= LINES
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names


def test_no_token_and_no_secret_leaves_with_a_bundle(story: Story) -> None:
    issued = told(story)
    with story.services.works.begin(story.id) as work:
        links = [story.services.pay_link(work, issued.invoice.invoice_id, each) for each in ("document", "mail", "new")]
        token = create_token(work, "test")
        _quote_in_a_mail(work, issued, [*links, token, "whsec_" + "a1B2" * 8])
        stored = work.rows("SELECT token_hash FROM pay_links WHERE supplier_id = :supplier") + work.rows(
            "SELECT token_hash FROM api_tokens WHERE supplier_id = :supplier"
        )
    files = files_of(bundle_of(story, issued).content)
    assert "***" in json.loads(files["facts.json"])["mails"][-1]["text_body"]
    own = {name: content for name, content in files.items() if not name.startswith("documents/")}
    hidden = [link.rpartition("/")[2] for link in links] + [token, token.removeprefix("qt_"), "whsec_a1B2"]
    hidden += [bytes(row["token_hash"]).hex() for row in stored] + ["sandbox-secret", "checkout_url"]
    hidden.append(story.services.settings.secret_key.get_secret_value())  # type: ignore[union-attr]
    for name, content in own.items():
        for secret in hidden:
            assert secret.encode() not in content, (name, secret[:6])


def _quote_in_a_mail(work: Any, issued: Issued, secrets: list[str]) -> None:
    text = "\n".join(secrets)
    keep_mail(
        work, Mail(f"reminder/{new_id()}", "compta@client.example", "Rappel", text, text, issued.invoice.invoice_id)
    )
    work.execute("UPDATE mails SET state = 'sent', sent_at = :at WHERE supplier_id = :supplier", at=now())


def test_what_a_customer_wrote_is_text_on_the_page_and_no_markup(plain_story: Story) -> None:
    nasty = {"buyer_reference": "<script>alert(1)</script>"}
    issued = plain_story.issue(**nasty)
    page = files_of(bundle_of(plain_story, issued).content)["index.html"].decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_finished_invoice_brings_its_original_under_a_name_that_stays_inside(plain_story: Story) -> None:
    content = CII.replace("732829320", plain_story.siren).encode()
    issued = plain_story.issue_bytes(content, "../../etc/passwd")
    files = files_of(bundle_of(plain_story, issued).content)
    assert files["documents/original/_.._etc_passwd"] == content
    assert not any(name.startswith("/") or ".." in name.split("/") for name in files)


def test_a_bundle_never_leaves_a_lost_file_out(plain_story: Story) -> None:
    issued = plain_story.issue()
    sha = issued.files[0].file.sha256
    next(plain_story.services.archive._root.rglob(sha)).unlink()  # type: ignore[attr-defined]
    with pytest.raises(ArchiveError) as caught:
        bundle_of(plain_story, issued)
    assert caught.value.code == "archive.missing"


def test_another_suppliers_invoice_gives_nothing(plain_story: Story, story: Story) -> None:
    issued = story.issue()
    with pytest.raises(NotFoundError):
        bundle_of(plain_story, issued)
