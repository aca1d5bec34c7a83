from __future__ import annotations

import copy

import pytest
from pydantic import BaseModel

from luthier.errors import ConfigError
from luthier.model.config import InstrumentConfig
from luthier.model.overrides import merge, parse_assignments, place_overrides, setting_paths

SECTIONS = {"instrument": InstrumentConfig}


class Left(BaseModel):
    speed: float = 1.0
    seconds: float = 1.0


class Right(BaseModel):
    speed: float = 1.0
    left: Left = Left()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=50", 50),
        ("k = 1e-3", 1e-3),
        ("k=true", True),
        ("k=fast", "fast"),
        ('k="50"', "50"),
        ("k=[1, 2]", [1, 2]),
        ("k=", ""),
        ("k=a=b", "a=b"),
    ],
)
def test_values_are_toml_and_anything_else_is_text(text: str, value: object) -> None:
    assert parse_assignments([text]) == {"k": value}


@pytest.mark.parametrize("text", ["steps", "=3", " =3"])
def test_a_pair_without_key_or_sign_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected key=value"):
        parse_assignments([text])


@pytest.mark.parametrize(
    ("key", "tree"),
    [
        ("n_harmonics", {"instrument": {"n_harmonics": 50}}),
        ("instrument.n_harmonics", {"instrument": {"n_harmonics": 50}}),
        ("gru_width", {"instrument": {"decoder": {"gru_width": 50}}}),
        ("room.seconds", {"instrument": {"room": {"seconds": 50}}}),
        ("sample_rate", {"instrument": {"features": {"sample_rate": 50}}}),
    ],
)
def test_a_key_is_placed_wherever_it_lies(key: str, tree: dict[str, object]) -> None:
    assert place_overrides({key: 50}, SECTIONS) == tree


def test_several_keys_share_their_tables() -> None:
    placed = place_overrides({"room.kind": "none", "room.seconds": 2, "n_bands": 9}, SECTIONS)
    assert placed == {"instrument": {"room": {"kind": "none", "seconds": 2}, "n_bands": 9}}


@pytest.mark.parametrize("key", ["n_harmonic", "instrument.n_harmonic", "N_harmonics"])
def test_an_unknown_key_is_told_a_near_one(key: str) -> None:
    with pytest.raises(ConfigError, match=r"no such setting. Did you mean n_harmonics"):
        place_overrides({key: 1}, SECTIONS)


def test_a_key_like_no_other_is_told_them_all() -> None:
    with pytest.raises(ConfigError, match=r"no such setting. Expected one of .*gru_width.*n_bands"):
        place_overrides({"qqqq": 1}, SECTIONS)


def test_an_ambiguous_key_is_told_its_meanings() -> None:
    with pytest.raises(ConfigError, match=r"speed: could be one\.speed or two\.speed"):
        place_overrides({"speed": 1}, {"one": Left, "two": Left})


def test_the_shortest_of_several_paths_wins() -> None:
    assert place_overrides({"speed": 2}, {"section": Right}) == {"section": {"speed": 2}}
    assert place_overrides({"left.speed": 2}, {"section": Right}) == {"section": {"left": {"speed": 2}}}


def test_paths_go_into_nested_tables() -> None:
    assert list(setting_paths(Right, "section")) == ["section.speed", "section.left.speed", "section.left.seconds"]


def test_merging_goes_deep_and_changes_neither_side() -> None:
    base, changes = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 5}, "d": [2], "e": {}}
    before = copy.deepcopy((base, changes))
    assert merge(base, changes) == {"a": {"b": 5, "c": 2}, "d": [2], "e": {}}
    assert (base, changes) == before
