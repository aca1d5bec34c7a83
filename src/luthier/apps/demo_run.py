"""The main job on bundled recordings: a violin is learned, a passage played again, a singer turned into it.

demo/
  report.html              listen to everything here
  demo.png                 a held-out passage and what the instrument makes of it
  sounds/                  the WAVs of the page
  violin.safetensors       the instrument
  violin-run/              sounds, pictures and checkpoints of the training
  dataset/                 the prepared recording
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
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.held_out import learned_share
from luthier.evaluation.instrument_report import Entrant, heard, instrument_report
from luthier.evaluation.material import Clip, clips
from luthier.evaluation.plots import TrainingCurve, figure_to_png, plot_stft_comparison, spectrogram_pair
from luthier.evaluation.report import Report, ReportExample, write_report
from luthier.evaluation.scores import Evaluation
from luthier.inference.player import Player, load_player
from luthier.training.listening import Example, training_curve
from luthier.training.run import RunOptions, train
from luthier.training.run_folder import RunFolder


class DemoOptions(NamedTuple):
    """How the demo is carried out.

    Attributes:
        minutes: of training.
        say: told what is being done.
        run: how training reports.
    """

    minutes: float
    say: Callable[[str], None]
    run: RunOptions = RunOptions()


class DemoResult(NamedTuple):
    """What the demo leaves behind.

    Attributes:
        report: the page with everything.
        picture: of the held-out passage.
        instrument: the instrument file.
        sounds: name -> file.
        scores: on the held-out passages.
    """

    report: Path
    picture: Path
    instrument: Path
    sounds: dict[str, Path]
    scores: Evaluation


def run_demo(folder: Path, options: DemoOptions) -> DemoResult:
    """Do the main job in a folder that exists and is empty.

    Raises:
        OutputError: something cannot be written.
    """
    with as_file(files("luthier.apps") / "demo_audio") as recordings:
        return _run(folder, recordings / "violin.flac", recordings / "voice.flac", options)


def _run(folder: Path, violin: Path, voice: Path, options: DemoOptions) -> DemoResult:
    options.say(f"1/4  Preparing a minute of violin: {folder / 'dataset'}")
    prepare([violin], folder / "dataset", FeatureDefinition(), credit=VIOLIN_CREDIT, licence=VIOLIN_LICENCE, n_jobs=1)
    options.say(f"2/4  Training for {options.minutes:g} minutes")
    run = options.run._replace(examples=[Example(voice)])
    trained = train(
        folder / "dataset", folder / "violin.safetensors", options=run, minutes=options.minutes, windows_per_epoch=400
    )
    options.say("3/4  Playing: a held-out passage, the singer, the room")
    player, dataset = load_player(trained.output), Dataset.open(folder / "dataset")
    sounds = play_everything(player, dataset, voice)
    paths = save_sounds(folder / "sounds", sounds, player.sample_rate)
    options.say("4/4  Scoring and writing the report")
    curve = training_curve(RunFolder(trained.run_folder))
    picture = folder / "demo.png"
    picture.write_bytes(_picture(player, dataset, sounds, curve))
    scores = evaluate(player.instrument, dataset)
    share = learned_share(player.summary.learned_from, dataset, "test")
    entrant = Entrant("violin", player.instrument, scores, curve, share, verdict=trained.verdict)
    write_report(folder / "report.html", _report(player, dataset, sounds, entrant))
    return DemoResult(folder / "report.html", picture, trained.output, paths, scores)


def play_everything(player: Player, dataset: Dataset, voice: Path) -> dict[str, Tensor]:
    """The sounds of the demo by name, (1, n_samples) each, at the player's rate.

    Args:
        player: the instrument.
        dataset: whose first held-out passage is played again.
        voice: sound file of the singer.
    """
    rate = player.sample_rate
    passage = held_out_passage(dataset).audio
    sung, _ = load_audio(voice, rate)
    hall = hall_impulse_response(rate)
    return {
        "passage": passage,
        "passage-as-violin": player.resynth(passage, rate).audio,
        "passage-as-violin-dry": player.resynth(passage, rate, wet=0.0).audio,
        "passage-as-violin-in-a-hall": player.resynth(passage, rate, room=hall).audio,
        "voice": sung,
        "voice-as-violin": player.transfer(sung, rate).audio,
        "voice-as-violin-dry": player.transfer(sung, rate, wet=0.0).audio,
        "voice-as-violin-in-a-hall": player.transfer(sung, rate, room=hall).audio,
        "room": player.room().reshape(1, -1),
    }


def held_out_passage(dataset: Dataset) -> Clip:
    """The first seconds that were kept for testing."""
    clip = clips(dataset, "test")[0]
    n_frames = round(PASSAGE_SECONDS * dataset.definition.frame_rate)
    audio = clip.audio[:, : n_frames * dataset.definition.hop_length]
    return clip._replace(audio=audio, features=clip.features.map(lambda values: values[:, :n_frames]))


def _picture(player: Player, dataset: Dataset, sounds: dict[str, Tensor], curve: TrainingCurve | None) -> bytes:
    """The held-out passage, what the instrument makes of it, the course of the training, and the room."""
    rates = {"sample_rate": dataset.definition.sample_rate, "hop_length": dataset.definition.hop_length}
    figure = plot_stft_comparison(
        heard(sounds["passage"], **rates),
        heard(sounds["passage-as-violin"], **rates),
        training=curve,
        impulse_response=player.room(),
        **rates,
    )
    return figure_to_png(figure)


def _report(player: Player, dataset: Dataset, sounds: dict[str, Tensor], entrant: Entrant) -> Report:
    page = instrument_report(dataset, [entrant])
    rate = player.sample_rate
    return page._replace(
        title="The demo violin",
        summary="Learned from a minute of John Garner's violin. No passage on this page was used in training.",
        examples=[_sung_example(sounds, rate), _room_example(sounds, rate), *page.examples],
        credits=[*page.credits, VOICE_CREDIT],
    )


def _sung_example(sounds: dict[str, Tensor], sample_rate: int) -> ReportExample:
    pair = spectrogram_pair(sounds["voice"], sounds["voice-as-violin"], sample_rate=sample_rate)
    names = ("voice", "voice-as-violin", "voice-as-violin-dry", "voice-as-violin-in-a-hall")
    return ReportExample(
        title="A singer becomes a violin",
        players=[(name.replace("-", " "), sounds[name], sample_rate) for name in names],
        figures=[("voice above, violin below", figure_to_png(pair))],
        text="Melody and dynamics are the singer's; listen for the pitch in the glides and for silence in the rests.",
    )


def _room_example(sounds: dict[str, Tensor], sample_rate: int) -> ReportExample:
    names = ("passage-as-violin", "passage-as-violin-dry", "passage-as-violin-in-a-hall")
    return ReportExample(
        title="The same passage in its room, in none and in another",
        players=[(name.replace("-", " "), sounds[name], sample_rate) for name in names],
    )
