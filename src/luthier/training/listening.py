"""Hearing and seeing a run as it goes: the same validation clip and the user's examples, again and again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure
from matplotlib.image import imread
from torch import Tensor

from luthier.data.audio_files import load_audio, save_audio
from luthier.data.dataset import Dataset
from luthier.data.windows import sequential_windows
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.dsp.signals import Features
from luthier.evaluation.plots import Heard, TrainingCurve, figure_to_png, plot_stft_comparison, room_plot, waveforms
from luthier.features.extract import extract_features
from luthier.model.instrument import Instrument, white_noise
from luthier.training.module import TrainingModule
from luthier.training.run_folder import RunFolder, read_log, read_moments
from luthier.training.verdict import judge, say_verdict
from luthier.units import semitones_to_ratio

CLIP_SECONDS = 8.0
"""Length of the validation clip that is rendered, at most."""
EXAMPLE_SECONDS = 30.0
"""Length of an example that is rendered, at most."""
NOISE_SEED = 3


class Clip(NamedTuple):
    """Something to play with the instrument.

    Attributes:
        name: of its files.
        audio: (1, n_samples), what was recorded.
        features: (1, n_frames, 1) each, what the instrument is to follow.
    """

    name: str
    audio: Tensor
    features: Features


class Example(NamedTuple):
    """A user's clip to follow a run by.

    Attributes:
        path: of the recording.
        semitones: by how much its pitch is shifted for the instrument.
    """

    path: Path
    semitones: float = 0.0


def parse_example(text: str) -> Example:
    """Read `PATH` or `PATH@SEMITONES`, for example voice.wav@12."""
    path, separator, shift = text.rpartition("@")
    try:
        return Example(Path(path), float(shift)) if separator else Example(Path(text))
    except ValueError:
        return Example(Path(text))


def get_example(example: Example, definition: FeatureDefinition) -> Clip:
    """Measure a clip of another sound, so that an instrument can play it.

    Its loudness is normalised later, by the instrument itself, with the statistics of the training material.

    Raises:
        AudioFileError: the recording cannot be read.
    """
    audio, _ = load_audio(example.path, definition.sample_rate)
    audio = audio[:, : round(EXAMPLE_SECONDS * definition.sample_rate)]
    features = extract_features(audio, definition)
    shifted = features._replace(f0_hz=features.f0_hz * semitones_to_ratio(example.semitones))
    return Clip(example.path.stem, audio, shifted)


def validation_clip(dataset: Dataset) -> Clip:
    """The loudest stretch of the validation part: it always says something."""
    length = max(1, round(CLIP_SECONDS * dataset.definition.frame_rate))
    windows = list(sequential_windows(dataset, split="validation", n_frames=length))
    chosen = max(windows, key=lambda placed: float(placed.batch.audio.square().mean()))
    n_valid = chosen.blocks[0].n_frames
    audio = chosen.batch.audio[:, : n_valid * dataset.definition.hop_length]
    return Clip("validation", audio, chosen.batch.features.map(lambda value: value[:, :n_valid]))


@torch.no_grad()
def play_clip(instrument: Instrument, clip: Clip) -> Tensor:
    """Play a clip's features on the instrument: (1, n_samples), always with the same noise."""
    hop_length = instrument.config.hop_length
    n_samples = n_frames(clip.audio.shape[-1], hop_length) * hop_length
    noise = white_noise(1, n_samples, torch.Generator().manual_seed(NOISE_SEED))
    device = next(instrument.parameters()).device
    features = clip.features.map(lambda value: value.to(device))
    return instrument(features, noise.to(device)).cpu()[:, : clip.audio.shape[-1]]


