from __future__ import annotations

import pytest

KEYS = {"parameters", "sample_rate", "hop_length", "n_harmonics", "n_bands", "preset", "licence"}


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        (("string-along",), 4_837_670),
        (("string-along", "--set", "n_harmonics=50"), 4_812_020),
        (("solo-instrument",), 4_849_150),
    ],
)
def test_a_preset_has_exactly_the_published_size(luthier_command, arguments, parameters) -> None:
    document = luthier_command("info", *arguments, "--json").json
    assert document["parameters"] == parameters
    assert document.keys() >= KEYS


def test_the_default_is_small(luthier_command) -> None:
    document = luthier_command("info", "fast", "--json").json
    assert 50_000 < document["parameters"] < 150_000
    assert (document["preset"], document["sample_rate"], document["hop_length"]) == ("fast", 16000, 160)


def test_without_json_it_is_a_table(luthier_command) -> None:
    assert "n harmonics  60" in luthier_command("info", "fast").stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("no-such-preset",), "string-along"),
        (("missing.safetensors",), "missing.safetensors"),
        (("fast", "--set", "n_harmonic=3"), "n_harmonics"),
        (("fast", "--set", "n_harmonics"), "key=value"),
        (("fast", "--set", "n_harmonics=many"), "n_harmonics"),
        (("some/violin.safetensors", "--set", "n_harmonics=3"), "--set"),
    ],
)
def test_a_mistake_is_one_line_that_names_what_helps(luthier_command, arguments, named) -> None:
    outcome = luthier_command("info", *arguments)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("luthier: ")
    assert outcome.stderr.count("\n") == 1
    assert named in outcome.stderr
