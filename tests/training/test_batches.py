import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.training.batches import Share, StepBatches, StepCounter, StepSampler, training_loader
from luthier.training.config import TrainingConfig


@pytest.mark.parametrize("windows", ["random", "regular"])
def test_a_batch_follows_from_seed_and_step_alone(dataset: Dataset, windows: str) -> None:
    config = TrainingConfig(windows=windows, batch_size=4, window_seconds=1.0)
    one, two = StepBatches(dataset, config), StepBatches(dataset, config)
    _ = one[3]
    assert torch.equal(one[7].audio, two[7].audio)
    assert not torch.equal(one[7].audio, one[8].audio)


def test_an_epoch_of_the_assignment_is_five_thousand_windows(dataset: Dataset) -> None:
    assert StepBatches(dataset, TrainingConfig(windows_per_epoch=5000, batch_size=16)).steps_per_epoch == 313


def test_regular_windows_all_come_once_an_epoch(dataset: Dataset) -> None:
    config = TrainingConfig(windows="regular", batch_size=2, window_seconds=1.0, window_step_seconds=1.0)
    batches = StepBatches(dataset, config)
    n_seconds = sum(block.n_frames // 100 for block in dataset.blocks("train"))
    assert batches.steps_per_epoch == -(-n_seconds // 2)


def test_the_sampler_goes_on_where_the_run_stands(dataset: Dataset) -> None:
    counter = StepCounter()
    sampler = StepSampler(counter, 5)
    assert list(sampler) == [0, 1, 2, 3, 4]
    counter.steps = 37
    assert list(sampler) == [37, 38, 39, 40, 41]


def test_the_loader_hands_out_the_batches_of_the_sampler(dataset: Dataset) -> None:
    config = TrainingConfig(batch_size=2, window_seconds=0.5, windows_per_epoch=4)
    batches, counter = StepBatches(dataset, config), StepCounter()
    loaded = list(training_loader(batches, counter))
    assert len(loaded) == 2
    assert torch.equal(loaded[1].audio, batches[1].audio)


@pytest.mark.parametrize("windows", ["random", "regular"])
def test_processes_share_the_batch_that_one_would_have(dataset: Dataset, windows: str) -> None:
    config = TrainingConfig(windows=windows, batch_size=5, window_seconds=0.5)
    batch = StepBatches(dataset, config)[3]
    both = [StepBatches(dataset, config, Share(rank, 2)) for rank in range(2)]
    shares = [batches[3] for batches in both]
    assert [len(share.audio) for share in shares] == [3, 2]
    together = torch.cat([share.audio for share in shares])
    assert torch.equal(together, batch.audio[[0, 2, 4, 1, 3]])
    assert torch.equal(shares[1].features.f0_hz, batch.features.f0_hz[[1, 3]])
    assert shares[1].origins == batch.origins[1::2]
    assert torch.equal(both[1].whole(3).audio, batch.audio)


def test_windows_longer_than_the_recordings_go_on_with_others_where_that_is_wanted(dataset: Dataset) -> None:
    longest = max(block.n_frames for block in dataset.blocks("train")) / dataset.definition.frame_rate
    empty, filled = (
        StepBatches(dataset, TrainingConfig(batch_size=4, window_seconds=longest + 5.0, fill_windows=fill))[0]
        for fill in (False, True)
    )
    last = slice(-round(3.0 * dataset.definition.frame_rate), None)  # a gap lasts 0.6 s at most
    assert not empty.features.periodicity[:, last].any()
    assert filled.features.periodicity[:, last].amax(dim=1).all()
