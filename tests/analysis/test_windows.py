from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from luthier.analysis.windows import WindowRule, cut_windows, stretches, window_lengths

RULE = WindowRule(periods=4.0, shortest_seconds=0.016, longest_seconds=0.096)


def test_windows_hold_the_periods_within_the_limits() -> None:
    f0_hz = torch.tensor([10.0, 60.0, 150.0, 5000.0])
    seconds = window_lengths(f0_hz, RULE, 16000) / 16000
    assert (seconds[1:] * f0_hz[1:] >= 3.99).all()
    assert seconds[0] < 0.14
    assert abs(float(seconds[3]) - 0.016) < 1e-6


def test_every_frame_is_in_one_group_of_a_stretch_that_holds_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.analysis.windows.FRAMES_AT_ONCE", 4)
    lengths, hop_length, reach = torch.tensor([4, 8, 4, 4, 8, 4]), 10, 25
    audio = torch.arange(1.0, 59.0)
    seen = []
    for stretch, first, groups in stretches(audio, lengths, hop_length, reach):
        whole = F.pad(audio, (100, 100))[100 + first :][: len(stretch)]
        torch.testing.assert_close(stretch, whole)
        for length, frames in groups:
            assert (lengths[frames] == length).all()
            assert int(frames.min()) * hop_length - reach >= first
            assert int(frames.max()) * hop_length + reach <= first + len(stretch)
            seen += frames.tolist()
    assert sorted(seen) == list(range(6))


def test_the_middle_of_a_window_is_its_centre_and_the_outside_is_marked() -> None:
    audio = torch.arange(1.0, 11.0)
    windows, inside = cut_windows(audio, torch.tensor([0, 5, 9]), 4)
    assert windows[:, 2].tolist() == [1.0, 6.0, 10.0]
    torch.testing.assert_close(inside, (windows > 0).float())
