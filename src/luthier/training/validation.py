"""What a run is validated on, and what the best possible controls would score there."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.windows import PlacedBatch, sequential_windows
from luthier.dsp.signals import Features
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.evaluation.frames_of_reference import Synthesiser, oracle_controls
from luthier.evaluation.playing import play_controls

MONITOR = "mss_rel"
"""The validation score by which the best instrument is chosen: safe on silence."""
WINDOW_SECONDS = 4.0
BATCH_SIZE = 8
MOST_WINDOWS = 300
"""Twenty minutes: of longer material an even choice says as much, and neither time nor memory grow further."""
NOISE_SEED = 1


def validation_windows(dataset: Dataset) -> Iterator[PlacedBatch]:
    """The validation part in order and without overlap, or twenty minutes of it, evenly spread."""
    length = max(1, round(WINDOW_SECONDS * dataset.definition.frame_rate))
    return sequential_windows(dataset, split="validation", n_frames=length, batch_size=BATCH_SIZE, at_most=MOST_WINDOWS)


@torch.no_grad()
def oracle_scores(dataset: Dataset, synthesiser: Synthesiser) -> dict[str, float]:
    """Analyse the validation part in closed form, play it back and score it as the instrument is scored.

    Returns:
        `mss_oracle` and `mss_rel_oracle`: means over the windows, weighted by their length.
    """
    scales = SpectralScales.relative(synthesiser.sample_rate)
    sums, n_frames = torch.zeros(2, dtype=torch.float64), 0
    for audio, features in _clips(dataset):
        rates = {"sample_rate": synthesiser.sample_rate, "hop_length": synthesiser.hop_length}
        output = play_controls(oracle_controls(audio, features, synthesiser), seed=NOISE_SEED, **rates)
        scores = torch.cat([multi_scale_distance(output, audio), multi_scale_distance(output, audio, scales)])
        sums += features.f0_hz.shape[1] * scores.double()
        n_frames += features.f0_hz.shape[1]
    mss, mss_rel = (sums / n_frames).tolist()
    return {"mss_oracle": mss, "mss_rel_oracle": mss_rel}


def _clips(dataset: Dataset) -> Iterator[tuple[Tensor, Features]]:
    """The validation windows one by one, without their padding: (1, n_samples) and (1, n_frames, 1) each."""
    hop_length = dataset.definition.hop_length
    for placed in validation_windows(dataset):
        for row, block in enumerate(placed.blocks):
            window = (slice(row, row + 1), slice(block.n_frames))
            features = placed.batch.features.map(itemgetter(window))
            yield placed.batch.audio[row : row + 1, : block.n_frames * hop_length], features
