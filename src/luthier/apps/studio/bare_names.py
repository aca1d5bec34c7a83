"""Names as a visitor knows them: without the folder that a dropped file was put into."""

from __future__ import annotations

import os
from pathlib import Path


def with_bare_names(text: str, folder: Path) -> str:
    """A sentence about files in a folder, without the folder."""
    return text.replace(f"{folder}{os.sep}", "")
