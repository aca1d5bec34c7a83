"""Playing features on an instrument, at constant memory for any length, in its room or another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.convolution import fft_convolve
from luthier.dsp.signals import Controls, Features
from luthier.errors import RangeError, ShapeError
from luthier.model.instrument import Instrument, white_noise

NOISE_SEED = 0


class RoomChoice(NamedTuple):
    """Where an instrument is heard.

    Attributes:
        impulse_response: (n_taps,), another room than the instrument's own; None for its own.
        wet: 1 for the room as it is, 0 for the dry sound, between them a mix.
    """

    impulse_response: Tensor | None = None
    wet: float = 1.0


class Rendering(NamedTuple):
    """Played audio.

    Attributes:
        audio: (1, n_samples).
        stems: (1, n_samples) each: every synthesiser by its name, and `room`; their sum is the audio.
        sample_rate: Hz.
        controls: what was played, (1, n_frames, ...).
        features: what the instrument followed, (1, n_frames, 1).
    """

    audio: Tensor
    stems: dict[str, Tensor]
    sample_rate: int
    controls: Controls
    features: Features


EditControls = Callable[[Controls], Controls]
"""Something that changes what is played before it is heard."""


@torch.no_grad()
def render(
    instrument: Instrument,
    features: Features,
    room: RoomChoice = RoomChoice(),  # noqa: B008  immutable
    *,
    edit: EditControls | None = None,
    seed: int = NOISE_SEED,
) -> Rendering:
    """Play features on an instrument.

    Args:
        instrument: what plays.
        features: (1, n_frames, 1) each, physical units.
        room: where it is heard.
        edit: changes the controls before they are played.
        seed: of the noise.

    Raises:
        RangeError: `wet` is not between 0 and 1, or the room is silent or not finite.
        ShapeError: there is no frame to play, or the room is no impulse response.
    """
    if not 0.0 <= room.wet <= 1.0:
        raise RangeError(f"wet {room.wet}: expected a number from 0 (dry) to 1 (the room as it is).")
    if features.f0_hz.shape[1] == 0:
        raise ShapeError("features have no frames: expected at least one.")
    controls = instrument.controls(features)
    if edit is not None:
        controls = edit(controls)
    noise = white_noise(1, features.f0_hz.shape[1] * instrument.config.hop_length, torch.Generator().manual_seed(seed))
    stems = _in_room(instrument, instrument.stems(controls, noise), room)
    audio = torch.stack(list(stems.values())).sum(dim=0)
    return Rendering(audio, stems, instrument.config.sample_rate, controls, features)


def _in_room(instrument: Instrument, stems: dict[str, Tensor], room: RoomChoice) -> dict[str, Tensor]:
    """Scale the dry stems and add a stem `room`: what the room adds to them."""
    played = torch.stack(list(stems.values())).sum(dim=0)
    gain = instrument.room.direct_gain()
    dry = gain * played
    if room.impulse_response is None:
        wet = instrument.room(played)
    else:
        wet = fft_convolve(dry, normalised_room(room.impulse_response))
    return {name: gain * stem for name, stem in stems.items()} | {"room": room.wet * (wet - dry)}


def normalised_room(impulse_response: Tensor) -> Tensor:
    """Start a recorded room at its direct sound and give that the amplitude one.

    Args:
        impulse_response: (n_taps,) as recorded, any level, silence before the direct sound allowed.

    Returns:
        (n_taps - index of the direct sound,).

    Raises:
        ShapeError: it does not have one axis, or no tap.
        RangeError: it is silent, or not finite.
    """
    if impulse_response.ndim != 1 or len(impulse_response) == 0:
        raise ShapeError(f"the room has shape {tuple(impulse_response.shape)}: expected (n_taps,), at least one tap.")
    if not torch.isfinite(impulse_response).all():
        raise RangeError("the room's impulse response holds NaN or infinite samples. Mend the recording first.")
    peak = int(impulse_response.abs().argmax())
    if float(impulse_response[peak].abs()) == 0.0:
        raise RangeError("the room's impulse response is silent. Expected a recording of a clap or a sweep's response.")
    return impulse_response[peak:] / impulse_response[peak]
