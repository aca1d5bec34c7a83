from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.data.f0_files import given_pitch, read_f0, write_f0
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError

DEFINITION = FeatureDefinition()
"""16 kHz, a frame every 10 ms."""


def curve(path: Path, *rows: str, header: str = "seconds,f0_hz,periodicity") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def sung(path: Path, f0_hz: np.ndarray, rate_hz: float) -> Path:
    return curve(path, *(f"{row / rate_hz:.6f},{hertz}" for row, hertz in enumerate(f0_hz)), header="seconds,f0_hz")


def test_what_is_written_is_read_and_rests_are_0_hz(tmp_path: Path) -> None:
    f0_hz = torch.linspace(100.0, 900.0, 50)
    periodicity = torch.where(torch.arange(50) < 40, 0.9, 0.2)
    write_f0(tmp_path / "a.csv", f0_hz, periodicity, DEFINITION)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[:2] == ["seconds,f0_hz,periodicity", "0.000000,100,0.899999976"]
    assert lines[-1] == "0.490000,0,0.200000003"
    pitch = given_pitch(read_f0(tmp_path / "a.csv"), 50 * 160, DEFINITION)
    torch.testing.assert_close(pitch.f0_hz[0, :40, 0], f0_hz[:40], rtol=1e-5, atol=0)
    torch.testing.assert_close(pitch.periodicity[0, :, 0], periodicity, rtol=1e-4, atol=0)
    assert (pitch.f0_hz[0, 40:] == pitch.f0_hz[0, 39]).all()


@pytest.mark.parametrize("rate_hz", [62.5, 172.265625, 100.0, 25.0])
def test_rows_at_any_rate_are_read_at_our_frames(tmp_path: Path, rate_hz: float) -> None:
    seconds = np.arange(round(4 * rate_hz)) / rate_hz
    glide = sung(tmp_path / "a.csv", 200 * 2 ** (seconds / 4), rate_hz)
    pitch = given_pitch(read_f0(glide), 64000, DEFINITION)
    expected = 200 * 2 ** (np.arange(400) / 400)
    inside = np.arange(400) / 100 <= seconds[-1]
    cents = 1200 * np.log2(pitch.f0_hz[0, :, 0].numpy() / expected)
    assert np.abs(cents[inside]).max() < 0.01
    assert (pitch.periodicity == 1).all()


def test_a_leap_is_no_glide_and_a_rest_keeps_its_place(tmp_path: Path) -> None:
    notes = np.repeat([220.0, 440.0, 0.0, 330.0], 50)
    pitch = given_pitch(read_f0(sung(tmp_path / "a.csv", notes, 50.0)), 64000, DEFINITION)
    f0_hz, periodicity = pitch.f0_hz[0, :, 0].numpy(), pitch.periodicity[0, :, 0].numpy()
    # Half a row at either side of a change may be read either way.
    assert set(np.unique(f0_hz[:199].round(3))) <= {220.0, 440.0}
    assert (periodicity[202:298] == 0).all()
    assert (periodicity[:198] == 1).all()
    assert (periodicity[302:] == 1).all()


def test_the_pitch_decides_where_a_periodicity_contradicts_it(tmp_path: Path) -> None:
    path = curve(tmp_path / "a.csv", "0,0,0.9", "0.01,440,0.1", "0.02,440,0.7", "0.03,0,0.3")
    np.testing.assert_allclose(read_f0(path).periodicity, [0, 1, 0.7, 0.3])


def test_semicolons_decimal_commas_other_columns_and_empty_lines_are_read(tmp_path: Path) -> None:
    path = curve(tmp_path / "a.csv", "0,00;too low;220,5", ";;", "0,01;;0", header="\ufeffseconds;remark;f0_hz")
    read = read_f0(path)
    np.testing.assert_allclose(read.f0_hz, [220.5, 0])
    np.testing.assert_allclose(read.periodicity, [1, 0])


@pytest.mark.parametrize(
    ("rows", "header", "reason"),
    [
        (["0,440"], "time,hertz", r"the first row is 'time,hertz', expected seconds,f0_hz,periodicity"),
        (["0,440", "0.01,nan"], "seconds,f0_hz", r"row 3: 'nan', expected a number of 0 or more"),
        (["0,440", "0.01,-440"], "seconds,f0_hz", r"row 3: '-440', expected a number of 0 or more"),
        (["0,440", "0.01"], "seconds,f0_hz", r"row 3: '', expected a number"),
        (["0,440", "0.01,A4"], "seconds,f0_hz", r"row 3: 'A4', expected a number"),
        (["0,440", "0,441"], "seconds,f0_hz", r"row 3: 0 s does not come after 0 s"),
        (["0,440,3"], "seconds,f0_hz,periodicity", r"row 2: periodicity 3, expected 0 to 1"),
        (["0,440"], "seconds,f0_hz", r"1 rows, expected one for each frame"),
        (["0,1", "1,1", "2,1", "9,1"], "seconds,f0_hz", r"no rows between 2 s and 9 s"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(tmp_path: Path, rows: list[str], header: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_f0(curve(tmp_path / "a.csv", *rows, header=header))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01" * 10)
    with pytest.raises(ConfigError, match="not a CSV file"):
        read_f0(tmp_path / "a.csv")


@pytest.mark.parametrize("n_samples", [16000, 48000])
def test_a_curve_of_another_length_is_refused(tmp_path: Path, n_samples: int) -> None:
    read = read_f0(sung(tmp_path / "a.csv", np.full(200, 440.0), 100.0))
    given_pitch(read, 32000, DEFINITION)
    with pytest.raises(ConfigError, match=r"from 0 s to 1\.99 s, the recording from 0 to"):
        given_pitch(read, n_samples, DEFINITION)


def test_a_pitch_outside_the_range_is_named(tmp_path: Path) -> None:
    read = read_f0(sung(tmp_path / "a.csv", np.array([440.0] * 150 + [4400.0] * 50), 100.0))
    with pytest.raises(ConfigError, match=r"4400 Hz at 1\.5 s, expected 50 to 2000 Hz"):
        given_pitch(read, 32000, DEFINITION)
    assert given_pitch(read, 32000, FeatureDefinition(f0_max_hz=5000.0)).f0_hz.max() == 4400.0
