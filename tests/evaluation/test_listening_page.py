"""The page as a browser gets it, and taken by a listener of a few lines where there is node to run its script."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile
import torch

from evaluation.pages import Page
from evaluation.sounds import RATE, tone
from luthier.errors import OutputError, RangeError
from luthier.evaluation.listening_page import render_listening_test, write_listening_test
from luthier.evaluation.listening_trials import Trial
from luthier.evaluation.ratings import read_ratings, set_aside

CONDITIONS = ["reference", "anchor 3.5 kHz", "oracle", "Stradivari"]


def level_of(index: int) -> float:
    return 0.1 * (index + 1)


TRIALS = [
    Trial(
        f"<b>take</b> {number}",
        [(name, level_of(i) * tone(440, seconds=0.2) / 0.3) for i, name in enumerate(CONDITIONS)],
    )
    for number in range(8)
]


@pytest.fixture(scope="module")
def page() -> str:
    return render_listening_test(TRIALS, sample_rate=RATE, credits=["Played by <nobody>"])


def material(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="material">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(text)


def key(page: str) -> list[dict]:
    return json.loads(base64.b64decode(material(page)["key"]))


def decode(uri: str) -> torch.Tensor:
    prefix, content = uri.split(",")
    assert prefix == "data:audio/flac;base64"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="float32")
    assert rate == RATE
    return torch.from_numpy(samples)


def test_every_sound_is_there_under_its_true_condition(page: str) -> None:
    sounds = material(page)["sounds"]
    assert [row["name"] for row in key(page)] == [trial.name for trial in TRIALS]
    for row, uris, trial in zip(key(page), sounds, TRIALS, strict=True):
        assert row["conditions"][row["reference"]] == "reference"
        for name, uri in zip(row["conditions"], uris, strict=True):
            torch.testing.assert_close(decode(uri), dict(trial.sounds)[name][0], atol=1e-4, rtol=0)


def test_nothing_readable_tells_which_sound_is_which(page: str) -> None:
    source = re.sub(r'"sounds": \[.*\]\]', "", page)
    readable = re.sub(r'"key": "[^"]*"', "", source)
    assert len(source) > len(readable)
    for word in ("Stradivari", "oracle", "anchor 3.5", "3.5 kHz", "take"):
        assert word not in readable
    orders = {tuple(row["conditions"]) for row in key(page)}
    assert len(orders) > 4
    assert len({row["reference"] for row in key(page)}) > 1


def test_the_page_loads_nothing_and_is_well_formed(page: str) -> None:
    parsed = Page(page)
    assert parsed.loads == ["script", "script"]
    assert parsed.unbalanced == []
    assert not re.search(r"https?://", page)
    assert "Played by &lt;nobody&gt;" in page


def test_the_same_test_is_the_same_page_and_another_one_keeps_its_own_progress(page: str) -> None:
    assert render_listening_test(TRIALS, sample_rate=RATE, credits=["Played by <nobody>"]) == page
    assert material(render_listening_test(TRIALS[:2], sample_rate=RATE))["id"] != material(page)["id"]


def test_all_that_the_results_need_is_asked_for(page: str) -> None:
    for name in ('id="listener"', 'value="trained"', 'value="untrained"', 'id="download"'):
        assert name in page
    (header,) = re.findall(r'"(test,[a-z0-9_,]+)"', page)
    assert set(header.split(",")) >= {
        "test",
        "listener",
        "experience",
        "trial",
        "condition",
        "rating",
        "seed",
        "seconds",
    }
    assert "SCREENING_RATING = 90" in page
    assert "SCREENING_SHARE = 0.15" in page


def test_a_test_without_trials_is_refused_and_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(RangeError, match="at least one trial"):
        render_listening_test([], sample_rate=RATE)
    (tmp_path / "page.html").write_text("precious")
    with pytest.raises(OutputError, match="--force"):
        write_listening_test(tmp_path / "page.html", TRIALS[:1], sample_rate=RATE)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to run the page's script")
def test_a_listener_practises_rates_everything_and_hands_in_what_can_be_scored(page: str, tmp_path: Path) -> None:
    (tmp_path / "test.html").write_text(page, encoding="utf-8")
    command = ["node", str(Path(__file__).with_name("listening_page_driver.js")), str(tmp_path / "test.html")]
    taken = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert taken["headings"] == ["Practice: nothing here counts", *(f"Trial {number} of 8" for number in range(1, 9))]
    assert taken["csv"].startswith("\ufefftest,")  # or Excel takes it for another encoding
    (tmp_path / "anna.csv").write_text(taken["csv"], encoding="utf-8")
    ratings = read_ratings([tmp_path / "anna.csv"])
    assert len(ratings) == 8 * 4
    assert {rating.listener for rating in ratings} == {'Zoë "A", B'}
    for rating in ratings:
        conditions = taken["key"][int(rating.trial) - 1]["conditions"]
        is_reference = rating.condition == "reference"
        assert rating.rating == (100 if is_reference else 10 * conditions.index(rating.condition))
    assert set_aside(ratings) == set()
    assert taken["file"] == f"listening-test-Zoë-A-B-{ratings[0].seed}.csv"
