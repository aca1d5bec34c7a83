"""From recordings to an instrument and its scores, on the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import soundfile
import torch

from luthier.data.audio_files import save_audio
from luthier.data.synthetic import plucked_string
from luthier.evaluation.comparison import Difference


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of plucked notes, half of them copied under another name, a text and something broken."""
    folder = tmp_path_factory.mktemp("recordings")
    notes = [plucked_string(semitone, 16000, 1.5) for semitone in (-12, -7, -3, 0, 2, 5, 9, 11)]
    save_audio(folder / "take.wav", 0.5 * torch.cat(notes, dim=1), 16000)
    (folder / "same take.wav").write_bytes((folder / "take.wav").read_bytes())
    (folder / "notes.txt").write_text("these are notes")
    (folder / "broken.wav").write_text("this is no sound")
    return folder


@pytest.fixture(scope="module")
def dataset(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from luthier.data.prepare import prepare
    from luthier.dsp.feature_definition import FeatureDefinition

    path = tmp_path_factory.mktemp("data") / "dataset"
    prepare([recordings / "take.wav"], path, FeatureDefinition(tracker="swift"), n_jobs=1)
    return path


def test_prepare_ends_with_what_was_read_and_what_was_skipped(luthier_command, recordings, tmp_path) -> None:
    outcome = luthier_command("prepare", recordings, "-o", tmp_path / "ds", "--tracker", "swift", "--jobs", 1)
    assert outcome.code == 0, outcome.stderr
    numbers = {line.rsplit(maxsplit=1)[0]: line.rsplit(maxsplit=1)[-1] for line in outcome.stdout.splitlines() if line}
    assert (numbers["recordings read"], numbers["skipped as duplicates"]) == ("1", "1")
    assert (numbers["skipped as unusable"], numbers["other files in the folders"]) == ("1", "1")
    assert "broken.wav" in outcome.stdout
    assert "luthier train" in outcome.stderr


def test_prepare_json_and_options_reach_the_dataset(luthier_command, recordings, tmp_path) -> None:
    outcome = luthier_command(
        "prepare", recordings / "take.wav", "-o", tmp_path / "ds", "--preset", "solo-instrument", "--tracker", "swift",
        "--f0-min-hz", 100, "--credit", "me", "--licence", "CC0", "--jobs", 1, "--json",
    )  # fmt: skip
    document = outcome.json
    assert (document["recordings"], document["skipped"], document["ignored_files"]) == (1, [], 0)
    manifest = json.loads((tmp_path / "ds" / "manifest.json").read_text())
    assert manifest["definition"]["hop_length"] == 64
    assert manifest["definition"]["loudness_n_fft"] == 512
    assert manifest["definition"]["f0_min_hz"] == 100
    assert (manifest["credit"], manifest["licence"]) == ("me", "CC0")


def test_another_sample_rate_keeps_the_frames_a_second_so_that_the_next_command_works(
    luthier_command, recordings, tmp_path
) -> None:
    rate = ("--preset", "studio", "--sample-rate", 48000, "--tracker", "swift", "--jobs", 1)
    prepared = luthier_command("prepare", recordings / "take.wav", "-o", tmp_path / "ds", *rate)
    manifest = json.loads((tmp_path / "ds" / "manifest.json").read_text())
    assert (manifest["definition"]["sample_rate"], manifest["definition"]["hop_length"]) == (48000, 480)
    assert "--preset studio" in prepared.stderr
    outcome = luthier_command(
        "train", tmp_path / "ds", "-o", tmp_path / "a.safetensors", "--preset", "studio", "--steps", 1
    )
    assert outcome.code == 0, outcome.stderr
    assert luthier_command("info", tmp_path / "a.safetensors", "--json").json["sample_rate"] == 48000


def test_prepare_refuses_an_existing_output_before_reading_anything(luthier_command, tmp_path) -> None:
    (tmp_path / "ds").mkdir()
    outcome = luthier_command("prepare", tmp_path / "missing", "-o", tmp_path / "ds")
    assert outcome.code == 1
    assert "--force" in outcome.stderr


@pytest.mark.parametrize("content", [None, "notes.txt"], ids=["empty folder", "no sounds"])
def test_prepare_without_recordings_leaves_nothing(luthier_command, tmp_path, content) -> None:
    (tmp_path / "in").mkdir()
    if content:
        (tmp_path / "in" / content).write_text("words")
    outcome = luthier_command("prepare", tmp_path / "in", "-o", tmp_path / "ds")
    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


TINY = ("--set", "windows_per_epoch=8", "--set", "batch_size=2", "--set", "window_seconds=0.5", "--set", "gru_width=8")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory):
    from typer.testing import CliRunner

    from luthier.apps.cli.main import app

    output = tmp_path_factory.mktemp("out") / "string.safetensors"
    arguments = ["train", dataset, "-o", output, "--steps", 8, *TINY, "--json"]
    return output, CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_train_writes_an_instrument_and_says_how_it_went(trained, luthier_command) -> None:
    output, result = trained
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["output"], document["steps"]) == (str(output), 8)
    assert luthier_command("info", output, "--json").json["preset"] == "fast"
    validations = [line for line in result.stderr.splitlines() if line.strip()[:1].isdigit()]
    assert len(validations) == 2
    assert validations[0].endswith("*")
    assert "(floor, oracle)" in result.stderr
    assert "string-run" in result.stderr
    assert "--resume" in result.stderr


