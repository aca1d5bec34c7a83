"""Audio as other libraries hand it over."""

import numpy as np
import pytest
import torch

from luthier.dsp.samples import as_samples
from luthier.errors import RangeError

WAVE = np.sin(np.arange(200) * 0.1) * 0.9


@pytest.mark.parametrize(
    ("audio", "exact"),
    [
        (WAVE, 1e-7),
        (WAVE.astype(">f8"), 1e-7),
        (WAVE[::-1][::-1], 1e-7),
        (WAVE.tolist(), 1e-7),
        (torch.from_numpy(WAVE), 1e-7),
        ((WAVE * 2**15).round().astype(np.int16), 1e-4),
        (torch.from_numpy((WAVE * 2**15).round().astype(np.int16)), 1e-4),
        ((WAVE * 2**31).round().astype(np.int32), 1e-6),
        ((WAVE * 128 + 128).round().astype(np.uint8), 1e-2),
    ],
)
def test_every_type_is_the_same_sound(audio: object, exact: float) -> None:
    samples = as_samples(audio)  # type: ignore[arg-type]
    assert samples.dtype == torch.float32
    assert torch.allclose(samples.double(), torch.from_numpy(WAVE), atol=exact)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(RangeError, match="complex128"):
        as_samples(np.ones(3, dtype=complex))


def test_audio_that_learns_is_only_looked_at() -> None:
    assert not as_samples(torch.zeros(4, requires_grad=True)).requires_grad
