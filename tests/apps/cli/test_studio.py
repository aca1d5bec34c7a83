"""`luthier studio`: what it says before there is a page, and what it leaves behind."""

from __future__ import annotations

import signal
import socket
import sys

import pytest

from apps.studio.conftest import open_studio


def test_without_the_extra_it_says_how_to_install_it(luthier_command, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    outcome = luthier_command("studio", "--no-browser")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "pip install 'luthier[web]'" in outcome.stderr


def test_a_port_that_is_taken_is_named(luthier_command, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = luthier_command("studio", "--no-browser", "--port", port)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert f"127.0.0.1:{port}: cannot be listened on" in outcome.stderr
    assert f"--port {port + 1}" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_ends_without_leaving_anything(tmp_path, name) -> None:
    with open_studio(tmp_path) as studio:
        assert list(studio.temporary.glob("luthier-studio-*"))
        studio.process.send_signal(getattr(signal, name))
        assert studio.process.wait(30) == 130
        assert not list(studio.temporary.glob("luthier-studio-*"))
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert not studio.folder.exists()
