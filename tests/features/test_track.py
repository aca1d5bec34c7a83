from __future__ import annotations

import torch

from luthier.features.track import DEFAULT_F0_HZ, Track, read_track


def test_gaps_are_crossed_in_octaves_and_ends_held() -> None:
    rough_hz, periodicity = torch.full((13,), 999.0), torch.full((13,), 0.1)
    rough_hz[[2, 10]], periodicity[[2, 10]] = torch.tensor([100.0, 400.0]), 0.9
    f0_hz, read_periodicity = read_track(Track(rough_hz, periodicity, 256), torch.arange(13) * 256.0)
    torch.testing.assert_close(f0_hz[[0, 2, 6, 10, 12]], torch.tensor([100.0, 100.0, 200.0, 400.0, 400.0]))
    torch.testing.assert_close(read_periodicity, periodicity)


def test_one_note_leaps_to_the_next_and_a_slide_is_a_line() -> None:
    track = Track(torch.tensor([100.0, 100.0, 200.0, 200.0, 204.0]), torch.ones(5), 100)
    f0_hz, _ = read_track(track, torch.tensor([140.0, 160.0, 350.0, 900.0]))
    torch.testing.assert_close(f0_hz, torch.tensor([100.0, 200.0, (200.0 * 204.0) ** 0.5, 204.0]))


def test_positions_between_steps_are_interpolated() -> None:
    track = Track(torch.tensor([100.0, 104.0]), torch.tensor([0.6, 1.0]), 256)
    f0_hz, periodicity = read_track(track, torch.tensor([128.0, 10000.0]))
    torch.testing.assert_close(f0_hz, torch.tensor([1.04**0.5 * 100.0, 104.0]))
    torch.testing.assert_close(periodicity, torch.tensor([0.8, 1.0]))


def test_a_clip_without_pitch_gets_the_default() -> None:
    f0_hz, periodicity = read_track(Track(torch.tensor([50.0]), torch.tensor([0.4]), 256), torch.zeros(3))
    assert (f0_hz == DEFAULT_F0_HZ).all()
    assert (periodicity == 0).all()
