from __future__ import annotations

import torch
from torch.autograd import gradcheck

from luthier.dsp.interpolation import following_frames, upsample_linear
from reference import draw_lines


def test_lines_start_on_the_previous_frame() -> None:
    frames = torch.tensor([[[4.0], [0.0]]])
    lines = upsample_linear(frames, torch.zeros(1, 1, 1), hop_length=4)
    assert lines.flatten().tolist() == [0, 1, 2, 3, 4, 3, 2, 1]


def test_a_whole_clip_is_numpy_interpolation() -> None:
    frames = torch.rand(2, 9, 3, dtype=torch.float64)
    lines = upsample_linear(following_frames(frames), frames[:, :1], hop_length=7)
    for clip in range(2):
        for channel in range(3):
            expected = torch.from_numpy(draw_lines(frames[clip, :, channel].numpy(), 7))
            assert torch.allclose(lines[clip, :, channel], expected, atol=1e-14)


def test_gradient_is_the_derivative() -> None:
    frames, previous = torch.rand(2, 3, 2).double().requires_grad_(), torch.rand(2, 1, 2).double().requires_grad_()
    assert gradcheck(lambda f, p: upsample_linear(f, p, hop_length=5), (frames, previous))


def test_following_frames_hold_the_last() -> None:
    assert following_frames(torch.arange(3.0).view(1, 3, 1)).flatten().tolist() == [1, 2, 2]
    assert following_frames(torch.ones(2, 1, 4)).shape == (2, 1, 4)
