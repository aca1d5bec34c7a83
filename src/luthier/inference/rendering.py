"""Playing features on an instrument, at constant memory for any length, in its room or another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.convolution import ConvolutionState, convolve_block
from luthier.dsp.signals import Controls, Features
from luthier.dsp.tone_spectrum import n_tone_bins, tone_spectrum, tone_spectrum_gain
from luthier.errors import RangeError, ShapeError
from luthier.model.instrument import Instrument, white_noise
from luthier.model.rooms import music_gain
from luthier.model.synths import State
from luthier.units import db_to_amplitude

NOISE_SEED = 0
BLOCK_FRAMES = 1024
"""Frames played at a time; at least 3, so that the first block has noise around its first frame."""
DIRECT_SHARE = float(db_to_amplitude(-20.0))
"""Of a room's strongest tap: the direct sound has at least this, silence before it has not."""
DIRECT_SECONDS = 0.001
"""From its rise to its peak."""
MOST_RAISED = float(db_to_amplitude(12.0))
"""A room that hardly answers to a melody's notes is made louder by this, not by any amount."""
FADED = float(db_to_amplitude(-60.0))
"""Against the loudest sample: what is left of a room is not heard any more."""


class RoomChoice(NamedTuple):
    """Where an instrument is heard.

    Attributes:
        impulse_response: another room than the instrument's own: (n_taps,), or (n_channels, n_taps) to hear it with
            several ears; None for its own.
        wet: 1 for the room as it is, 0 for the dry sound, between them a mix.
        rings_out: whether the room is heard after the last frame, too, until it has faded by 60 dB.
        tones: (n_bins,), power by frequency of what is played, see `played_tones`: on it the room is as loud as the dry
            sound; None where that is not known, then on the notes of the instrument, or another room on music.
    """

    impulse_response: Tensor | None = None
    wet: float = 1.0
    rings_out: bool = False
    tones: Tensor | None = None

    @property
    def n_channels(self) -> int:
        """Channels that are heard."""
        return 1 if self.impulse_response is None or self.impulse_response.ndim == 1 else len(self.impulse_response)


class Rendering(NamedTuple):
    """Played audio.

    Attributes:
        audio: (n_channels, n_samples); one channel unless the room has more.
        stems: the same shape: every synthesiser by its name, and `room`; their sum is the audio.
        sample_rate: Hz.
        controls: what was played, (1, n_frames, ...).
        features: what the instrument followed, (1, n_frames, 1).
    """

    audio: Tensor
    stems: dict[str, Tensor]
    sample_rate: int
    controls: Controls
    features: Features


EditControls = Callable[[Controls, slice], Controls]
"""Something that changes what is played in some frames of the clip before it is heard; called in order from the first."""


class RenderedBlock(NamedTuple):
    """A piece of played audio; pieces follow one another without a gap.

    Attributes:
        audio: (n_channels, n_samples).
        stems: the same shape, as in `Rendering`.
        controls: what the instrument decided meanwhile, (1, n_frames, ...).
    """

    audio: Tensor
    stems: dict[str, Tensor]
    controls: Controls


