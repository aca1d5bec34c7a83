from __future__ import annotations

import itertools

import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.evaluation.frames_of_reference import Synthesiser
from luthier.training.validation import oracle_scores, validation_windows

SYNTHESISER = Synthesiser(sample_rate=16000, hop_length=160, n_harmonics=60, n_bands=65)


def test_the_windows_cover_every_validation_frame_once(dataset: Dataset) -> None:
    found = [
        (block.recording, frame)
        for placed in validation_windows(dataset)
        for block in placed.blocks
        for frame in range(block.start_frame, block.start_frame + block.n_frames)
    ]
    wanted = [
        (block.recording, block.start_frame + index)
        for block in dataset.blocks("validation")
        for index in range(block.n_frames)
    ]
    assert sorted(found) == sorted(wanted)


def test_the_oracle_is_far_better_than_silence_and_no_worse_than_the_noise_it_cannot_know(dataset: Dataset) -> None:
    scores = oracle_scores(dataset, SYNTHESISER)
    silence = [
        multi_scale_distance(torch.zeros_like(placed.batch.audio), placed.batch.audio, SpectralScales.relative())
        for placed in validation_windows(dataset)
    ]
    assert 0.5 < scores["mss_rel_oracle"] < 0.5 * float(torch.cat(silence).mean())
    assert scores["mss_oracle"] > scores["mss_rel_oracle"]


def test_padding_and_batches_do_not_count(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = oracle_scores(dataset, SYNTHESISER)
    monkeypatch.setattr("luthier.training.validation.BATCH_SIZE", 1)
    assert oracle_scores(dataset, SYNTHESISER) == pytest.approx(whole)
    n_blocks = len(dataset.blocks("validation"))
    assert n_blocks == len(list(itertools.chain.from_iterable(placed.blocks for placed in validation_windows(dataset))))
