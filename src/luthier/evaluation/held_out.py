"""Which passages of which recordings an instrument has learned from, and how much of what it is scored on that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.model.instrument_file import MOST_PASSAGES

Passages: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""Beginnings and ends in seconds, by recording: its id is the same in every dataset that the file is prepared for."""


def passages_for_file(dataset: Dataset, part: Part) -> dict[str, tuple[tuple[float, float], ...]]:
    """The passages of a part of a dataset as an instrument file names them; none where there are too many."""
    if len(dataset.blocks(part)) > MOST_PASSAGES:
        return {}
    return {name: tuple(passages) for name, passages in _passages(dataset, part).items()}


def learned_share(learned_from: Passages, dataset: Dataset, part: Part) -> float | None:
    """How much of a part of a dataset an instrument has learned from.

    Args:
        learned_from: what its file says that it learned from.
        dataset: what it is scored on.
        part: of that dataset.

    Returns:
        0 to 1; None where the file does not say.
    """
    if not learned_from:
        return None
    wanted = _passages(dataset, part)
    common = sum(
        max(0.0, min(end, learned_end) - max(begin, learned_begin))
        for name, passages in wanted.items()
        for begin, end in passages
        for learned_begin, learned_end in learned_from.get(name, ())
    )
    return common / sum(end - begin for passages in wanted.values() for begin, end in passages)


def has_learned_here(learned_from: Passages, dataset: Dataset) -> bool:
    """Whether an instrument has learned from any recording of a dataset: what it did not learn there was held out.

    Copies in another format, and parts that were cut out, are other recordings.
    """
    names = {block.recording for part in ("trainval", "test") for block in dataset.blocks(part)}
    return not names.isdisjoint(learned_from)


def _passages(dataset: Dataset, part: Part) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    frame_rate = dataset.definition.frame_rate
    for block in dataset.blocks(part):
        begin, end = block.start_frame / frame_rate, (block.start_frame + block.n_frames) / frame_rate
        found.setdefault(block.recording, []).append((begin, end))
    return found
