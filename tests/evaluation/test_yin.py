from __future__ import annotations

import torch

from evaluation.sounds import RATE, tone, white
from luthier.evaluation.yin import N_DIPS, OCTAVE_COST, Dips, Lags, best_dips, dip_near

LAGS = Lags.between(50.0, 2500.0, RATE)
WINDOW = tone(200.0)[:, 4000:4640]  # 40 ms, a period of 80 samples


def test_the_cheapest_dips_of_a_tone_are_its_period_and_multiples_of_it() -> None:
    dips = best_dips(WINDOW, LAGS)
    cheapest = dips.period[0, dips.cost[0].argsort()[:4]]
    assert torch.allclose(cheapest, torch.tensor([80.0, 160.0, 240.0, 320.0], dtype=torch.float64), atol=0.1)
    assert dips.depth[0, dips.cost[0].argmin()] < 0.01


def test_an_octave_lower_costs_as_much_as_less_depth() -> None:
    pair = Dips(torch.tensor([80.0, 160.0]), torch.tensor([0.0, 0.0]))
    assert torch.allclose(pair.cost.diff(), torch.tensor(OCTAVE_COST))


def test_silence_has_no_dips() -> None:
    dips = best_dips(torch.zeros(1, 640), LAGS)
    assert dips.depth.tolist() == [[1.0] * N_DIPS]
    assert torch.allclose(dips.period, torch.tensor(LAGS.longest / LAGS.density, dtype=torch.float64))


def test_fewer_lags_than_dips_wanted_are_enough() -> None:
    few = Lags.between(199.0, 201.0, RATE)
    assert best_dips(WINDOW, few).period.shape[1] == few.longest + 1 - few.shortest < N_DIPS


def test_a_rough_period_is_moved_to_the_dip_beside_it() -> None:
    found = dip_near(WINDOW, LAGS, torch.tensor([84.0], dtype=torch.float64))
    assert abs(float(found.period) - 80.0) < 0.1
    assert float(found.depth) < 0.01


def test_without_a_dip_beside_it_a_period_stays_and_is_not_believed() -> None:
    for window, period in ((WINDOW, 120.0), (torch.zeros(1, 640), 80.0)):
        assert dip_near(window, LAGS, torch.tensor([period], dtype=torch.float64)) == (period, 1.0)


def test_noise_is_nowhere_as_periodic_as_a_tone() -> None:
    assert best_dips(white(640), LAGS).depth.min() > 0.15
