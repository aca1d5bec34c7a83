"""JSON from strangers: bounded, without double keys, and all of it text."""

from __future__ import annotations

import json
from typing import Any

MAX_KEYS = 1000
"""Keys in one table; ours have a few dozen."""


def parse_json(text: str) -> Any:
    """Read JSON, trusting nothing in it.

    Raises:
        ValueError: it is no JSON, a key occurs twice, a table is too large, or a text holds half a character.
        RecursionError: it is nested too deeply.
    """
    content = json.loads(text, object_pairs_hook=_unique_keys)
    json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    return content


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key occurs twice")
    if len(content) > MAX_KEYS:
        raise ValueError(f"a table of {len(content)} keys, expected at most {MAX_KEYS}")
    return content
