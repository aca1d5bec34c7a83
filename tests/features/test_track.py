from __future__ import annotations

import pytest
import torch

from luthier.features.track import DEFAULT_F0_HZ, JoinedTrack, Track, read_track


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


def test_reading_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    track = Track(torch.rand(50) * 400.0 + 100.0, torch.rand(50), 256)
    positions = torch.arange(100) * 130.0
    whole = read_track(track, positions)
    monkeypatch.setattr("luthier.features.track.FRAMES_AT_ONCE", 7)
    for piecewise, once in zip(read_track(track, positions), whole, strict=True):
        torch.testing.assert_close(piecewise, once, rtol=0.0, atol=0.0)


def test_parts_are_joined_in_order_and_copied() -> None:
    whole, parts = JoinedTrack(256, 5 * 256), [Track(torch.rand(n), torch.rand(n), 256) for n in (2, 3)]
    for part in parts:
        whole.append(part)
    f0_hz, periodicity = (torch.cat(values) for values in zip(*(part[:2] for part in parts), strict=True))
    parts[0].f0_hz.zero_()
    joined = whole.track()
    torch.testing.assert_close(joined.f0_hz, f0_hz)
    torch.testing.assert_close(joined.periodicity, periodicity)
    assert joined.step_samples == 256
