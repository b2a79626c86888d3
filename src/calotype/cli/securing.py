"""``calotype tls``: certificates to try TLS with, and the TLS options of the commands that call nodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from calotype.services.routing.nodes import NodeTls

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def tls_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that calls a node the TLS options; it gets them as ``tls``, ``None`` when there are none."""

    @click.option("--tls", "wants_tls", is_flag=True, help="Call over TLS; the options below imply it.")
    @click.option("--tls-ca", metavar="FILE", type=_FILE, help="Authority to trust (PEM); else the system's.")
    @click.option("--tls-cert", metavar="FILE", type=_FILE, help="Certificate to show (PEM).")
    @click.option("--tls-key", metavar="FILE", type=_FILE, help="Its private key; else in the same file.")
    @click.option("--tls-insecure", is_flag=True, help="Believe whoever answers: for tests only.")
    @wraps(command)
    def with_tls(
        *arguments: Any,
        wants_tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        tls_insecure: bool,
        **others: Any,
    ) -> None:
        tls: NodeTls | None = None
        if wants_tls or tls_ca or tls_cert or tls_key or tls_insecure:
            if tls_insecure:
                click.secho(
                    "WARNING: --tls-insecure: nobody checks who answers; patients' data may go to anybody",
                    fg="red", bold=True, err=True,
                )  # fmt: skip
            tls = NodeTls(
                verify=not tls_insecure, ca=_absolute(tls_ca), certificate=_absolute(tls_cert), key=_absolute(tls_key)
            )
        command(*arguments, tls=tls, **others)

    return with_tls


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None


@click.group("tls")
def tls_command() -> None:
    """Make certificates to test TLS with."""


@tls_command.command("test-ca")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--host", "hosts", metavar="NAMES", multiple=True, help="The server's names or addresses, a,b,c.")
def test_ca_command(folder: Path, hosts: tuple[str, ...]) -> None:
    """Make a certificate authority for tests, and certificates of a server and a client, in FOLDER.

    \b
    calotype tls test-ca certificates --host pacs.example,10.1.2.3
    """  # noqa: D301 - \b keeps click from folding the lines
    from calotype.app.authority import VALID_DAYS, make_test_authority

    names = [name.strip() for given in hosts for name in given.split(",") if name.strip()]
    made = make_test_authority(folder, names)
    click.echo(
        f"made for {', '.join(made.hosts)}; valid for {VALID_DAYS} days; for tests only\n"
        "\nsettings of a listener:\n"
        "[listeners.tls]\n"
        f'certificate = "{made.server_certificate.as_posix()}"\n'
        f'key = "{made.server_key.as_posix()}"\n'
        f'client_ca = "{made.ca.as_posix()}"  # when clients must show a certificate\n'
        "\nto call it:\n"
        f"calotype echo --tls-ca {made.ca} --tls-cert {made.client_certificate} --tls-key {made.client_key} NODE\n"
        "\ngive peers:\n"
        f"{made.ca} (to trust us), and {made.client_certificate} with its key (to be trusted by us)"
    )
