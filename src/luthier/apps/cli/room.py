"""`luthier room`: the room of an instrument, alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import INSTRUMENT, Force, Json, SoundOutput
from luthier.apps.cli.output import print_json
from luthier.apps.cli.places import refuse_overwriting


def room(
    instrument: Annotated[Path, typer.Argument(help=INSTRUMENT)],
    output: SoundOutput,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write the room that was learned: its impulse response, a clap in it."""
    refuse_overwriting([output], [instrument], force=force)
    from luthier.data.audio_files import save_audio
    from luthier.inference.player import load_player

    player = load_player(instrument)
    impulse_response = player.room()
    save_audio(output, impulse_response, player.sample_rate, force=force)
    if json:
        print_json({"output": output, "sample_rate": player.sample_rate, "n_taps": impulse_response.shape[-1]})
    else:
        print(output)
