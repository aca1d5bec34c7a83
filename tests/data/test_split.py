from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.split import Block, Split, Take, split_takes
from luthier.errors import DatasetError

FRAME_RATE = 100.0


def take(name: str, seconds: float, note: int | None = None) -> Take:
    return Take(name, round(seconds * FRAME_RATE), note)


def placed(split: Split) -> list[tuple[Block, str]]:
    return sorted((block, part) for part in ("train", "validation", "test") for block in getattr(split, part))


def seconds_in(blocks: tuple[Block, ...]) -> float:
    return sum(block.n_frames for block in blocks) / FRAME_RATE


def test_a_long_recording_is_cut_every_30_seconds_and_every_fifth_block_is_for_test() -> None:
    split = split_takes([take("a", 300.0)], FRAME_RATE)
    assert split.method == "blocks"
    assert split.train == (Block("a", 0, 12000), Block("a", 18200, 8800))
    assert split.test == (Block("a", 12200, 2800), Block("a", 27200, 2800))
    assert split.validation == (Block("a", 15200, 2800),)


def test_two_recordings_of_two_minutes_are_cut_within_each() -> None:
    split = split_takes([take("a", 125.0), take("b", 124.0)], FRAME_RATE)
    assert {block.recording for block in split.train} == {"a", "b"}
    assert seconds_in(split.train) >= 0.7 * 249
    assert min(seconds_in(split.test), seconds_in(split.validation)) >= 25


@pytest.mark.parametrize("seconds", [6.0, 10.0, 25.0, 60.0, 149.0, 180.0])
def test_short_material_still_has_three_parts(seconds: float) -> None:
    split = split_takes([take("a", seconds)], FRAME_RATE)
    assert seconds_in(split.train) >= 0.5 * seconds
    assert min(seconds_in(split.validation), seconds_in(split.test)) >= 0.7


def test_too_little_material_says_how_much_is_needed() -> None:
    with pytest.raises(DatasetError, match=r"only 5\.0 s .* at least 6 s"):
        split_takes([take("a", 5.0)], FRAME_RATE)


def test_many_files_are_held_out_whole() -> None:
    split = split_takes([take(f"{i:02}", 20.0 + i) for i in range(20)], FRAME_RATE)
    assert split.method == "files"
    assert [len(part) for part in split[1:]] == [13, 3, 4]
    assert all(block.start_frame == 0 for block, _ in placed(split))


def test_many_files_with_a_giant_among_them_are_cut_into_blocks() -> None:
    split = split_takes([take(f"{i:02}", 5.0) for i in range(12)] + [take("giant", 600.0)], FRAME_RATE)
    assert split.method == "blocks"


def test_every_pitch_of_a_set_of_notes_stays_in_training() -> None:
    takes = [take(f"{(7 * i) % 64:02}", 5.0, note=50 + i % 32) for i in range(64)]
    split = split_takes(takes, FRAME_RATE)
    notes = {item.recording: item.note for item in takes}
    assert split.method == "takes"
    assert {notes[block.recording] for block in split.train} == set(range(50, 82))
    assert (len(split.test), len(split.validation)) == (12, 12)


def test_notes_without_second_takes_are_held_out_as_files() -> None:
    split = split_takes([take(f"{i:02}", 5.0, note=50 + i) for i in range(24)], FRAME_RATE)
    assert split.method == "files"
    assert min(map(len, split[1:])) >= 1


lengths = st.lists(st.integers(10, 20_000), min_size=1, max_size=25)
pitches = st.one_of(st.none(), st.integers(50, 60))


@given(lengths=lengths, data=st.data(), frame_rate=st.sampled_from([50.0, 100.0, 250.0, 172.265625]))
def test_parts_never_touch(lengths: list[int], data: st.DataObject, frame_rate: float) -> None:
    takes = [Take(f"{i:04x}", n, data.draw(pitches)) for i, n in enumerate(lengths)]
    try:
        split = split_takes(takes, frame_rate)
    except DatasetError:
        assert len(takes) < 10
        assert sum(lengths) < 60 * frame_rate  # a minute, however it is divided among files, is enough
        return
    assert split == split_takes(data.draw(st.permutations(takes)), frame_rate)
    assert split.train
    assert split.validation
    assert split.test
    ends = {item.recording: item.n_frames for item in takes}
    assert all(
        block.start_frame >= 0 and block.n_frames > 0 and block.start_frame + block.n_frames <= ends[block.recording]
        for block, _ in placed(split)
    )
    for (before, part), (after, other) in itertools.pairwise(placed(split)):
        if before.recording == after.recording:
            gap = after.start_frame - before.start_frame - before.n_frames
            assert part != other
            assert gap >= min(2.0 * frame_rate, 0.2 * frame_rate) - 1
    if split.method == "takes":
        pitch = {item.recording: item.note for item in takes}
        trained = Counter(pitch[block.recording] for block in split.train)
        assert all(trained[note] for note in set(pitch.values()) if note is not None)
