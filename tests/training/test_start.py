"""Instruments begin from a network that has played before."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import load_instrument
from luthier.training import start as start_module
from luthier.training.settings import Settings, resolve_settings, settings_tables
from luthier.training.start import (
    start_names,
    start_network,
    start_path,
    with_start_credit,
    with_start_passages,
)
from luthier.training.untrained import build

START = "three-players"


def settings(dataset: Dataset, **overrides: object) -> Settings:
    return resolve_settings(settings_tables("fast", overrides={"steps": 9} | overrides), dataset.definition)


def untrained(dataset: Dataset, **overrides: object) -> Instrument:
    return build(dataset, settings(dataset, start="", **overrides))[0].instrument


def changed_by_the_start(instrument: Instrument) -> dict[str, bool]:
    before = {name: value.clone() for name, value in instrument.state_dict().items()}
    start_network(instrument, START)
    return {name: not torch.equal(value, before[name]) for name, value in instrument.state_dict().items()}


def test_the_network_is_that_of_the_start_and_the_rest_is_that_of_the_recordings(dataset: Dataset) -> None:
    changed = changed_by_the_start(untrained(dataset))
    assert all(is_new == name.startswith(("decoder.", "predictor.")) for name, is_new in changed.items())


def test_two_seeds_begin_from_the_same_network(dataset: Dataset) -> None:
    one, other = (build(dataset, settings(dataset, seed=seed))[0].instrument for seed in (0, 1))
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_at_another_rate_only_the_last_layer_begins_from_chance(dataset: Dataset) -> None:
    changed = changed_by_the_start(untrained(dataset, n_harmonics=7, n_bands=9))
    kept = {name for name, is_new in changed.items() if not is_new and name.startswith(("decoder.", "predictor."))}
    assert kept == {"decoder.head.weight", "decoder.head.bias"}


def test_a_network_of_another_width_or_other_inputs_stays_as_it_is(dataset: Dataset) -> None:
    others = {"gru_width": 8}, {"inputs": ["loudness_z", "brightness_z", "warmth_z", "hollowness_z"]}
    for overrides in others:
        instrument = untrained(dataset, **overrides)
        assert not start_network(instrument, START)
        assert not any(changed_by_the_start(instrument).values())


def test_more_or_less_dropout_is_no_other_network(dataset: Dataset) -> None:
    assert start_network(untrained(dataset, dropout=0.5), START)


def test_an_unknown_start_is_told_the_known_ones(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match=f"'four-players', expected one of .*{START}"):
        build(dataset, settings(dataset, start="four-players"))


def test_who_has_played_another_violin_is_nearer_to_this_one_than_chance(tmp_path: Path) -> None:
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as violin:
        prepare([violin], tmp_path / "violin", FeatureDefinition(tracker="swift", loudness_n_fft=1024), n_jobs=1)
    dataset, losses = Dataset.open(tmp_path / "violin"), []
    for start in (START, ""):
        module, batches = build(dataset, settings(dataset, start=start))
        with torch.no_grad():
            losses.append(float(module.play_share(batches[0]).loss))
    assert losses[0] < 0.8 * losses[1]  # what obeys is not far off before it has learned anything


def test_every_start_says_whom_to_thank() -> None:
    for name in start_names():
        summary = load_instrument(start_path(name)).summary
        assert summary.credit
        assert summary.licence


def test_an_instrument_thanks_whom_its_start_thanks() -> None:
    played = load_instrument(start_path(START)).summary.credit
    assert with_start_credit("A. Player", START) == f"A. Player. Network started from: {played}"
    assert with_start_credit("", START) == f"Network started from: {played}"
    assert with_start_credit("A. Player", "") == "A. Player"


def test_what_an_instrument_started_from_is_nothing_that_it_never_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = load_instrument(start_path(START)).summary.learned_from
    assert len(heard) == 154  # two movements, 128 and 24 files
    assert all(begin == 0.0 for passages in heard.values() for begin, _ in passages)
    one = next(iter(heard))
    own = {"0123456789abcdef": ((1.0, 2.0),), one: ((0.5, 0.6),)}
    assert with_start_passages(own, START) == heard | {"0123456789abcdef": ((1.0, 2.0),)}
    assert with_start_passages(own, "") == own
    assert with_start_passages({}, START) == {}  # not known stays not known
    monkeypatch.setattr(start_module, "MOST_PASSAGES", 154)
    assert with_start_passages(own, START) == {}
