"""The second tab with the real thing behind it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from apps.studio.asking import VIOLIN, VOICE, check, fetch, play
from luthier.data.audio_files import load_audio

pytestmark = pytest.mark.slow
LONGEST_SECONDS = 300


def test_a_build_stops_goes_on_and_is_played_while_the_other_tabs_stay_open(visitor, studio, take) -> None:
    client, other = visitor(), visitor()
    check(client, take)
    job = client.submit("lute", 0.02, True, api_name="/build")
    wait_for_line(job, "2 of 4")
    assert Path(play(other, VOICE, VIOLIN)[1]["value"]).is_file()
    assert not job.done()
    reloaded = visitor().submit(api_name="/look_again")
    wait_for_line(reloaded, "2 of 4")
    client.predict(api_name="/stop")
    assert "lute: stopped" in last(job, 0)
    assert "lute: stopped" in last(reloaded, 0)
    assert not (studio.folder / "lute.safetensors").exists()

    again = client.submit("lute", 0.02, True, api_name="/build")
    assert "4 of 4" in last(again, 1)
    assert "Once more" in last(again, 1)
    assert "lute is ready" in last(again, 0)
    report, _ = fetch(studio.url + re.findall('src="(/report/.+?)"', last(again, 2))[0])
    assert report.count("<audio") >= 3
    sound = play(other, VOICE, "lute")[1]["value"]
    assert float(load_audio(Path(sound))[0].abs().max()) > 0.01
    assert studio.called.read_text() == ""


def wait_for_line(job, beginning: str) -> None:
    give_up = time.monotonic() + LONGEST_SECONDS
    while not any(beginning in str(row) for row in job.outputs()):
        assert time.monotonic() < give_up
        time.sleep(0.1)


def last(job, place: int) -> str:
    """The last text that came out at a place: later answers may leave it as it was."""
    job.result(LONGEST_SECONDS)
    found = [row[place] for row in job.outputs()]
    texts = [value.get("value", "") if isinstance(value, dict) else value for value in found]
    return next(text for text in reversed(texts) if text)
