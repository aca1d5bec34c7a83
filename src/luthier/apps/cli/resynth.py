"""`luthier resynth`: a clip played by an instrument as it is, for hearing what the instrument learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Dry, Force, Json, Room, SoundOutput, Stems, Wet
from luthier.apps.cli.output import print_json
from luthier.apps.cli.sounds import check_room, load_impulse_response, measure, refuse_stems, save_blocks, stem_names
from luthier.atomic import refuse_existing


def resynth(
    input_: Annotated[Path, typer.Argument(metavar="INPUT", help="Sound file to imitate.")],
    instrument: Annotated[Path, typer.Option("--with", help="Instrument file.")],
    output: SoundOutput,
    dry: Dry = False,
    room: Room = None,
    wet: Wet = 1.0,
    stems: Stems = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Play a recording of the same instrument again, note by note as it was."""
    check_room(dry=dry, room=room)
    refuse_existing(output, force=force)
    from luthier.inference.player import load_player
    from luthier.inference.rendering import RoomChoice, render_blocks

    player = load_player(instrument)
    if stems:
        refuse_stems(output, player, force=force)
    place = RoomChoice(load_impulse_response(room, player.sample_rate), 0.0 if dry else wet)
    blocks = render_blocks(player.instrument, measure(input_, player), place)
    names = stem_names(player) if stems else []
    parts = save_blocks(output, blocks, player.sample_rate, stems=names, force=force)
    if json:
        print_json({"output": output, "stems": parts, "sample_rate": player.sample_rate})
    else:
        print("\n".join(str(path) for path in (output, *parts)))
