"""Pitch curves given back to `prepare`."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest
import soundfile
import torch

from data.known_material import tone
from luthier.data import prepare_recording
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, OutputError

SWIFT = FeatureDefinition(tracker="swift")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    for folder, hertz in (("soft", 220.0), ("loud", 330.0)):
        (tmp_path / "in" / folder).mkdir(parents=True)
        soundfile.write(tmp_path / "in" / folder / "take 1.wav", tone(8.0, 16000, hertz), 16000)
    return tmp_path / "in"


def first_pitch(dataset: Path) -> list[float]:
    opened = Dataset.open(dataset)
    return [float(opened.arrays(one.id).f0_hz.median()) for one in opened.recordings]


def test_the_pitch_of_a_violin_makes_the_round_trip_and_a_correction_reaches_the_dataset(tmp_path: Path) -> None:
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as violin:
        prepare([violin], tmp_path / "one", SWIFT, n_jobs=1, save_f0=tmp_path / "curves")
        curve = tmp_path / "curves" / "violin.csv"
        lines = curve.read_text().splitlines()
        rows = [line.split(",") for line in lines[1:]]
        for row in rows[1000:1100]:
            row[1] = "441.5"
        curve.write_text("\n".join([lines[0], *(",".join(row) for row in rows)]), encoding="utf-8")
        report = prepare([violin], tmp_path / "two", SWIFT, n_jobs=1, use_f0=tmp_path / "curves")
    assert report.n_given_f0 == 1
    before, after = (Dataset.open(tmp_path / name) for name in ("one", "two"))
    old, new = (dataset.arrays(dataset.recordings[0].id) for dataset in (before, after))
    assert torch.equal(old.audio, new.audio)
    assert torch.equal(old.loudness_db, new.loudness_db)
    is_untouched = torch.ones(len(old.f0_hz), dtype=torch.bool)
    is_untouched[1000:1100] = False
    is_pitched = is_untouched & (old.periodicity >= 0.5)
    torch.testing.assert_close(new.f0_hz[is_pitched], old.f0_hz[is_pitched], rtol=1e-5, atol=0)
    torch.testing.assert_close(new.periodicity[is_untouched], old.periodicity[is_untouched], rtol=0, atol=1e-4)
    assert (new.f0_hz[1000:1100] == 441.5).all()
    assert (new.periodicity[1000:1100] >= 0.5).all()
    # The expression is measured at the pitch that is given.
    assert not torch.equal(old.brightness_octaves[1000:1100], new.brightness_octaves[1000:1100])


def test_folders_of_recordings_become_folders_of_curves(recordings: Path, tmp_path: Path) -> None:
    prepare([recordings], tmp_path / "one", SWIFT, n_jobs=1, save_f0=tmp_path / "curves")
    assert sorted(
        path.relative_to(tmp_path / "curves").as_posix() for path in (tmp_path / "curves").rglob("*.csv")
    ) == [
        "loud/take 1.csv",
        "soft/take 1.csv",
    ]
    soft = tmp_path / "curves" / "soft" / "take 1.csv"
    soft.write_text("seconds,f0_hz\n" + "".join(f"{row / 50},500\n" for row in range(400)))
    (tmp_path / "curves" / "loud" / "take 1.csv").unlink()
    report = prepare([recordings], tmp_path / "two", SWIFT, n_jobs=1, use_f0=tmp_path / "curves")
    assert report.n_given_f0 == 1
    assert sorted(first_pitch(tmp_path / "two")) == pytest.approx([330.0, 500.0], rel=1e-3)


def test_curves_that_are_there_are_never_replaced(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "curves").mkdir()
    with pytest.raises(OutputError, match="may hold corrections"):
        prepare([recordings], tmp_path / "ds", SWIFT, n_jobs=1, save_f0=tmp_path / "curves", force=True)
    assert not (tmp_path / "ds").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("loud/take 2.csv", r"take 2\.csv: belongs to none.*such as .*take 1\.csv"), ("notes.txt", "no pitch curves in")],
)
def test_a_curve_of_no_recording_is_named(recordings: Path, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "curves" / "loud").mkdir(parents=True)
    (tmp_path / "curves" / name).write_text("seconds,f0_hz\n0,440\n")
    with pytest.raises(ConfigError, match=reason):
        prepare([recordings], tmp_path / "ds", SWIFT, n_jobs=1, use_f0=tmp_path / "curves")


def test_two_recordings_that_would_share_a_curve_are_named(recordings: Path, tmp_path: Path) -> None:
    soundfile.write(recordings / "soft" / "take 1.flac", tone(8.0, 16000, 400.0), 16000)
    with pytest.raises(ConfigError, match=r"both would have the pitch curve soft.take 1\.csv"):
        prepare([recordings], tmp_path / "ds", SWIFT, n_jobs=1, save_f0=tmp_path / "curves")
    prepare([recordings], tmp_path / "ds", SWIFT, n_jobs=1)


def test_a_wrong_curve_stops_with_its_name_and_a_corrected_one_goes_on(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare([recordings], tmp_path / "one", SWIFT, n_jobs=1, save_f0=tmp_path / "curves")
    soft = tmp_path / "curves" / "soft" / "take 1.csv"
    good = soft.read_text()
    soft.write_text(good.replace("\n0.020000,", "\n0.010000,"))
    with pytest.raises(ConfigError, match=r"take 1\.csv: row 4: .* 1 finished recordings are kept"):
        prepare([recordings], tmp_path / "two", SWIFT, n_jobs=1, use_f0=tmp_path / "curves")
    assert not (tmp_path / "two").exists()
    soft.write_text(good)
    done: list[Path] = []
    honest = prepare_recording._prepare
    monkeypatch.setattr(prepare_recording, "_prepare", lambda job: (done.append(job.path), honest(job))[1])
    prepare([recordings], tmp_path / "two", SWIFT, n_jobs=1, use_f0=tmp_path / "curves")
    assert [path.parent.name for path in done] == ["soft"]
