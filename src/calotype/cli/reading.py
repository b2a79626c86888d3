"""``calotype reread``: correct how the text of one study is read, with or without a server running beside."""

from __future__ import annotations

import click

from calotype.app.opening import open_archive
from calotype.cli.session import Session
from calotype.dicom.hierarchy import UID


@click.command("reread")
@click.argument("study")
@click.option("--charset", metavar="TERMS", help="Read the study in these sets, as in (0008,0005): GB18030.")
@click.option("--as-judged", is_flag=True, help="Forget a set said before; read the study as its text shows.")
@click.pass_obj
def reread_command(session: Session, study: str, *, charset: str | None, as_judged: bool) -> None:
    """Read the text of one study again from its files, and correct its rows.

    STUDY is a Study Instance UID. Names that are garbled because a device declares the wrong character set are set
    right by saying which it is; the files keep their bytes, and a reindex honours what was said.
    """
    if charset is not None and (as_judged or not charset.strip()):
        raise click.UsageError("say either --charset with a set, or --as-judged")
    with open_archive(session.loaded.settings) as archive:
        if charset is None and not as_judged:
            count = archive.texts.reread(UID(study))
        else:
            count = archive.texts.override(UID(study), charset or "")
        state = archive.texts.of(UID(study)).state or "as declared"
    click.echo(f"{count} objects read again: {state}")
