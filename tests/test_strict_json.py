from __future__ import annotations

import pytest

from luthier.strict_json import MAX_KEYS, parse_json


def test_what_json_holds_is_read() -> None:
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '["\\ud800"]', "{", "{" + ",".join(f'"{n}": 0' for n in range(MAX_KEYS + 1)) + "}"],
    ids=["a key twice", "half a character", "no JSON", "too many keys"],
)
def test_what_no_file_of_ours_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"twice|surrogates|Expecting|at most"):
        parse_json(text)
