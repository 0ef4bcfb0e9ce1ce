"""Commands that are imported when they are called: ``quittance --help`` needs none of what they need."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is (``module:attribute``), and its line in the list of commands."""

    where: str
    line: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.where.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class LazyGroup(click.Group):
    """A group that knows its commands by name and line only, until one is wanted; listed in the order given."""

    def __init__(self, *args: Any, places: Mapping[str, Place], **more: Any) -> None:
        super().__init__(*args, **more)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click calls it so
        """The names."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click calls it so
        """The command of that name, imported now."""
        place = self.places.get(cmd_name)
        return place.load() if place else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click calls it so
        """The list of commands, from their lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.line) for name, place in self.places.items()])
