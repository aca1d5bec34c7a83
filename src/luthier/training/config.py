"""How an instrument is trained: loss, optimiser, schedule, windows, budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from luthier.errors import ConfigError
from luthier.model.config import FrozenConfig
from luthier.model.instrument_file import describe_validation


class SpectralWeights(FrozenConfig):
    """Weights of magenta's spectral loss; a term with weight 0 is not computed."""

    distance: Literal["l1", "l2", "cosine"] = Field("l1", description="how two spectra are compared")
    magnitude: float = Field(1.0, ge=0, description="weight of the linear magnitudes")
    log_magnitude: float = Field(1.0, ge=0, description="weight of the logarithms of the magnitudes")
    delta_time: float = Field(0.0, ge=0, description="weight of differences from frame to frame")
    delta_frequency: float = Field(0.0, ge=0, description="weight of differences from bin to bin")
    cumulative_frequency: float = Field(0.0, ge=0, description="weight of running sums over the bins")
    loudness: float = Field(0.0, ge=0, description="weight of the loudness in dB")


class TrainingConfig(FrozenConfig):
    """Everything that decides a training run but the instrument itself."""

    loss: Literal["mss", "mss_rel", "spectral"] = Field(
        "mss_rel", description="spectral distance: the assignment's, ours (safe on silence), or magenta's"
    )
    scales_in_turn: int = Field(
        1, ge=1, le=3, description="groups of window sizes of mss and mss_rel, compared one group a step: 1 is all"
    )
    loudness_weight: float = Field(
        0.0, ge=0, description="weight of the difference in loudness, for each dB, beside mss and mss_rel"
    )
    spectral: SpectralWeights = Field(SpectralWeights(), description="weights for loss = spectral")
    start: str = Field(
        "", max_length=100, description="network of the package that training starts from; empty: from chance"
    )
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Adam's step size at its largest")
    schedule: Literal["constant", "step", "exponential", "budget"] = Field(
        "budget", description="how the learning rate falls; budget: smoothly to a hundredth when the run ends"
    )
    weight_decay: float = Field(0.0, ge=0, le=10, description="AdamW's pull of the weights towards zero; 0: plain Adam")
    warmup_steps: int = Field(0, ge=0, description="steps over which the learning rate rises from zero")
    schedule_epochs: float = Field(2.0, gt=0, description="epochs between falls, for schedule = step")
    schedule_steps: int = Field(10000, gt=0, description="steps in which one factor is lost, for exponential")
    schedule_factor: float = Field(0.98, gt=0, le=1, description="factor of each fall")
    predicted_windows: float = Field(
        0.5, ge=0, le=1, description="share of a step's windows that are played with predicted expression"
    )
    predictor_weight: float = Field(
        0.1, ge=0, description="weight in the loss of the predictor's error, in standard deviations"
    )
    pitch_doubt: float = Field(
        0.0,
        ge=0,
        le=12,
        description="semitones, at most, by which the pitch that the network is told is wrong, in each window anew",
    )
    rest_weight: float = Field(
        0.0, ge=0, description="how quiet the player of a room of decaying_taps is kept in rests; 1 takes the tail away"
    )
    room_colour_weight: float = Field(
        0.0, ge=0, description="for each dB^2 by which the room colours the tone: the dry sound has the tone then"
    )
    gradient_clip: float = Field(3.0, ge=0, description="largest norm of the gradient; 0: not limited")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32", description="matrix products of the network; auto: bfloat16 where the processor is built for it"
    )
    batch_size: int = Field(8, ge=1, le=4096, description="windows in a step")
    processes: int = Field(
        1,
        ge=1,
        le=2,
        description="processes that share a step, if there are as many cores; 1: one, on as many threads as pay",
    )
    windows: Literal["random", "regular"] = Field("random", description="how windows are cut from the recordings")
    window_seconds: float = Field(2.0, gt=0, le=60, description="length of a window, s; rounded to whole frames")
    fill_windows: bool = Field(
        False, description="random windows that short recordings leave empty go on with others, after a rest"
    )
    window_step_seconds: float = Field(1.0, gt=0, le=60, description="distance of regular windows, s")
    windows_per_epoch: int = Field(1000, ge=1, description="random windows until the next validation")
    minutes: float | None = Field(None, gt=0, description="budget: time, min")
    steps: int | None = Field(None, ge=1, description="budget: steps")
    epochs: int | None = Field(None, ge=1, description="budget: epochs")
    refit: bool = Field(
        False, description="when all is learned, learn once more from the start, from the validation part, too"
    )
    patience: int = Field(0, ge=0, description="epochs without a better validation before stopping; 0: never")
    listen_every_epochs: int = Field(
        5, ge=0, description="epochs from one set of sounds and pictures to the next, beside the first epoch's; 0: none"
    )
    seed: int = Field(0, ge=0, le=2**63 - 1, description="of weights, windows and noise")


DEFAULT_MINUTES = 10.0
"""Budget of a run that names none."""


def training_config(table: Mapping[str, object]) -> TrainingConfig:
    """Check a `training` table; a run without a budget gets ten minutes.

    Raises:
        ConfigError: an unknown key, a wrong type, a value that is not allowed, or more than one budget.
    """
    try:
        config = TrainingConfig.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"training.{describe_validation(error)}") from error
    budgets = [name for name in ("minutes", "steps", "epochs") if getattr(config, name) is not None]
    if len(budgets) > 1:
        raise ConfigError(f"training: found budgets {' and '.join(budgets)}, expected one of minutes, steps, epochs.")
    return config if budgets else config.model_copy(update={"minutes": DEFAULT_MINUTES})
