"""Names of sound files as libsndfile wants them, whatever characters they hold."""

from __future__ import annotations

import os
from pathlib import Path


def native_path(path: Path) -> str | bytes:
    """The path as the system stores it: bytes where names may be no valid text, text on Windows."""
    return str(path) if os.name == "nt" else os.fsencode(path)