class Listener(Callback):
    """After the first epoch, and then every few: WAVs and pictures into the run's folder and into TensorBoard."""

    def __init__(self, folder: RunFolder, clips: list[Clip], every_epochs: int) -> None:
        self.folder, self.clips, self.every_epochs = folder, clips, every_epochs
        self.validations = 0

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Render when it is time, and at the end: the first time tells a budget of minutes how long the last takes."""
        assert isinstance(module, TrainingModule)
        if not (self.every_epochs and trainer.is_global_zero):
            return
        self.validations += 1
        if not (trainer.should_stop or self._is_due(module)):
            return
        began = module.seconds
        self._listen(trainer, module)
        module.note_listening(module.seconds - began)

    def _is_due(self, module: TrainingModule) -> bool:
        """Whether it is time, and time is left to do it again at the end."""
        has_time = module.progress(later_seconds=module.listening_seconds).budget_used < 1.0
        return has_time and (self.validations == 1 or self.validations % self.every_epochs == 0)

    def _listen(self, trainer: lightning.Trainer, module: TrainingModule) -> None:
        epoch = round(module.progress().epoch)
        for clip in self.clips:
            self._render(clip, trainer, module, epoch)
        if isinstance(trainer.logger, TensorBoardLogger):
            impulse_response = module.instrument.room.impulse_response().detach().cpu()
            figure = room_plot(impulse_response, sample_rate=module.instrument.config.sample_rate)
            _add_picture(trainer.logger, "room", figure_to_png(figure), module.counter.steps)

    def _render(self, clip: Clip, trainer: lightning.Trainer, module: TrainingModule, epoch: int) -> None:
        instrument, folder = module.instrument, self.folder.audio(epoch)
        sample_rate = instrument.config.sample_rate
        output = play_clip(instrument, clip)
        picture = figure_to_png(self._figure(clip, output, instrument))
        save_audio(folder / f"{clip.name}.wav", output, sample_rate, force=True)
        (folder / f"{clip.name}.png").write_bytes(picture)
        if isinstance(trainer.logger, TensorBoardLogger):
            board, step = trainer.logger.experiment, module.counter.steps
            _add_picture(trainer.logger, f"{clip.name}/comparison", picture, step)
            both = waveforms({"recording": clip.audio, "instrument": output}, sample_rate=sample_rate)
            _add_picture(trainer.logger, f"{clip.name}/waveforms", figure_to_png(both), step)
            board.add_audio(f"{clip.name}/instrument", output.clamp(-1, 1), step, sample_rate=sample_rate)
            board.add_audio(f"{clip.name}/recording", clip.audio.clamp(-1, 1), step, sample_rate=sample_rate)

    def _figure(self, clip: Clip, output: Tensor, instrument: Instrument) -> Figure:
        return plot_stft_comparison(
            Heard(clip.audio, clip.features),
            Heard(output),
            sample_rate=instrument.config.sample_rate,
            hop_length=instrument.config.hop_length,
            training=training_curve(self.folder),
            impulse_response=instrument.room.impulse_response().detach().cpu(),
        )


def training_curve(folder: RunFolder) -> TrainingCurve | None:
    """The losses of a run so far; None before the second validation."""
    rows = read_log(folder)
    if len(rows) < 2:
        return None
    steps, last = [row["step"] for row in rows], rows[-1]["scores"]
    return TrainingCurve(
        steps,
        [row["train_mss"] for row in rows],
        steps,
        [row["scores"]["mss"] for row in rows],
        floor=last["mss_floor"],
        oracle=last.get("mss_oracle"),
    )


def training_verdict(folder: RunFolder) -> str:
    """Whether more training would help a run that is over, in words; empty where no run is to be found."""
    moments = read_moments(folder)
    return say_verdict(judge(moments), is_over=True) if moments else ""


def _add_picture(board: TensorBoardLogger, tag: str, png: bytes, step: int) -> None:
    """As an image: TensorBoard's own `add_figure` would import matplotlib's global state, and draw once more."""
    pixels = imread(io.BytesIO(png))[..., :3]
    board.experiment.add_image(tag, pixels, step, dataformats="HWC")
