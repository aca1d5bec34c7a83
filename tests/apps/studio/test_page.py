"""The page as a visitor meets it: the command at work, asked over HTTP."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError

import pytest

from apps.studio.asking import VIOLIN, VOICE, check, fetch, play
from luthier.data.audio_files import load_audio


def test_every_recording_gets_a_light_and_a_sentence_and_red_ones_build_nothing_unasked(
    visitor, studio, tmp_path
) -> None:
    broken = tmp_path / "broken & lost.wav"
    broken.write_text("this is no sound")
    client = visitor()
    summary, page = check(client, VOICE, broken)
    assert "Not fit as it is" in summary
    assert "too little, record at least one minute" in summary
    assert re.search(r'light red">red</td><th>broken &amp; lost.wav</th><td>.*not a sound file', summary)
    assert re.search(r'light yellow">yellow</td><th>voice.flac</th>', summary)
    assert str(studio.temporary) not in summary
    pictures, _ = fetch(studio.url + re.findall('src="(/check/.+?)"', page)[0])
    assert "Check of 1 recordings" in pictures
    assert pictures.count("data:image/png") == 2
    assert "red points" in client.predict("lute", 1, False, api_name="/build")[0]
    assert "expected a name" in client.predict("../lute", 1, True, api_name="/build")[0]


def test_a_mistake_of_the_visitors_is_one_line(visitor) -> None:
    client = visitor()
    for line in (check(client)[0], client.predict(None, VIOLIN, "auto", 0, 1, api_name="/play")[0]):
        assert re.fullmatch(r'<p class="note red" role="alert">no (recordings|melody) yet\. [^<]+</p>', line)


def test_nothing_is_built_before_the_check(visitor, studio) -> None:
    refused = visitor().predict("theorbo", 1, True, api_name="/build")[0]
    assert "Check recordings first" in refused
    assert not (studio.folder / "theorbo.safetensors").exists()


def test_visitors_at_the_same_time_each_get_their_own_sound_and_nobody_else_is_called(visitor, studio) -> None:
    clients = [visitor(), visitor()]
    wishes = [(VIOLIN, 1), ("tenor-saxophone (in the box)", -1)]
    with ThreadPoolExecutor() as at_once:
        answers = list(at_once.map(lambda client, wish: play(client, VOICE, *wish), clients, wishes))
    for (sentences, sound, picture), direction, name in zip(
        answers, ("higher", "lower"), ("violin", "tenor-saxophone"), strict=True
    ):
        assert f"12 semitones {direction}" in sentences
        assert Path(sound["value"]).name == f"voice-as-{name}.wav"
        assert float(load_audio(Path(sound["value"]))[0].abs().max()) > 0.05
        assert Path(picture["value"]).read_bytes().startswith(b"\x89PNG")
    assert studio.called.read_text() == ""


@pytest.mark.parametrize(
    "address", ["/check/0123456789abcdef", "/check/..%2f..", "/report/theorbo", "/report/..%2f..%2fsecret"]
)
def test_there_are_no_pages_but_its_own(studio, address) -> None:
    with pytest.raises(HTTPError, match="404"):
        fetch(studio.url + address)


def test_browsers_load_nothing_from_elsewhere_and_leave_the_microphone_as_it_is(studio) -> None:
    page, headers = fetch(studio.url)
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "echoCancellation: false, noiseSuppression: false, autoGainControl: false" in page
    assert not re.search(r'(?:src|href)="https?://(?!127\.0\.0\.1)', page)
