from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.dsp.signals import Controls
from luthier.errors import LuthierError, OutputError, RangeError, ShapeError
from luthier.export.control_curves import read_controls, save_controls

SIZES = {"n_harmonics": 4, "n_bands": 3, "frame_rate": 100.0}


def controls(n_frames: int = 20) -> Controls:
    share = torch.rand(1, n_frames, 4) + 0.1
    return Controls(
        200 + 100 * torch.rand(1, n_frames, 1),
        torch.rand(1, n_frames, 1),
        share / share.sum(-1, keepdim=True),
        torch.rand(1, n_frames, 3),
    )


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_what_was_saved_is_read_again(tmp_path: Path, name: str) -> None:
    played = controls()
    save_controls(tmp_path / name, played, 100.0)
    for found, expected in zip(read_controls(tmp_path / name, **SIZES), played, strict=True):
        assert torch.allclose(found, expected, rtol=1e-6)


def test_a_table_has_names_and_times(tmp_path: Path) -> None:
    save_controls(tmp_path / "a.csv", controls(), 100.0)
    header, first, second, *_ = (tmp_path / "a.csv").read_text().splitlines()
    assert header.startswith("seconds,f0_hz,amplitude,harmonic_1,")
    assert header.endswith("noise_1,noise_2,noise_3")
    assert [row.split(",")[0] for row in (first, second)] == ["0.000000", "0.010000"]


def test_an_edited_harmonic_is_louder_by_itself(tmp_path: Path) -> None:
    played = controls()
    share = played.harmonic_distribution.clone()
    share[..., 1] *= 2
    save_controls(tmp_path / "a.npz", played._replace(harmonic_distribution=share), 100.0)
    read = read_controls(tmp_path / "a.npz", **SIZES)
    assert torch.allclose(read.harmonic_distribution.sum(-1), torch.tensor(1.0))
    assert torch.allclose(read.amplitude * read.harmonic_distribution, played.amplitude * share, rtol=1e-5)


def test_nothing_is_overwritten_and_only_curves_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("precious")
    with pytest.raises(OutputError, match="--force"):
        save_controls(tmp_path / "a.csv", controls(), 100.0)
    with pytest.raises(OutputError, match=r"\.npz"):
        save_controls(tmp_path / "a.txt", controls(), 100.0)


HEADER = "seconds,f0_hz,amplitude,harmonic_1,harmonic_2,harmonic_3,harmonic_4,noise_1,noise_2,noise_3"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", RangeError),
        (HEADER, RangeError),
        (f"{HEADER}\n0,440,1,1,0,0,0,0,0,loud", RangeError),
        (f"{HEADER}\n0,440,1,1,0", ShapeError),
        (f"{HEADER}\n0,440,1,1,0,0,0,0,0,nan", RangeError),
        (f"{HEADER}\n0,440,-1,1,0,0,0,0,0,0", RangeError),
        (f"{HEADER}\n0,1e30,1,1,0,0,0,0,0,0", RangeError),
        (f"{HEADER}\n0,0,1,1,0,0,0,0,0,0", RangeError),
        ("seconds,f0_hz,amplitude,harmonic_1,noise_1\n0,440,1,1,0", ShapeError),
    ],
    ids=["empty", "no frame", "word", "short row", "nan", "negative", "beyond", "no pitch", "another instrument"],
)
def test_tables_that_make_no_sense_are_refused(tmp_path: Path, text: str, error: type[LuthierError]) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(error, match=r"a\.csv"):
        read_controls(tmp_path / "a.csv", **SIZES)


def test_a_value_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    rows = ["0,440,1,1,0,0,0,0,0,0", "0.01,440,1,1,0,0,-2,0,0,0"]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]))
    with pytest.raises(RangeError, match=r"harmonic_4 of frame 2 is -2\. Expected numbers from 0 to 100000\."):
        read_controls(tmp_path / "a.csv", **SIZES)


def test_a_table_of_a_spreadsheet_with_decimal_commas_is_read(tmp_path: Path) -> None:
    save_controls(tmp_path / "a.csv", controls(), 100.0)
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "b.csv").write_text(text.replace(",", ";").replace(".", ",") + ";;;;;;;;;\n")
    ours, theirs = (read_controls(tmp_path / name, **SIZES) for name in ("a.csv", "b.csv"))
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_arrays_of_another_instrument_are_refused(tmp_path: Path) -> None:
    save_controls(tmp_path / "a.npz", controls(), 100.0)
    with pytest.raises(ShapeError, match="instrument"):
        read_controls(tmp_path / "a.npz", **SIZES | {"n_harmonics": 9})
    np.savez(tmp_path / "b.npz", f0_hz=np.ones(3))
    with pytest.raises(ShapeError, match=r"b\.npz: holds no 'amplitude'"):
        read_controls(tmp_path / "b.npz", **SIZES)


def test_arrays_that_are_none_are_refused(tmp_path: Path) -> None:
    save_controls(tmp_path / "a.npz", controls(200), 100.0)
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "text.npz").write_bytes(b"no arrays at all")
    for start in range(100, len(whole), len(whole) // 20):
        (tmp_path / f"damaged{start}.npz").write_bytes(whole[:start] + bytes(20) + whole[start + 20 :])
    fields = dict(np.load(tmp_path / "a.npz"))
    np.savez(tmp_path / "complex.npz", **fields | {"f0_hz": fields["f0_hz"] * 1j})
    np.savez(tmp_path / "words.npz", **fields | {"f0_hz": fields["f0_hz"].astype(str)})
    refused = 0
    for path in sorted(set(tmp_path.glob("*.npz")) - {tmp_path / "a.npz"}):
        try:
            read_controls(path, **SIZES)
        except LuthierError as error:
            refused += "Expected what --save-curves writes" in str(error)
    assert refused >= 15  # some damage lies where nobody looks


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_frames_closer_than_the_instruments_are_refused_rather_than_played_too_slowly(
    tmp_path: Path, name: str
) -> None:
    save_controls(tmp_path / name, controls(), 172.0)
    with pytest.raises(RangeError, match=r"5\.814 ms apart, but those of this instrument are 10 ms"):
        read_controls(tmp_path / name, **SIZES)


@pytest.mark.parametrize("decimals", [2, 3])
def test_times_that_a_spreadsheet_rounded_are_those_of_before(tmp_path: Path, decimals: int) -> None:
    save_controls(tmp_path / "a.csv", controls(200), 172.265625)  # 256 samples at 44.1 kHz: 5.8 ms
    head, *rows = (tmp_path / "a.csv").read_text().splitlines()
    cells = [row.split(",", 1) for row in rows]
    rounded = [f"{float(time):.{decimals}f},{rest}" for time, rest in cells]
    (tmp_path / "b.csv").write_text("\n".join([head, *rounded]))
    assert read_controls(tmp_path / "b.csv", **SIZES | {"frame_rate": 172.265625}).f0_hz.shape[1] == 200
    (tmp_path / "c.csv").write_text("\n".join([head, *rounded[:3], f"nan,{cells[3][1]}"]))
    with pytest.raises(RangeError, match="seconds"):
        read_controls(tmp_path / "c.csv", **SIZES | {"frame_rate": 172.265625})


def test_rows_that_were_taken_out_leave_no_gap(tmp_path: Path) -> None:
    save_controls(tmp_path / "a.csv", controls(), 100.0)
    rows = (tmp_path / "a.csv").read_text().splitlines(keepends=True)
    (tmp_path / "a.csv").write_text("".join(rows[:6] + rows[12:]))
    assert read_controls(tmp_path / "a.csv", **SIZES).f0_hz.shape == (1, 14, 1)
