"""`luthier resynth`: a clip played by an instrument as it is, for hearing what the instrument learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import INSTRUMENT, Dry, Force, Gain, Json, Lufs, Room, SoundOutput, Stems, Wet
from luthier.apps.cli.output import print_json
from luthier.apps.cli.places import refuse_overwriting
from luthier.apps.cli.sounds import (
    Level,
    check_sound,
    load_room,
    measure,
    save_blocks,
    stem_names,
    stem_paths,
)


def resynth(
    input_: Annotated[Path, typer.Argument(metavar="INPUT", help="Sound file to imitate.")],
    instrument: Annotated[Path, typer.Option("--with", help=INSTRUMENT)],
    output: SoundOutput,
    dry: Dry = False,
    room: Room = None,
    wet: Wet = 1.0,
    gain: Gain = 0.0,
    lufs: Lufs = None,
    stems: Stems = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Play a recording of the same instrument again, note by note as it was."""
    check_sound(dry=dry, room=room, wet=wet, level=Level(gain, lufs))
    refuse_overwriting([output], [input_, room], force=force)
    from luthier.inference.player import load_player
    from luthier.inference.rendering import RoomChoice, render_blocks

    player = load_player(instrument)
    if stems:
        refuse_overwriting([output, *stem_paths(output, stem_names(player))], [input_, room], force=force)
    response = load_room(room, player.sample_rate)
    place = RoomChoice(response, 0.0 if dry else wet, rings_out=True)
    saved = save_blocks(
        output,
        render_blocks(player.instrument, measure(input_, player), place),
        player.sample_rate,
        level=Level(gain, lufs),
        stems=stem_names(player) if stems else (),
        n_channels=place.n_channels,
        force=force,
    )
    if json:
        print_json({"output": output, "stems": saved.stems, "sample_rate": player.sample_rate, "lufs": saved.lufs})
    else:
        print("\n".join(str(path) for path in (output, *saved.stems)))