def render(
    instrument: Instrument,
    features: Features,
    room: RoomChoice = RoomChoice(),  # noqa: B008  immutable
    *,
    edit: EditControls | None = None,
    seed: int = NOISE_SEED,
) -> Rendering:
    """Play features on an instrument: the blocks of `render_blocks`, joined.

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
    blocks = list(render_blocks(instrument, features, room, edit=edit, seed=seed))
    return Rendering(
        audio=torch.cat([block.audio for block in blocks], dim=1),
        stems={name: torch.cat([block.stems[name] for block in blocks], dim=1) for name in blocks[0].stems},
        sample_rate=instrument.config.sample_rate,
        controls=Controls(*(torch.cat(parts, dim=1) for parts in zip(*(b.controls for b in blocks), strict=True))),
        features=features,
    )


@torch.no_grad()
def render_blocks(
    instrument: Instrument,
    features: Features,
    room: RoomChoice = RoomChoice(),  # noqa: B008  immutable
    *,
    edit: EditControls | None = None,
    seed: int = NOISE_SEED,
) -> Iterator[RenderedBlock]:
    """Play features on an instrument, `BLOCK_FRAMES` at a time, the same samples as at once.

    Arguments and errors as for `render`.

    Yields:
        Blocks of n_frames * hop_length samples in all; if the room rings out, another one without frames.
    """
    if not 0.0 <= room.wet <= 1.0:
        raise RangeError(f"wet {room.wet}: expected a number from 0 (dry) to 1 (the room as it is).")
    n_frames = features.f0_hz.shape[1]
    if n_frames == 0:
        raise ShapeError("features have no frames: expected at least one.")
    place = _Place.of(instrument, room)
    generator = torch.Generator().manual_seed(seed)
    decoder, echoes = instrument.start(1), ConvolutionState.start(place.n_channels, place.response)
    states: list[State] = []
    peak = torch.zeros(())
    for start in range(0, n_frames, BLOCK_FRAMES):
        frames = slice(start, min(start + BLOCK_FRAMES, n_frames))
        controls, decoder = instrument.controls_block(cut_frames(features, frames), decoder)
        controls = controls if edit is None else edit(controls, frames)
        following = _following(controls, is_first=start == 0, is_last=frames.stop == n_frames)
        noise = white_noise(1, following.f0_hz.shape[1] * instrument.config.hop_length, generator)
        states = states or [synth.start(controls, noise) for synth in instrument.synths]
        dry, states = _play(instrument, states, following, noise)
        stems, echoes = place.hear(dry, echoes)
        audio = torch.stack(list(stems.values())).sum(dim=0)
        peak = torch.maximum(peak, audio.abs().max())
        yield RenderedBlock(audio, stems, controls)
    audio = _until_faded(room.wet * echoes.tail, float(peak) * FADED)
    if room.rings_out and audio.shape[1] > 0:
        silent = {name: torch.zeros_like(audio) for name in stems}
        yield RenderedBlock(audio, silent | {"room": audio}, Controls(*(values[:, :0] for values in controls)))


@torch.no_grad()
def played_tones(instrument: Instrument, features: Features, edit: EditControls) -> Tensor:
    """Listen to what `render_blocks` is going to play for where its tones lie, in the network's time only.

    Args:
        instrument: what plays.
        features: (1, n_frames, 1) each, physical units.
        edit: changes the controls before they are played.

    Returns:
        (n_bins,), see `tone_spectrum`.
    """
    rate, decoder = instrument.config.sample_rate, instrument.start(1)
    tones = torch.zeros(n_tone_bins(rate))
    for start in range(0, features.f0_hz.shape[1], BLOCK_FRAMES):
        frames = slice(start, min(start + BLOCK_FRAMES, features.f0_hz.shape[1]))
        controls, decoder = instrument.controls_block(cut_frames(features, frames), decoder)
        tones += tone_spectrum(edit(controls, frames), rate)
    return tones


def _until_faded(audio: Tensor, smallest: float) -> Tensor:
    """The beginning of (n_channels, n_samples), up to the last sample that is larger."""
    loud = (audio.abs() > smallest).any(dim=0).nonzero()
    return audio[:, : int(loud[-1]) + 1 if len(loud) else 0]


def cut_frames(features: Features, frames: slice) -> Features:
    """Some frames of (batch, n_frames, 1) each."""
    return features.map(lambda values: values[:, frames])


def _following(controls: Controls, *, is_first: bool, is_last: bool) -> Controls:
    """The frames towards which a block plays: synthesisers start on the first, and the last is held for a hop."""
    return Controls(
        *(
            torch.cat([values[:, int(is_first) :], values[:, -1:] if is_last else values[:, :0]], dim=1)
            for values in controls
        )
    )


def _play(
    instrument: Instrument, states: list[State], following: Controls, noise: Tensor
) -> tuple[dict[str, Tensor], list[State]]:
    """One block of each synthesiser, by its name, and their new states."""
    dry: dict[str, Tensor] = {}
    after: list[State] = []
    for synth, state in zip(instrument.synths, states, strict=True):
        audio, new = synth.play(following, noise, state)
        dry[synth.synth.kind] = synth.synth.gain * audio
        after.append(new)
    return dry, after


class _Place(NamedTuple):
    """Where the synthesisers are heard.

    Attributes:
        gain: of the dry sound, a scalar.
        response: (n_taps,) or (n_channels, n_taps), what the room makes of a click of the synthesisers.
        wet: 0..1.
    """

    gain: Tensor
    response: Tensor
    wet: float

    @property
    def n_channels(self) -> int:
        """Channels that are heard."""
        return 1 if self.response.ndim == 1 else len(self.response)

    @classmethod
    def of(cls, instrument: Instrument, room: RoomChoice) -> _Place:
        """The instrument's own room, or another, in which it is as loud."""
        gain, rate = instrument.dry_gain(), instrument.config.sample_rate
        if room.impulse_response is None:
            response, louder = instrument.room.impulse_response(), gain
        else:
            response = normalised_room(room.impulse_response, rate)
            louder = music_gain(response, rate)
        if room.tones is not None and bool(room.tones.any()):
            found = tone_spectrum_gain(response, rate, room.tones)
            louder = found.clamp(louder / MOST_RAISED, louder * MOST_RAISED)
        return cls(gain, gain / louder * response if float(louder) else response, room.wet)

    def hear(self, dry: dict[str, Tensor], echoes: ConvolutionState) -> tuple[dict[str, Tensor], ConvolutionState]:
        """Scale the dry stems of a block and add a stem `room`: what the room adds to them."""
        dry = {name: stem.expand(self.n_channels, -1) for name, stem in dry.items()}
        played = torch.stack(list(dry.values())).sum(dim=0)
        wet, echoes = convolve_block(played, self.response, echoes)
        stems = {name: self.gain * stem for name, stem in dry.items()}
        return stems | {"room": self.wet * (wet - self.gain * played)}, echoes


