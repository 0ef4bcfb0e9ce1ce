"""``quittance validate``: files and folders judged like any platform would, and the verdict told."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import track

from config.logging import log_to_stderr
from einvoice.formats.pdf_reader import MAX_PDF_BYTES
from einvoice.validation.file_report import FileKind, FileReport
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.verdict import Layer, LayerResult, Report, Severity, Verdict
from portal.cli.house import err, out, settings_of_house
from portal.validation.told import OUTCOMES, Told, tell, tell_layers, tell_rules
from portal.wiring import build_validator
from portal.words import LANGUAGES, known_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from einvoice.validation.check import Validator
    from portal.validation.told import ToldLayer, ToldRule

ENDINGS = frozenset({".xml", ".pdf"})
"""What is judged of a folder; a file that is named is judged whatever it is called."""
MANY = 10
"""So many files take longer than two seconds: show how far it is."""
MARKS = {
    Verdict.VALID: ("green", "✓"),
    Verdict.INVALID: ("red", "✗"),
    Verdict.NOT_CHECKED: ("yellow", "?"),
}
ERROR, WARNING = Told("erreur", "error"), Told("avertissement", "warning")
LINE, FIX = Told("ligne {} du fichier", "line {} of the file"), Told("À faire :", "To do:")
NO_SUCH_FILE = Told("Le fichier n'existe pas.", "There is no such file.")
NO_FILES = Told("Ce dossier ne contient ni XML ni PDF.", "This folder holds neither XML nor PDF.")
UNREADABLE = Told("Le fichier ne peut pas être lu : {error}.", "The file cannot be read: {error}.")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, in French and English.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the sentences; as LANG says if absent, else French.")
def validate(*, paths: tuple[Path, ...], as_json: bool, language: str | None) -> None:
    """Judge files and folders: PDF container, XSD, EN 16931, profile, French rules. Exit 1 unless all are valid.

    Nothing is issued and nothing is kept. A file that cannot be judged is not checked, which is never valid.
    """
    log_to_stderr(logging.WARNING)
    spoken = language or language_of_terminal()
    files = list(_files(paths))
    answers, verdicts = [], []
    with SchematronEngine() as engine:
        validator = build_validator(settings_of_house(), engine)
        silent = len(files) < MANY or not err.is_terminal
        for path in track(files, "", console=err, transient=True, disable=silent):
            report = _judge(validator, path)
            verdicts.append(report.verdict)
            if as_json:
                answers.append({**tell(report), "path": str(path)})
            else:
                _print(report, path, spoken)
    if as_json:
        click.echo(json.dumps(answers, ensure_ascii=False, indent=2))
    elif len(files) > 1:
        out.print(" · ".join(f"{OUTCOMES[each][spoken == 'en']} {verdicts.count(each)}" for each in Verdict))
    if any(verdict is not Verdict.VALID for verdict in verdicts):
        raise SystemExit(1)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named; a folder without any stands for itself."""
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.is_file())
            yield from inside or [path]
        else:
            yield path


def _judge(validator: Validator, path: Path) -> FileReport:
    """The report on one file; one that cannot be read is not checked."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PDF_BYTES + 1)  # one byte too many is enough to be refused
    except FileNotFoundError:
        return _unread(path, NO_SUCH_FILE)
    except IsADirectoryError:
        return _unread(path, NO_FILES)
    except OSError as error:
        said = error.strerror or type(error).__name__
        return _unread(path, Told(UNREADABLE.fr.format(error=said), UNREADABLE.en.format(error=said)))
    return validator.check_file(content, path.name)


def _unread(path: Path, reason: Told) -> FileReport:
    layer = LayerResult(Layer.CONTAINER, Verdict.NOT_CHECKED, reason=reason.en, reason_fr=reason.fr)
    return FileReport(path.name, FileKind.UNKNOWN, Report((layer,), ()))


def _print(report: FileReport, path: Path, spoken: str) -> None:
    colour, mark = MARKS[report.verdict]
    name = OUTCOMES[report.verdict][spoken == "en"]
    out.print(f"[{colour}]{mark}[/] [bold]{escape(str(path))}[/] [{colour}]{name}[/]")
    for layer in tell_layers(report):
        _print_layer(layer, spoken)
    for rule in tell_rules(report):
        print_rule(out, rule, spoken)


def _print_layer(told: ToldLayer, spoken: str) -> None:
    colour, mark = MARKS[told.result.outcome]
    rules = told.result.rule_set
    which = f"  [dim]{escape(f'{rules.name} · {rules.version}')}[/]" if rules else ""
    out.print(f"  [{colour}]{mark}[/] {escape(told.name[spoken])}  [{colour}]{told.outcome[spoken]}[/]{which}")
    if told.reason and told.result.outcome is Verdict.NOT_CHECKED:
        out.print(f"      {escape(told.reason[spoken])}")


def print_rule(console: Console, told: ToldRule, spoken: str) -> None:
    """One broken rule: where it is, what is wrong, and what to do."""
    finding = told.finding
    fatal = finding.severity is Severity.FATAL
    severity = f"[red]{ERROR[spoken]}[/]" if fatal else f"[yellow]{WARNING[spoken]}[/]"
    term = " ".join(
        each for each in (told.terms[0] if told.terms else "", told.term_name[spoken] if told.term_name else "") if each
    )
    where = [term, told.place[spoken] if told.place else "", LINE[spoken].format(finding.line) if finding.line else ""]
    console.print(f"  {severity} [bold]{escape(finding.rule)}[/]  {escape(' · '.join(each for each in where if each))}")
    console.print(f"      {escape(told.sentence[spoken])}")
    if told.fix:
        console.print(f"      [bold]{FIX[spoken]}[/] {escape(told.fix[spoken])}")


def language_of_terminal() -> str:
    """The language of the terminal, as gettext would choose it; French where we do not speak it."""
    wish = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return known_language(wish[:2].lower())
