"""The command line: one subcommand per verb, one module per family of verbs.

Here is the group only. A subcommand's module is imported when it is called, so that ``calotype echo`` does not pay
for the web server. Errors that a user can cause end in one line and an exit code (``failures``).
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from calotype import __version__
from calotype.cli.failures import reported
from calotype.cli.session import Session

COMMANDS = {
    "serve": ("serving", "Start the archive: DICOM listeners and HTTP."),
    "init": ("configuring", "Write a settings file that explains every setting, and make the storage folder."),
    "config": ("configuring", "Show the effective settings and where each comes from."),
    "echo": ("talking", "Ask a DICOM node whether it answers (C-ECHO), and say why it does not."),
    "send": ("talking", "Send files and folders to a DICOM node (C-STORE)."),
    "find": ("talking", "Ask a DICOM node what it has (C-FIND)."),
    "get": ("talking", "Fetch images from a DICOM node into a folder (C-GET)."),
    "move": ("talking", "Have a DICOM node send images to another (C-MOVE)."),
    "commit": ("committing", "Ask a DICOM node to commit to keeping files that were sent to it."),
    "tls": ("securing", "Make certificates to test TLS with."),
    "nodes": ("neighbours", "Keep the address book: who is known, and what each may do."),
    "users": ("people", "Keep users: who may log in over HTTP, and as what."),
    "tokens": ("people", "Keep tokens, by which programs use HTTP in a user's name."),
    "jobs": ("working", "Show durable jobs (sending, retrieving), cancel them, or try them again."),
    "worklist": ("scheduling", "Fill the worklist that modalities ask."),
    "import": ("keeping", "Take folders, files, zip archives and DICOMDIR media into the archive."),
    "render": ("rendering", "Make a picture of a DICOM file."),
    "compress": ("compressing", "Compress the images that are in the archive."),
    "delete": ("recycling", "Delete a study, series or instance into the recycle bin."),
    "recycled": ("recycling", "Show what was deleted, restore it, or purge it."),
    "reindex": ("keeping", "Rebuild the index from the stored objects."),
    "reread": ("reading", "Correct how the text of one study is read."),
    "transcode": ("converting", "Write files in another transfer syntax."),
    "anonymise": ("anonymising", "Write files, or studies of the archive, without their patient."),
    "dump": ("dumping", "Show what is in a file."),
    "verify": ("keeping", "Check every object's digest, and find what index and storage do not agree on."),
}
"""Subcommand -> (module, what it does), in the order of a newcomer's day."""


class _Verbs(click.Group):
    """Knows every verb without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"calotype.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        _take_settings_late(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a mistyped one is answered with the nearest."""
        if args and args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _take_settings_late(command: click.Command) -> None:
    """Let ``--config`` and ``--set`` stand behind a verb as well; a letter that it needs itself stays its own."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _take_settings_late(inner)
    taken = {name for parameter in command.params for name in parameter.opts}
    if "--config" in taken:
        return
    for letter, name, destination, several in (("-c", "--config", "late_file", False), ("-s", "--set", "late", True)):
        names = [name] if letter in taken else [letter, name]
        command.params.append(
            click.Option(
                [*names, destination], multiple=several, hidden=True, expose_value=False, callback=_taken_late
            )
        )


def _taken_late(ctx: click.Context, _parameter: click.Parameter, value: str | tuple[str, ...] | None) -> None:
    session = ctx.find_object(Session)
    if session is None or not value:
        return
    if isinstance(value, str):
        session.config = value
    else:
        session.flags = (*session.flags, *value)


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A node is written AETITLE@host:port, or just the AE title of one in the address book."
    " --config and --set may stand before or behind a verb."
    " Exit codes: 0 done, 1 done but some failed, 2 wrong input or settings, 3 not found, 4 refused, in conflict or"
    " no answer, 5 no resources, 70 our own mistake, 130 interrupted.",
)
@click.version_option(__version__, "-V", "--version", prog_name="calotype")
@click.option(
    "-c", "--config", metavar="FILE", help="Settings file (default: $CALOTYPE_CONFIG, else ./calotype.toml)."
)
@click.option("-s", "--set", "flags", metavar="KEY=VALUE", multiple=True, help="One setting, e.g. -s http.port=8080.")
@click.pass_context
def calotype(ctx: click.Context, config: str | None, flags: tuple[str, ...]) -> None:
    """Keep, find, show and hand on medical images.

    \b
    Start here:
      calotype serve                       the archive, with its defaults
      calotype echo CALOTYPE@localhost:11112
      calotype send CALOTYPE@localhost:11112 images/
      calotype find CALOTYPE@localhost:11112 -k "PatientName=Zhang*"
    """  # noqa: D301 - \b keeps click from folding the lines
    ctx.obj = Session(config, flags)


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run the command line and exit with its code."""
    with reported():
        sys.exit(calotype.main(arguments, prog_name="calotype", standalone_mode=True))
