from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dsp.blocks import play_in_blocks
from luthier.dsp.convolution import ConvolutionState, convolve_block, fft_convolve
from luthier.errors import ShapeError
from reference import difference_db


def white(*shape: int) -> Tensor:
    return torch.rand(*shape) * 2 - 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 4000), st.booleans())
def test_equals_numpy_cut_to_the_input(n_samples: int, n_taps: int, a_room_each: bool) -> None:
    audio, room = white(2, n_samples), white(2, n_taps) if a_room_each else white(n_taps)
    found = fft_convolve(audio, room)
    for clip, taps, heard in zip(audio, room.expand(2, -1), found, strict=True):
        expected = np.convolve(clip.double(), taps.double())[:n_samples]
        assert np.abs(heard.numpy() - expected).max() < 1e-5 * max(1.0, float(np.abs(expected).max()))


def test_an_impulse_in_a_room_is_the_room() -> None:
    impulse, room = torch.zeros(1, 100), white(40)
    impulse[0, 10] = 1.0
    heard = fft_convolve(impulse, room)[0]
    assert torch.allclose(heard[10:50], room, atol=1e-6)
    assert heard[:10].abs().max() < 1e-6  # causal
    assert heard[50:].abs().max() < 1e-6


@pytest.mark.parametrize("block", [1, 3, 160, 999, 4000])
@pytest.mark.parametrize("n_taps", [1, 2, 500, 2500])
def test_blocks_of_any_length_equal_the_whole(block: int, n_taps: int) -> None:
    n_samples = 600 if block == 1 else 4000
    audio, room = white(2, n_samples), white(n_taps) * torch.exp(-torch.arange(n_taps) / 300)
    blocks = play_in_blocks(
        lambda place, state: convolve_block(audio[:, place], room, state),
        ConvolutionState.start(2, room),
        n_samples,
        block,
    )
    assert (blocks - fft_convolve(audio, room)).abs().max() < 1e-5


def test_the_tail_is_what_still_sounds_after_the_end() -> None:
    audio, room = white(1, 100), white(300)
    heard, state = convolve_block(audio, room, ConvolutionState.start(1, room))
    expected = np.convolve(audio[0].double(), room.double())
    assert difference_db(torch.cat([heard, state.tail], dim=1)[0], expected) < -110


@pytest.mark.parametrize("room_shape", [(9,), (2, 9), (4,)])
@pytest.mark.parametrize("learned", [(True, True), (True, False), (False, True)], ids=["both", "audio", "room"])
def test_gradient_is_the_derivative(room_shape: tuple[int, ...], learned: tuple[bool, bool]) -> None:
    audio, room = white(2, 7).double(), white(*room_shape).double()
    for value, wanted in zip((audio, room), learned, strict=True):
        value.requires_grad_(wanted)
    assert torch.autograd.gradcheck(fft_convolve, (audio, room))


def test_gradient_through_a_block_and_its_tail_is_the_derivative() -> None:
    audio, room, tail = (white(*shape).double().requires_grad_() for shape in ((2, 5), (4,), (2, 3)))

    def sounding(audio: Tensor, room: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        heard, state = convolve_block(audio, room, ConvolutionState(tail))
        return heard, state.tail

    assert torch.autograd.gradcheck(sounding, (audio, room, tail))


@pytest.mark.parametrize("room_shape", [(1600,), (3, 1600)])
def test_gradients_in_single_precision_equal_those_of_torch(room_shape: tuple[int, ...]) -> None:
    audio, room, outer = white(3, 3200), white(*room_shape), white(3, 3200)
    results = []
    for convolve, dtype in ((fft_convolve, torch.float32), (plain_convolution, torch.float64)):
        inputs = [value.to(dtype).detach().clone().requires_grad_() for value in (audio, room)]
        results.append(torch.autograd.grad((convolve(*inputs) * outer.to(dtype)).sum(), inputs))
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == torch.float32
        assert difference_db(ours, theirs) < -110


def plain_convolution(audio: Tensor, room: Tensor) -> Tensor:
    n_fft = audio.shape[-1] + room.shape[-1]
    spectrum = torch.fft.rfft(audio, n=n_fft) * torch.fft.rfft(room, n=n_fft)
    return torch.fft.irfft(spectrum, n=n_fft)[..., : audio.shape[-1]]


@pytest.mark.parametrize("room", [torch.zeros(0), torch.zeros(3, 5)], ids=["no taps", "three rooms for two clips"])
def test_rooms_that_do_not_fit_are_refused(room: Tensor) -> None:
    with pytest.raises(ShapeError, match="expected"):
        fft_convolve(white(2, 10), room)
