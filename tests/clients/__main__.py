"""``make clients``: clients that others' generators make of our schema, compiled, and one of them used for a day.

OpenAPI Generator makes one in Go, one in Java, one in TypeScript; Redocly judges the schema. The one in TypeScript then
tells ``story.ts`` against a demonstration of its own. Needs Maven, Go and Node; says which one is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from journeys.demo_house import demo_house

from portal.api.schema import openapi
from portal.demo.cast import cast_of

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
TOOLS = Path(".var/tools").resolve()
GENERATOR = "7.17.0"
TYPESCRIPT = ["-p", "typescript@5.9"]
STRICT = ["--strict", "--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom"]


def main() -> int:
    """Make, compile, use; 1 where something is missing or fails."""
    missing = [tool for tool in ("mvn", "java", "go", "npx", "node") if shutil.which(tool) is None]
    if missing:
        print(f"not run: {', '.join(missing)} not found")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        schema = folder / "openapi.json"
        schema.write_text(json.dumps(openapi()))
        steps = {
            "redocly": lambda: run(["npx", "-y", "@redocly/cli@2", "lint", str(schema)], folder),
            "go": lambda: _go(schema, folder / "go"),
            "java": lambda: _java(schema, folder / "java"),
            "typescript": lambda: _typescript(schema, folder / "typescript"),
        }
        failed = [step for step in sys.argv[1:] or steps if not _holds(step, steps[step])]
    return 1 if failed else 0


def run(command: list[str], folder: Path, **env: str) -> str:
    """What a tool says on its standard output; its last words are in the error where it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | env, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def _holds(step: str, take: Callable[[], None]) -> bool:
    try:
        take()
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"{step}: {error}")
        return False
    print(f"{step}: holds")
    return True


def _generate(kind: str, schema: Path, out: Path) -> None:
    jar = TOOLS / f"openapi-generator-cli-{GENERATOR}.jar"
    if not jar.exists():
        artifact = f"org.openapitools:openapi-generator-cli:{GENERATOR}"
        run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={TOOLS}"], HERE)
    # a form with a file is a model too, which the generator leaves out by itself and then looks for
    whole = ["--global-property", "skipFormModel=false"]
    ids = ["--git-user-id", "example", "--git-repo-id", "quittance"]
    run(["java", "-jar", str(jar), "generate", "-g", kind, "-i", str(schema), "-o", str(out), *whole, *ids], HERE)


def _go(schema: Path, out: Path) -> None:
    _generate("go", schema, out)
    shutil.rmtree(out / "test", ignore_errors=True)
    run(["go", "mod", "tidy"], out)
    run(["go", "vet", "./..."], out)


def _java(schema: Path, out: Path) -> None:
    _generate("java", schema, out)
    run(["mvn", "-q", "-B", "-DskipTests", "compile"], out)


def _typescript(schema: Path, out: Path) -> None:
    _generate("typescript-fetch", schema, out / "client")
    shutil.copy(HERE / "story.ts", out / "story.ts")
    run(["npx", "-y", *TYPESCRIPT, "tsc", *STRICT, "story.ts"], out)
    siren = cast_of(Random())[0].profile.siren
    with tempfile.TemporaryDirectory() as data:
        os.environ["QUITTANCE_DATA_DIR"] = data
        with demo_house(Path(data), invoices=10) as base:
            told = run([sys.executable, "-m", "portal.cli", "token", siren], HERE, QUITTANCE_DATA_DIR=f"{data}/demo")
            token = next(word for word in told.split() if word.startswith("qt_"))
            print(run(["node", "story.js"], out, BASE=base, TOKEN=token).strip())


sys.exit(main())
