from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
import torch

from data.conftest import MakeDataset
from data.known_material import recording_id
from luthier.data.dataset import Dataset
from luthier.data.windows import Batch, Origin, random_windows, regular_places, regular_windows, sequential_windows
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import MEASURED
from luthier.errors import RangeError

HOP = 10
DEFINITION = FeatureDefinition(hop_length=HOP)


def draw(dataset: Dataset, step: int = 0, seed: int = 0, batch_size: int = 200, n_frames: int = 40) -> Batch:
    return random_windows(dataset, n_frames=n_frames, batch_size=batch_size, seed=seed, step=step)


def starts(batch: Batch) -> torch.Tensor:
    return batch.features.f0_hz[:, 0, 0].long() - 1


def same(one: Batch, other: Batch) -> bool:
    return torch.equal(one.audio, other.audio) and all(
        map(torch.equal, one.features[: len(MEASURED)], other.features[: len(MEASURED)])
    )


def test_audio_and_features_of_a_window_belong_together(make_dataset: MakeDataset) -> None:
    batch = draw(make_dataset([5000], DEFINITION, [(0, 20, 400)]), n_frames=8)
    assert batch.audio.shape == (200, 80)
    assert batch.audio.dtype == torch.float32
    assert all(values.shape == (200, 8, 1) for values in batch.features[: len(MEASURED)])
    frames = starts(batch).unsqueeze(1) + torch.arange(8)
    torch.testing.assert_close(batch.audio, (starts(batch) * HOP).unsqueeze(1) + torch.arange(80.0))
    torch.testing.assert_close(batch.features.f0_hz[..., 0], frames + 1.0)
    torch.testing.assert_close(batch.features.periodicity[..., 0], frames / 1e6)
    torch.testing.assert_close(batch.features.loudness_db[..., 0], frames / 100)


