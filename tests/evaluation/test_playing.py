from __future__ import annotations

import torch

from luthier.data.dataset import Dataset
from luthier.dsp.convolution import fft_convolve
from luthier.evaluation.material import clips
from luthier.evaluation.playing import play_controls, play_instrument, play_without_room
from luthier.model.instrument import Instrument


def test_a_seed_stands_for_one_noise(instrument: Instrument, dataset: Dataset) -> None:
    features = clips(dataset, "test")[0].features
    with torch.no_grad():
        once, again, other = (play_instrument(instrument, features, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.allclose(once, other)
    assert once.shape == (1, features.f0_hz.shape[1] * instrument.config.hop_length)


def test_without_the_room_and_put_back_into_it_is_the_instrument(instrument: Instrument, dataset: Dataset) -> None:
    features = clips(dataset, "test")[0].features
    with torch.no_grad():
        wet = play_instrument(instrument, features, seed=1)
        dry = play_without_room(instrument, features, seed=1)
        bare_dry = dry / instrument.dry_gain()
        back = fft_convolve(bare_dry, instrument.room.impulse_response())
        bare = play_controls(instrument.controls(features), sample_rate=16000, hop_length=160, seed=1)
    # This instrument's synthesisers have gain one.
    torch.testing.assert_close(back, wet, atol=1e-5, rtol=0)
    torch.testing.assert_close(bare, bare_dry, atol=1e-5, rtol=0)
