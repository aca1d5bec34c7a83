"""`luthier resynth`: a clip played by an instrument as it is, for hearing what the instrument learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Dry, Force, Json, Room, SoundOutput, Stems, Wet
from luthier.apps.cli.output import print_json
from luthier.apps.cli.sounds import check_room, load_impulse_response, refuse_stems, save_stems
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
    from luthier.data.audio_files import load_audio, save_audio
    from luthier.inference.player import load_player

    player = load_player(instrument)
    if stems:
        refuse_stems(output, player, force=force)
    audio, sample_rate = load_audio(input_)
    impulse_response = load_impulse_response(room, player.sample_rate)
    rendering = player.resynth(audio, sample_rate, room=impulse_response, wet=0.0 if dry else wet)
    save_audio(output, rendering.audio, rendering.sample_rate, force=force)
    parts = save_stems(output, rendering.stems, rendering.sample_rate, force=force) if stems else []
    if json:
        print_json({"output": output, "stems": parts, "sample_rate": rendering.sample_rate})
    else:
        print("\n".join(str(path) for path in (output, *parts)))
