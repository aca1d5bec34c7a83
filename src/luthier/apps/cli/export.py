"""`luthier export`: an instrument for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import INSTRUMENT, Force, Json
from luthier.apps.cli.output import print_json
from luthier.export.targets import TARGETS

CHOICES = ", ".join(TARGETS)
SUFFIXES = ", ".join(target.suffix for target in TARGETS.values())


def export(
    instrument: Annotated[Path, typer.Argument(help=INSTRUMENT)],
    to: Annotated[str, typer.Option(help=f"For what: {CHOICES}.")],
    output: Annotated[Path, typer.Option("--output", "-o", help=f"File to write, {SUFFIXES}.")],
    force: Force = False,
    json: Json = False,
) -> None:
    """Write an instrument for other programs; its room goes beside it as a sound, NAME.room.wav."""
    if to not in TARGETS:
        raise typer.BadParameter(f"{to!r}: expected one of {CHOICES}.", param_hint="--to")
    from luthier.apps.export_files import planned_files, write_export

    planned_files(output, TARGETS[to], force=force)
    from luthier.inference.player import load_player

    files = write_export(load_player(instrument), TARGETS[to], output, force=force)
    if json:
        print_json({"output": output, "format": to, "files": files})
    else:
        print("\n".join(map(str, files)))