def normalised_room(impulse_response: Tensor, sample_rate: int) -> Tensor:
    """Start a recorded room at its direct sound, not inverted, and give its strongest tap the amplitude one.

    Args:
        impulse_response: (n_taps,) or (n_channels, n_taps) as recorded, any level, silence before the direct sound
            allowed. The direct sound is where any channel first comes within 20 dB of the strongest tap, at its peak
            within a millisecond: in a large hall an echo may be stronger, and one ear hears it before the other.
        sample_rate: Hz.

    Returns:
        The same with n_taps - index of the direct sound.

    Raises:
        ShapeError: it does not have one axis or two, or no tap.
        RangeError: it is silent, or not finite.
    """
    if impulse_response.ndim not in (1, 2) or impulse_response.numel() == 0:
        raise ShapeError(
            f"the room has shape {tuple(impulse_response.shape)}: expected (n_taps,) or (n_channels, n_taps), "
            "at least one tap."
        )
    if not torch.isfinite(impulse_response).all():
        raise RangeError("the room's impulse response holds NaN or infinite samples. Mend the recording first.")
    ears = impulse_response.reshape(-1, impulse_response.shape[-1])
    loudest = ears.abs().max()
    if float(loudest) == 0.0:
        raise RangeError("the room's impulse response is silent. Expected a recording of a clap or a sweep's response.")
    # What rises above the threshold first may be the ringing of a filter before the direct sound: it peaks soon after.
    rises = int((ears.abs().amax(dim=0) >= DIRECT_SHARE * loudest).float().argmax())
    ear = ears[int(ears[:, rises].abs().argmax())]
    direct = rises + int(ear[rises : rises + round(DIRECT_SECONDS * sample_rate) + 1].abs().argmax())
    return impulse_response[..., direct:] / (loudest * ear[direct].sign())
