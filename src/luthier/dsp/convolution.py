"""Playing audio in a room: convolution with an impulse response, whole or in blocks."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor
from torch.autograd.function import once_differentiable

from luthier.errors import ShapeError


class ConvolutionState(NamedTuple):
    """What one block of a convolution hands to the next.

    Attributes:
        tail: (batch, n_taps - 1), what past input still has to say.
    """

    tail: Tensor

    @classmethod
    def start(cls, batch: int, impulse_response: Tensor) -> ConvolutionState:
        """A silent room."""
        return cls(impulse_response.new_zeros(batch, impulse_response.shape[-1] - 1))


def fft_convolve(audio: Tensor, impulse_response: Tensor) -> Tensor:
    """Play audio in a room: causal convolution, cut to the length of the input.

    Args:
        audio: (batch, n_samples), any level.
        impulse_response: (n_taps,) or (batch, n_taps); tap 0 is the direct sound.

    Returns:
        (batch, n_samples); what sounds after the last sample is dropped, see `convolve_block` to keep it.

    Raises:
        ShapeError: the batch sizes differ, or there is no tap.

    Source: convolution theorem; equals `numpy.convolve(audio, impulse_response)[:n_samples]`.
    """
    taps = impulse_response[..., : audio.shape[-1]]  # later taps cannot be heard before the cut
    return _full_convolution(audio, taps)[..., : audio.shape[-1]]


def convolve_block(audio: Tensor, impulse_response: Tensor, state: ConvolutionState) -> tuple[Tensor, ConvolutionState]:
    """Play the next block of audio in a room, past blocks still sounding.

    Args:
        audio: (batch, n_samples), a block of any length.
        impulse_response: (n_taps,), the same in every block.
        state: `ConvolutionState.start(...)` or what the last block returned.

    Returns:
        (batch, n_samples) and the new state, whose tail is the sound after the block's end.

    Raises:
        ShapeError: the batch sizes differ, or there is no tap.

    Source: overlap-add (Oppenheim and Schafer, Discrete-Time Signal Processing, section 8.7).
    """
    n_samples, n_tail = audio.shape[-1], state.tail.shape[-1]
    sounding = _full_convolution(audio, impulse_response)
    sounding = sounding + F.pad(state.tail, (0, n_samples))[..., : sounding.shape[-1]]
    return sounding[..., :n_samples], ConvolutionState(sounding[..., n_samples : n_samples + n_tail])


def _full_convolution(audio: Tensor, impulse_response: Tensor) -> Tensor:
    """(batch, n_samples + n_taps - 1): everything that is heard."""
    if impulse_response.shape[-1] == 0 or (impulse_response.ndim == 2 and len(impulse_response) != len(audio)):
        raise ShapeError(
            f"impulse_response has shape {tuple(impulse_response.shape)} for audio {tuple(audio.shape)}: "
            "expected (n_taps,) or (batch, n_taps) with at least one tap."
        )
    return _Convolution.apply(audio, impulse_response)


class _Convolution(torch.autograd.Function):
    """Its gradients are correlations: a product with the other's conjugate spectrum, of real signals all the way.

    The backward passes of torch's own real transforms fill up to a complex one of full length: three times the work.
    Clips and room go through one transform together, since that of a single row takes longer than that of five.
    """

    @staticmethod
    def forward(ctx: Any, audio: Tensor, impulse_response: Tensor) -> Tensor:
        n_samples, n_taps = audio.shape[-1], impulse_response.shape[-1]
        n_fft = next_fast_len(n_samples + n_taps - 1, real=True)
        rooms = impulse_response.reshape(-1, n_taps)
        padded = audio.new_zeros(len(audio) + len(rooms), n_fft)
        padded[: len(audio), :n_samples] = audio
        padded[len(audio) :, :n_taps] = rooms
        spectra = torch.fft.rfft(padded)
        ctx.save_for_backward(spectra)
        ctx.shapes = audio.shape, impulse_response.shape, n_fft
        sounding = torch.fft.irfft(spectra[: len(audio)] * spectra[len(audio) :], n=n_fft)
        return sounding[..., : n_samples + n_taps - 1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (spectra,) = ctx.saved_tensors
        audio_shape, room_shape, n_fft = ctx.shapes
        n_clips, n_rooms = audio_shape[0], len(spectra) - audio_shape[0]
        outer_spectrum = torch.fft.rfft(outer, n=n_fft)
        products = []
        if ctx.needs_input_grad[0]:
            products.append(outer_spectrum * spectra[n_clips:].conj())
        if ctx.needs_input_grad[1]:
            by_clip = outer_spectrum * spectra[:n_clips].conj()
            products.append(by_clip.sum(dim=0, keepdim=True) if n_rooms == 1 else by_clip)  # one room for all clips
        gradients = torch.fft.irfft(torch.cat(products), n=n_fft)
        by_audio = gradients[:n_clips, : audio_shape[-1]] if ctx.needs_input_grad[0] else None
        by_room = gradients[-n_rooms:, : room_shape[-1]] if ctx.needs_input_grad[1] else None
        return by_audio, None if by_room is None else by_room.reshape(room_shape)
