"""The demo without training: a singer becomes every instrument that comes with the package.

demo/
  report.html      listen to everything here
  demo.png         the singer above, the first instrument below
  sounds/          the WAVs of the page
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from luthier.apps.demo_sounds import (
    PASSAGE_SECONDS,
    VIOLIN_CREDIT,
    VIOLIN_LICENCE,
    VOICE_CREDIT,
    hall_impulse_response,
    save_sounds,
)
from luthier.data.audio_files import load_audio
from luthier.evaluation.plots import figure_to_png, spectrogram_pair
from luthier.evaluation.report import Report, ReportExample, write_report
from luthier.inference.player import Player, load_player
from luthier.model.bundled import bundled_names

SAMPLE_RATE = 16000
"""Hz. Of the recordings: an instrument of a higher rate would take longer and sound no better with them."""
SOLOIST, OTHER = "violin", "alto-saxophone"
LOUDNESS_LUFS = -25.0
"""Soft enough that no instrument's peaks have to be turned down: all are equally loud."""


class QuickResult(NamedTuple):
    """What the demo leaves behind.

    Attributes:
        report: the page with everything.
        picture: of the voice and the violin.
        sounds: name -> file.
    """

    report: Path
    picture: Path
    sounds: dict[str, Path]


def run_quick_demo(folder: Path, say: Callable[[str], None]) -> QuickResult:
    """Play the bundled recordings with the bundled instruments, in a folder that exists and is empty.

    Args:
        folder: to write into.
        say: told what is being done.

    Raises:
        OutputError: something cannot be written.
    """
    players = bundled_players(SAMPLE_RATE)
    with as_file(files("luthier.apps") / "demo_audio") as recordings:
        voice, passage = (load_audio(recordings / f"{name}.flac", SAMPLE_RATE)[0] for name in ("voice", "violin"))
    say(f"1/2  A singer becomes: {', '.join(players)}")
    sung = {"voice": voice} | {f"voice-as-{name}": _sung(player, voice) for name, player in players.items()}
    say("2/2  In tune, in a hall, and a violin that becomes a saxophone")
    varied = _varied(players[SOLOIST], voice)
    passage = passage[:, : round(PASSAGE_SECONDS * SAMPLE_RATE)]
    crossed = {"passage": passage, f"passage-as-{OTHER}": _sung(players[OTHER], passage)}
    picture = folder / "demo.png"
    pair = spectrogram_pair(voice, sung[f"voice-as-{SOLOIST}"], sample_rate=SAMPLE_RATE)
    picture.write_bytes(figure_to_png(pair))
    paths = save_sounds(folder / "sounds", sung | varied | crossed, SAMPLE_RATE)
    examples = [
        _example("A singer becomes an instrument", sung, figures=[("voice above, violin below", picture.read_bytes())]),
        _example("The violin in tune, without its room, and in a hall", varied),
        _example("A violin becomes a saxophone", crossed),
    ]
    write_report(folder / "report.html", _page(examples, players))
    return QuickResult(folder / "report.html", picture, paths)


def bundled_players(sample_rate: int) -> dict[str, Player]:
    """The instruments that come with the package and have this sample rate, by name."""
    players = {name: load_player(name) for name in bundled_names()}
    return {name: player for name, player in players.items() if player.sample_rate == sample_rate}


def _sung(player: Player, audio: Tensor) -> Tensor:
    return player.transfer(audio, SAMPLE_RATE).at_level(lufs=LOUDNESS_LUFS).audio


def _varied(player: Player, voice: Tensor) -> dict[str, Tensor]:
    """The same melody, asked for in other ways."""
    in_tune = player.transfer(voice, SAMPLE_RATE, autotune=1.0, scale="auto").at_level(lufs=LOUDNESS_LUFS)
    hall = player.transfer(voice, SAMPLE_RATE, room=hall_impulse_response(SAMPLE_RATE)).at_level(lufs=LOUDNESS_LUFS)
    return {
        f"{SOLOIST}-in-tune": in_tune.audio,
        f"{SOLOIST}-in-tune-dry": in_tune.audio - in_tune.stems["room"],
        f"{SOLOIST}-in-a-hall": hall.audio,
    }


def _example(title: str, sounds: dict[str, Tensor], figures: list[tuple[str, bytes]] | None = None) -> ReportExample:
    players = [(name.replace("-", " "), audio, SAMPLE_RATE) for name, audio in sounds.items()]
    return ReportExample(title, players, figures or [])


def _page(examples: list[ReportExample], players: dict[str, Player]) -> Report:
    made = [f"{player.summary.title}: {player.summary.credit}. {player.summary.licence}" for player in players.values()]
    return Report(
        title="Instruments in the box",
        summary="Played by the instruments that come with luthier; nothing was trained for this page.",
        examples=examples,
        facts=[(name, f"{player.instrument.n_parameters:,} parameters") for name, player in players.items()],
        credits=[*made, VOICE_CREDIT, f"Passage: {VIOLIN_CREDIT}. Licence: {VIOLIN_LICENCE}"],
    )
