"""Where a command's words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that would break a table or steer a terminal; names from strangers may hold them."""


def say(message: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    print(message, file=sys.stderr, flush=True)


def say_next(*words: object, purpose: str = "Next") -> None:
    """Name the command that usually follows, ready to be pasted, where no larger one goes on by itself."""
    if not is_part():
        say(f"{purpose}: luthier {shlex.join(map(str, words))}")


def is_part() -> bool:
    """Whether this command works for another one, which has the last word: inside its `results_only`."""
    return sys.stdout is sys.stderr


def print_json(document: object) -> None:
    """Print one JSON document on stdout, see `json_text`."""
    _print(json_text(document))


def json_text(document: object) -> str:
    """A document as JSON; numbers that JSON does not have become null."""
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in aligned columns on stdout, whole words, whatever the width of the terminal."""
    texts = [[CONTROLS.sub("?", str(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        _print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print(text: str) -> None:
    """Print on stdout; file names may hold what the terminal's encoding has not, or what is no character at all."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextlib.contextmanager
def results_only() -> Iterator[None]:
    """Send to stderr whatever the work inside prints, so that stdout holds the result and nothing else."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def show_logs() -> None:
    """Let the library's warnings reach stderr as plain lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("luthier")
    if not logger.handlers:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _plain(value: object) -> object:
    """Only what JSON knows: mappings, lists, text, finite numbers, booleans and null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value
