"""`luthier ratings`: the files of listeners in, a table out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HEADER = "test,listener,experience,trial,excerpt,condition,rating,trial_order,sound_order,seed,seconds,reference_below_90_too_often"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for listener, reference, violin in [("anna", 100, 60), ("ben", 98, 70), ("carl", 20, 100)]:
        rows = [f"0a,{listener},trained,1,x,{name},{rating},1,1,7,9.5,false"
                for name, rating in (("reference", reference), ("violin", violin))]  # fmt: skip
        (tmp_path / f"{listener}.csv").write_text("\n".join([HEADER, *rows]))
    return sorted(tmp_path.glob("*.csv"))


def test_who_missed_the_reference_is_set_aside_and_named(luthier_command, files: list[Path]) -> None:
    outcome = luthier_command("ratings", *files)
    assert [line.split()[:2] for line in outcome.stdout.splitlines()[1:]] == [["reference", "99.0"], ["violin", "65.0"]]
    assert "carl" in outcome.stderr
    assert "anna" not in outcome.stderr


def test_everybody_counts_when_asked_for(luthier_command, files: list[Path]) -> None:
    document = json.loads(luthier_command("ratings", *files, "--everybody", "--json").stdout)
    assert [(score["condition"], score["n_listeners"]) for score in document["conditions"]] == [
        ("violin", 3),
        ("reference", 3),
    ]
    assert document["set_aside"] == []


def test_a_second_sitting_is_named_and_counts_as_the_same_listener(luthier_command, files: list[Path]) -> None:
    text = files[0].read_text()
    files[2].write_text(text.replace(",7,", ",8,").replace("60", "80"))  # anna once more instead of carl
    outcome = luthier_command("ratings", *files)
    assert "anna: 2 sittings are counted as one listener." in outcome.stderr
    assert [line.split()[:2] for line in outcome.stdout.splitlines()[1:]] == [["reference", "99.0"], ["violin", "70.0"]]


def test_only_the_sitting_that_counts_is_counted(luthier_command, files: list[Path]) -> None:
    text = files[0].read_text()
    files[2].write_text(text.replace(",7,", ",8,").replace("100", "20"))
    outcome = luthier_command("ratings", files[0], files[2], "--json")
    assert outcome.json["set_aside"] == ["anna (seed 8)"]
    assert "sittings" not in outcome.stderr


def test_a_single_listener_has_no_interval(luthier_command, files: list[Path]) -> None:
    document = json.loads(luthier_command("ratings", files[0], "--json").stdout)
    assert [score["low"] for score in document["conditions"]] == [None, None]


@pytest.mark.parametrize("name", ["carl.csv", "missing.csv"])
def test_nothing_to_count_is_one_line(luthier_command, files: list[Path], name: str) -> None:
    outcome = luthier_command("ratings", files[0].with_name(name))
    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