def test_train_goes_on_where_it_stopped(trained, dataset, luthier_command) -> None:
    output, _ = trained
    outcome = luthier_command("train", dataset, "-o", output, "--steps", 12, "--resume", "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["steps"] == 12
    assert "Going on after step 8" in outcome.stderr


def test_train_keeps_an_existing_instrument(trained, dataset, luthier_command) -> None:
    output, _ = trained
    before = output.read_bytes()
    outcome = luthier_command("train", dataset, "-o", output, "--steps", 1)
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "said"),
    [("preset", "--preset"), ("instrument.preset", "--preset")]
    + [(key, "no such setting") for key in ("dataset", "output", "options", "config_file")],
)
def test_what_is_no_setting_is_one_line(dataset, luthier_command, tmp_path, key, said) -> None:
    outcome = luthier_command(
        "train", dataset, "-o", tmp_path / "a.safetensors", "--steps", 1, "--set", f"{key}=studio"
    )
    assert (outcome.code, outcome.stderr.count("\n"), said in outcome.stderr) == (1, 1, True), outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_refit_says_what_it_is_and_is_not_called_held_out(dataset, luthier_command, tmp_path) -> None:
    output = tmp_path / "string.safetensors"
    outcome = luthier_command("train", dataset, "-o", output, "--steps", 8, *TINY, "--refit", "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["refit_steps"] >= 4
    assert f"Refitted in {outcome.json['refit_steps']} steps" in outcome.stderr
    assert outcome.stderr.count("Refit: once more") == 1
    assert "val_dataloader" not in outcome.stderr
    assert luthier_command("evaluate", output, dataset, "--split", "validation", "--json").json["trained_on"] is True
    for part, sentence in (("test", "held out from training"), ("validation", "was trained on: no test of it")):
        luthier_command("evaluate", output, dataset, "--split", part, "-o", tmp_path / part)
        assert sentence in (tmp_path / part / "report.html").read_text()


def test_evaluate_prints_the_contract_and_writes_a_page(trained, dataset, luthier_command, tmp_path) -> None:
    output, _ = trained
    outcome = luthier_command("evaluate", output, dataset, "-o", tmp_path / "report", "--json")
    assert outcome.code == 0, outcome.stderr
    for score in ("mss", "mss_rel", "mel_db", "loudness_db_l1"):
        assert {"model", "floor", "oracle", "base", "gap"} <= outcome.json[score].keys()
    assert {"f0_cents", "rpa50"} <= outcome.json.keys()
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<audio") >= 3
    assert 'src="http' not in page
    assert [path.name for path in sorted((tmp_path / "report").iterdir())] == ["report.html", "scores.json"]


def test_a_training_that_was_too_short_is_longer_first_when_it_is_scored(luthier_command, dataset, tmp_path) -> None:
    output = tmp_path / "short.safetensors"
    trained = luthier_command("train", dataset, "-o", output, "--steps", 1, *TINY)
    assert "train it longer first" in trained.stdout + trained.stderr
    assert "train it longer first. Beyond that, record" in luthier_command("evaluate", output, dataset).stdout
    # The run beside an instrument may be that of another one, which was there before under this name.
    longer = ("train", dataset, "-o", output, "--run-folder", tmp_path / "elsewhere", "--force", "--steps", 2, *TINY)
    assert luthier_command(*longer).code == 0
    assert "train it longer first" not in luthier_command("evaluate", output, dataset).stdout


def test_evaluate_compares_two_instruments_and_makes_a_listening_test(
    trained, dataset, luthier_command, tmp_path
) -> None:
    output, _ = trained
    other = tmp_path / "other.safetensors"
    other.write_bytes(output.read_bytes())
    outcome = luthier_command(
        "evaluate", output, dataset, "--against", other, "--listening-test", "-o", tmp_path / "report", "--json"
    )
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["against"]["mss_rel"] == outcome.json["mss_rel"]
    assert {each["mean"] for each in outcome.json["comparison"]} == {0.0}
    assert {"mss_rel", "mel_db", "loudness_db_l1"} <= {each["metric"] for each in outcome.json["comparison"]}
    assert json.loads((tmp_path / "report" / "scores.json").read_text()) == outcome.json
    assert "string and other" in (tmp_path / "report" / "report.html").read_text()
    page = (tmp_path / "report" / "listening-test.html").read_text()
    assert "data:audio/flac" in page
    told = luthier_command("evaluate", output, dataset, "--against", other).stdout
    assert "other against string, passage by passage" in told


def test_scores_of_one_passage_are_json_all_the_same(trained, dataset, luthier_command, tmp_path, monkeypatch) -> None:
    alone = Difference("mss_rel", -0.1, math.nan, math.nan, n_better=1, n_passages=1)
    monkeypatch.setattr("luthier.evaluation.comparison.compare", lambda *_: [alone])
    output, _ = trained
    other = tmp_path / "other.safetensors"
    other.write_bytes(output.read_bytes())
    outcome = luthier_command("evaluate", output, dataset, "--against", other, "-o", tmp_path / "report", "--json")
    assert outcome.code == 0, outcome.stderr
    kept = json.loads((tmp_path / "report" / "scores.json").read_text(), parse_constant=pytest.fail)
    assert kept["comparison"] == outcome.json["comparison"]
    assert kept["comparison"][0]["low"] is None


def test_a_second_instrument_that_does_not_fit_is_named_before_the_first_is_scored(
    trained, dataset, luthier_command, monkeypatch
) -> None:
    monkeypatch.setattr("luthier.evaluation.evaluate.evaluate", lambda *_, **__: pytest.fail("scored"))
    outcome = luthier_command("evaluate", trained[0], dataset, "--against", "violin-studio")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "violin-studio expects 44100" in outcome.stderr


def test_a_listening_test_at_a_rate_without_an_anchor_is_refused_before_the_work(
    trained, luthier_command, recordings, tmp_path, monkeypatch
) -> None:
    rate = ("--sample-rate", 8000, "--tracker", "swift", "--jobs", 1)
    prepared = luthier_command("prepare", recordings / "take.wav", "-o", tmp_path / "ds", *rate)
    assert prepared.code == 0, prepared.stderr
    monkeypatch.setattr("luthier.apps.cli.evaluate._entrants", lambda *_: pytest.fail("scored"))
    outcome = luthier_command("evaluate", trained[0], tmp_path / "ds", "--listening-test", "-o", tmp_path / "report")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "Leave out --listening-test" in outcome.stderr
    assert not (tmp_path / "report").exists()


def test_an_instrument_is_not_compared_with_itself(trained, dataset, luthier_command) -> None:
    outcome = luthier_command("evaluate", trained[0], dataset, "--against", trained[0])
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "same instrument" in outcome.stderr


def test_a_listening_test_needs_a_place(trained, dataset, luthier_command) -> None:
    outcome = luthier_command("evaluate", trained[0], dataset, "--listening-test")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "-o FOLDER" in outcome.stderr


@pytest.mark.slow
def test_the_demo_leaves_a_page_sounds_and_an_instrument(luthier_command, tmp_path) -> None:
    outcome = luthier_command("demo", "-o", tmp_path / "demo", "--minutes", 0.05, "--json")
    assert outcome.code == 0, outcome.stderr
    document = outcome.json
    assert "<audio" in Path(document["report"]).read_text()
    assert Path(document["picture"]).read_bytes().startswith(b"\x89PNG")
    for path in document["sounds"].values():
        samples, rate = soundfile.read(path)
        assert rate == 16000
        assert abs(samples).max() > 1e-3
    refused = luthier_command("demo", "-o", tmp_path / "demo")
    assert refused.code == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("precious")
    assert luthier_command("demo", "-o", tmp_path / "other", "--force").code == 1
    assert (tmp_path / "other" / "thesis.txt").read_text() == "precious"
