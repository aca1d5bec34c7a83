"""Damage to files from strangers: by the byte, by the JSON value, by the shape of the whole."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 1023, 1024, 1025, 10**9, 2**31, 2**63, 10**30, -(2**63), 0.0, -0.0, 0.5, 1e308, -1e308, 1e-308,
    float("nan"), float("inf"), "", "a", "harmonic", "free_taps", "../../etc/passwd", "\x00", "\n", "\ud800", "9" * 5000,
    "é" * 300, [], {}, [[]], [0] * 200, ["a"] * 2000, {"a": 1}, {str(i): i for i in range(1200)},
)  # fmt: skip
ODD_BYTES = (b"\x00", b"\xff", b"{", b"}", b"[", b'"', b",", b":", b"\\", b"-", b"9" * 40, b"e999", b"NaN", b"\\ud800")
LONGEST_DAMAGE = 16


def damaged_bytes(content: bytes, generator: random.Random, *, n_first: int | None = None) -> bytes:
    """Change, insert, remove, repeat or cut off up to four stretches; nine in ten among the first `n_first` bytes."""
    found = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        end = len(found) if n_first is None or generator.random() < 0.1 else min(n_first, len(found))
        place = generator.randint(0, max(0, end - 1))
        _damage(found, place, generator)
    return bytes(found)


def _damage(found: bytearray, place: int, generator: random.Random) -> None:
    kind, length = generator.randrange(7), generator.randint(1, LONGEST_DAMAGE)
    if kind == 0 and place < len(found):
        found[place] ^= 1 << generator.randrange(8)
    elif kind == 1:
        found[place : place + length] = generator.randbytes(length)
    elif kind == 2:
        found[place:place] = generator.choice(ODD_BYTES)
    elif kind == 3:
        del found[place : place + length]
    elif kind == 4:
        found[place:place] = found[place : place + 8 * length]
    elif kind == 5:
        found[place : place + 1] = generator.choice(ODD_BYTES)
    elif generator.random() < 0.2:
        del found[place:]


def damaged_table(table: dict[str, Any], generator: random.Random) -> str:
    """JSON of a table in which one to three values are replaced, removed, added, moved or doubled."""
    changed = copy.deepcopy(table)
    for _ in range(generator.randint(1, 3)):
        _damage_value(changed, generator)
    text = json.dumps(changed)
    if generator.random() < 0.1:  # a key that occurs twice
        key = generator.choice(sorted(table))
        text = f"{{{json.dumps(key)}: {json.dumps(generator.choice(ODD_VALUES))}, {text[1:]}"
    return text


def _damage_value(table: dict[str, Any], generator: random.Random) -> None:
    place: Any = table
    while True:
        if not place:
            return
        key = generator.choice(sorted(place)) if isinstance(place, dict) else generator.randrange(len(place))
        if not isinstance(place[key], dict | list) or generator.random() < 0.3:
            break
        place = place[key]
    kind = generator.randrange(4)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, dict):
        place[generator.choice(("a", "", "kind", "\x00", "é" * 50))] = _odd_value(generator)
    elif kind == 2 and isinstance(place[key], int | float) and not isinstance(place[key], bool):
        place[key] = generator.choice((place[key] + 1, -place[key], place[key] * 1000, place[key] / 3, str(place[key])))
    else:
        place[key] = _odd_value(generator)


def _odd_value(generator: random.Random) -> Any:
    return copy.deepcopy(generator.choice(ODD_VALUES))  # it may be damaged in its turn