def test_windows_stay_inside_their_blocks_and_reach_both_ends(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([20000], DEFINITION, [(0, 100, 60), (0, 500, 55)])
    found = Counter(starts(draw(dataset, batch_size=4000)).tolist())
    assert set(found) == {*range(100, 121), *range(500, 516)}


def test_long_blocks_are_drawn_in_proportion_and_starts_evenly(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([40000], DEFINITION, [(0, 0, 3000), (0, 3000, 1000)])
    found = starts(draw(dataset, batch_size=8000, n_frames=2))
    assert (found < 3000).float().mean() == pytest.approx(0.75, abs=0.02)  # four standard deviations
    counts, _ = np.histogram(found[found < 3000].numpy(), bins=10, range=(0, 3000))
    assert counts.min() > 0.8 * counts.mean()


def test_every_block_is_drawn_however_short(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], DEFINITION, [(0, 10, 1), (0, 20, 1), (0, 30, 1)])
    assert set(starts(draw(dataset, n_frames=1)).tolist()) == {10, 20, 30}


def test_the_batch_follows_from_seed_and_step_alone(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([50000], DEFINITION)
    first = draw(dataset, step=7, seed=3)
    for step in range(7):
        draw(dataset, step=step, seed=3)
    torch.rand(5)
    np.random.default_rng().random(5)
    assert same(first, draw(Dataset.open(dataset.path), step=7, seed=3))
    assert not same(first, draw(dataset, step=8, seed=3))
    assert not same(first, draw(dataset, step=7, seed=4))
    assert not same(first, draw(dataset, step=6, seed=4))  # the two are no sum


def test_blocks_shorter_than_a_window_end_in_silence(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([5000], DEFINITION, [(0, 200, 30)])
    audio, features, _ = draw(dataset, batch_size=3)
    assert starts(Batch(audio, features)).tolist() == [200] * 3
    assert audio[:, :300].bool().all()
    assert not audio[:, 300:].any()
    assert (features.f0_hz[:, 30:] == 230).all()
    assert not features.periodicity[:, 30:].any()
    assert (features.loudness_db[:, 30:] == DEFINITION.loudness_floor_db).all()


def test_the_last_frame_may_be_incomplete(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([205], DEFINITION)  # 21 frames, the last one with 5 samples
    batch = draw(dataset, batch_size=1, n_frames=21)
    torch.testing.assert_close(batch.audio[0, :205], torch.arange(205.0))
    assert not batch.audio[0, 205:].any()


def test_regular_windows_come_once_an_epoch_in_a_new_order(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([5000], DEFINITION, [(0, 0, 100), (0, 300, 95), (0, 450, 20)])
    places = regular_places(dataset, n_frames=40, every_frames=10)
    assert [place.start_frame for place in places] == [*range(0, 61, 10), *range(300, 351, 10), 450]
    orders = []
    for epoch in range(2):
        batches = [
            regular_windows(dataset, n_frames=40, every_frames=10, batch_size=7, seed=1, step=2 * epoch + i)
            for i in range(2)
        ]
        orders.append(torch.cat([starts(batch) for batch in batches]).tolist())
        assert sorted(orders[-1]) == [place.start_frame for place in places]
    assert orders[0] != orders[1]


def test_regular_batches_may_run_across_epochs(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], DEFINITION)
    found: Counter[int] = Counter()
    for step in range(7):  # 7 places, batches of 5: five epochs
        batch = regular_windows(dataset, n_frames=40, every_frames=10, batch_size=5, seed=1, step=step)
        found.update(starts(batch).tolist())
    assert set(found.values()) == {5}


@pytest.mark.parametrize("batch_size", [1, 3])
def test_sequential_windows_cover_every_frame_once(make_dataset: MakeDataset, batch_size: int) -> None:
    blocks = [(0, 7, 100), (1, 0, 40), (1, 60, 1)]
    dataset = make_dataset([2000, 1000], DEFINITION, blocks)
    seen: Counter[tuple[str, int]] = Counter()
    for batch, places in sequential_windows(dataset, split="train", n_frames=40, batch_size=batch_size):
        assert batch.audio.shape == (len(places), 400)
        for place, f0_hz, audio in zip(places, batch.features.f0_hz, batch.audio, strict=True):
            seen.update((place.recording, place.start_frame + i) for i in range(place.n_frames))
            assert f0_hz[place.n_frames - 1] == place.start_frame + place.n_frames
            assert not audio[place.n_frames * HOP :].any()
    wanted = {(recording_id(index), start + i) for index, start, length in blocks for i in range(length)}
    assert set(seen) == wanted
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("change", [{"n_frames": 0}, {"batch_size": 0}, {"seed": -1}, {"step": -1}])
def test_numbers_out_of_range_are_named(make_dataset: MakeDataset, change: dict[str, int]) -> None:
    numbers = {"n_frames": 4, "batch_size": 2, "seed": 0, "step": 0} | change
    dataset = make_dataset([1000], DEFINITION)
    with pytest.raises(RangeError, match=next(iter(change))):
        random_windows(dataset, **numbers)
    with pytest.raises(RangeError, match=next(iter(change))):
        regular_windows(dataset, every_frames=1, **numbers)


def test_windows_come_far_faster_than_any_model_trains(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([16000 * 30] * 8, FeatureDefinition())
    draw(dataset, batch_size=16, n_frames=400)
    start = time.perf_counter()
    for step in range(30):
        draw(dataset, step=step, batch_size=16, n_frames=400)
    # Measured about 25,000 on one core; the bound leaves room for a busy machine.
    assert 480 / (time.perf_counter() - start) > 2000


def test_an_even_choice_of_windows_is_spread_over_all_blocks(make_dataset: MakeDataset) -> None:
    train = [(0, 0, 100), (1, 0, 100)]
    dataset = make_dataset([1000, 1000], DEFINITION, train)
    batches = list(sequential_windows(dataset, split="train", n_frames=10, batch_size=3, at_most=5))
    places = [(int(block.recording, 16), block.start_frame) for placed in batches for block in placed.blocks]
    assert places == [(0, 0), (0, 40), (0, 80), (1, 20), (1, 60)]


def test_each_window_says_where_it_comes_from(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000, 2000], DEFINITION, [(1, 20, 40)])
    batch = next(sequential_windows(dataset, split="train", n_frames=20, batch_size=2)).batch
    frame_rate = DEFINITION.frame_rate
    assert batch.origins == (Origin("take 1.wav", 20 / frame_rate), Origin("take 1.wav", 40 / frame_rate))
    drawn = draw(dataset, batch_size=3, n_frames=5)
    for row, origin in enumerate(drawn.origins):
        assert float(drawn.features.f0_hz[row, 0]) == round(origin.start_seconds * frame_rate) + 1


def filled(dataset: Dataset, step: int = 0, **changes: object) -> Batch:
    options = {"n_frames": 300, "batch_size": 50, "seed": 0, "step": step, "is_filled": True} | changes
    return random_windows(dataset, **options)  # type: ignore[arg-type]


def test_what_short_blocks_leave_empty_goes_on_with_others_after_a_rest(make_dataset: MakeDataset) -> None:
    """Blocks of 40 frames, 1 s is 1600 frames here: gaps last 80 to 960 frames."""
    dataset = make_dataset([20000], DEFINITION, [(0, 100, 40), (0, 500, 40)])
    batch = filled(dataset)
    sounding = batch.features.periodicity[..., 0] > 0
    begins = (sounding[:, 1:] & ~sounding[:, :-1]).sum(1)
    assert begins.float().mean() > 0.2
    later = (sounding[:, 1:] & ~sounding[:, :-1]).nonzero()
    assert set(batch.features.f0_hz[later[:, 0], later[:, 1] + 1, 0].tolist()) == {
        101.0,
        501.0,
    }  # from their beginnings
    gaps = [int((~sounding[row, : begin + 1]).sum()) for row, begin in later.tolist()]  # all before, one or more
    assert min(gaps) >= 80
    assert max(gaps) > 200
    assert set(batch.features.f0_hz[:, 0, 0].tolist()) == {101.0, 501.0}
    for row in range(len(sounding)):
        frames = batch.features.f0_hz[row, sounding[row], 0].long() - 1
        assert set(frames.tolist()) <= {*range(100, 140), *range(500, 540)}
        heard = batch.audio[row].view(-1, HOP)[sounding[row]]
        torch.testing.assert_close(heard, (frames * HOP).unsqueeze(1) + torch.arange(float(HOP)))
        assert not batch.audio[row].view(-1, HOP)[~sounding[row]].any()
        assert (batch.features.loudness_db[row, ~sounding[row], 0] == DEFINITION.loudness_floor_db).all()
    assert (sounding.sum(1) >= 40).all()


def test_shares_of_a_filled_batch_are_those_of_the_whole(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([20000], DEFINITION, [(0, 100, 40), (0, 500, 40)])
    sizes = {"batch_size": 6, "n_frames": 3000}  # long enough for several in each
    whole, second = filled(dataset, **sizes), filled(dataset, **sizes, only=slice(1, None, 2))
    assert torch.equal(whole.audio[1::2], second.audio)
    assert not same(filled(dataset, step=1), filled(dataset, step=2))


def test_blocks_that_fill_a_window_are_read_as_ever(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([20000], DEFINITION, [(0, 100, 900)])
    assert same(filled(dataset, n_frames=50), filled(dataset, n_frames=50, is_filled=False))
