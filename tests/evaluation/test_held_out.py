from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from luthier.data.dataset import Dataset
from luthier.data.split import Block
from luthier.evaluation import held_out
from luthier.evaluation.evaluate import Evaluation
from luthier.evaluation.held_out import has_learned_here, learned_share, passages_for_file
from luthier.evaluation.instrument_report import Entrant, say_material
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import MOST_PASSAGES, TrainingSummary, load_instrument, save_instrument


def test_an_instrument_has_learned_from_its_training_part_and_from_nothing_else(dataset: Dataset) -> None:
    learned_from = passages_for_file(dataset, "train")
    assert learned_share(learned_from, dataset, "train") == pytest.approx(1.0)
    assert learned_share(learned_from, dataset, "validation") == 0.0
    assert learned_share(learned_from, dataset, "test") == 0.0
    assert has_learned_here(learned_from, dataset)
    assert not has_learned_here({"0123456789abcdef": ((0.0, 1.0),)}, dataset)
    refitted = passages_for_file(dataset, "trainval")
    assert learned_share(refitted, dataset, "validation") == pytest.approx(1.0)
    assert learned_share(refitted, dataset, "test") == 0.0


def test_the_same_recording_prepared_otherwise_is_recognised(dataset: Dataset) -> None:
    """Blocks move where recordings are added or cut otherwise; what was learned stays where it was."""
    (recording,) = {block.recording for block in dataset.blocks("test")}
    block = dataset.blocks("test")[0]
    begin, seconds = block.start_frame / dataset.definition.frame_rate, block.n_frames / dataset.definition.frame_rate
    half = {recording: ((begin - 1.0, begin + seconds / 2),)}
    assert learned_share(half, dataset, "test") == pytest.approx(0.5 / len(dataset.blocks("test")), abs=0.01)
    assert learned_share({"0123456789abcdef": ((0.0, 1e6),)}, dataset, "test") == 0.0


def test_old_files_and_very_many_passages_are_not_known(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert learned_share({}, dataset, "test") is None
    monkeypatch.setattr(held_out, "MOST_PASSAGES", 0)
    assert passages_for_file(dataset, "train") == {}


@pytest.mark.parametrize("n_recordings", [MOST_PASSAGES, MOST_PASSAGES + 1])
def test_a_file_names_as_many_recordings_as_its_header_may_hold(
    instrument: Instrument, dataset: Dataset, tmp_path: Path, n_recordings: int
) -> None:
    blocks = [Block(f"{number:016x}", 0, 500 + number) for number in range(n_recordings)]
    many = SimpleNamespace(blocks=lambda part: blocks, definition=dataset.definition)
    passages = passages_for_file(many, "train")  # type: ignore[arg-type]
    save_instrument(tmp_path / "many.safetensors", instrument, TrainingSummary(learned_from=passages))
    assert load_instrument(tmp_path / "many.safetensors").summary.learned_from == passages
    assert len(passages) == (n_recordings if n_recordings <= MOST_PASSAGES else 0)


def test_the_page_says_what_is_known(instrument: Instrument, scores: Evaluation) -> None:
    def entrant(name: str, share: float | None) -> Entrant:
        return Entrant(name, instrument, scores, learned_share=share)

    new, old, part, all_ = (entrant(*each) for each in (("new", 0.0), ("old", None), ("part", 0.4), ("all", 1.0)))
    assert "were held out from training" in say_material([new], "test")
    stranger = new._replace(learned_here=False)
    for split in ("test", "validation", "train"):
        assert "other files than the instrument was trained on" in say_material([stranger], split)
    assert "other files than new was trained on" in say_material([stranger, part], "test")
    assert "best moment of training" in say_material([new], "validation")
    assert "40 % of what is scored below is what the instrument was trained on" in say_material([part], "test")
    assert "that all was trained on: no test of it" in say_material([new, all_], "train")
    little = entrant("little", 0.001)
    assert "Less than 1 % of what is scored below is what the instrument was" in say_material([little], "test")
    both = say_material([all_, part], "test")
    assert "that all was trained on: no test of it" in both
    assert "40 % of what is scored below is what part was trained on" in both
    assert "Whether old was trained on what is scored below is not known" in say_material([new, old], "test")
