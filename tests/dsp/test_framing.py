from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier.dsp.framing import centred_frames, n_frames
from luthier.errors import RangeError


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_frames_stand_at_every_multiple_inside_the_clip(n_samples: int, hop_length: int) -> None:
    count = n_frames(n_samples, hop_length)
    assert count * hop_length >= n_samples
    assert (count - 1) * hop_length < n_samples


@pytest.mark.parametrize(("n_samples", "hop_length"), [(10, 0), (10, -1), (-1, 10)])
def test_impossible_counts_are_refused(n_samples: int, hop_length: int) -> None:
    with pytest.raises(RangeError, match="positive hop"):
        n_frames(n_samples, hop_length)


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 50))
def test_the_middle_of_each_window_lies_on_its_frame(n_samples: int, frame_length: int, hop_length: int) -> None:
    audio = torch.arange(1.0, n_samples + 1).unsqueeze(0)
    frames = centred_frames(audio, frame_length=frame_length, hop_length=hop_length)
    assert frames.shape == (1, n_frames(n_samples, hop_length), frame_length)
    assert torch.equal(frames[0, :, frame_length // 2], audio[0, ::hop_length])
    starts = [index * hop_length - frame_length // 2 for index in range(frames.shape[1])]
    inside = [[0 <= start + i < n_samples for i in range(frame_length)] for start in starts]
    assert torch.equal(frames[0] > 0, torch.tensor(inside))  # zeros outside the clip only
