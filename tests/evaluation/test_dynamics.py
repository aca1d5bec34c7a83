from __future__ import annotations

import math

import pytest
import torch

from evaluation.sounds import RATE, level, melody, tone, white
from luthier.errors import RangeError, ShapeError
from luthier.evaluation.dynamics import loudness_db_l1, rests_db


def distance(output: torch.Tensor, reference: torch.Tensor) -> float:
    return loudness_db_l1(output, reference, sample_rate=RATE).item()


def test_a_change_of_level_is_that_many_db() -> None:
    assert distance(level(-4) * melody(), melody()) == pytest.approx(4, abs=1e-3)
    assert distance(melody(), melody()) == 0


def test_silence_is_as_far_away_as_the_clip_is_loud() -> None:
    assert distance(torch.zeros_like(melody()), melody()) > 60


def test_another_timbre_of_the_same_loudness_is_near() -> None:
    bright, dull = tone(500, n_harmonics=12), tone(500, n_harmonics=2)
    same = dull * level(distance(bright, dull))  # the brighter one is louder throughout
    assert distance(bright, same) < 0.2


def test_rests_of_the_reference_do_not_count() -> None:
    reference = torch.cat([tone(440), torch.zeros(1, 2 * RATE)], dim=-1)
    output = reference.clone()
    output[:, -RATE:] = white(RATE, level=level(-50))
    assert distance(output, reference) == 0
    assert distance(reference, output) > 1


def test_each_clip_of_a_batch_is_measured_against_its_own_maximum() -> None:
    quiet = level(-70) * tone(440)
    both = loudness_db_l1(torch.cat([tone(440), 2 * quiet]), torch.cat([tone(440), quiet]), sample_rate=RATE)
    assert both.tolist() == pytest.approx([0, 6.02], abs=0.01)


@pytest.mark.parametrize("n_samples", [1, 63, 1500])
def test_short_clips_have_a_score(n_samples: int) -> None:
    clip = tone(440)[:, :n_samples] + 0.1
    assert distance(0.5 * clip, clip) == pytest.approx(6.02, abs=0.01)


def test_clips_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(RangeError):
        distance(torch.full((1, 3000), math.nan), torch.zeros(1, 3000))
    with pytest.raises(ShapeError):
        distance(torch.zeros(1, 2999), torch.zeros(1, 3000))


def test_what_sounds_in_a_rest_is_measured_against_the_loudest() -> None:
    reference = torch.cat([tone(440), torch.zeros(1, RATE), tone(440)], dim=1)
    hum = level(-50) * tone(440, seconds=3.0)
    assert rests_db(reference, reference, sample_rate=RATE).item() < -150
    assert rests_db(reference + hum, reference, sample_rate=RATE).item() == pytest.approx(-50, abs=1)
    assert rests_db(tone(440, seconds=3.0), reference, sample_rate=RATE).item() == pytest.approx(0, abs=1)
    assert math.isnan(rests_db(reference, tone(440, seconds=3.0), sample_rate=RATE).item())
    assert math.isnan(rests_db(torch.zeros_like(reference), reference, sample_rate=RATE).item())
    breath, rest = (torch.cat([tone(440), torch.zeros(1, n_ms * RATE // 1000), tone(440)], dim=1) for n_ms in (90, 150))
    assert math.isnan(rests_db(breath, breath, sample_rate=RATE).item())
    assert rests_db(rest, rest, sample_rate=RATE).item() < -150
