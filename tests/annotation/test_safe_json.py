"""JSON built to hurt."""

import json
import time

import pytest

from ppi.annotation import safe_json
from ppi.errors import AnnotationError


@pytest.mark.parametrize(
    ("text", "message"),
    [("[" * 100_000, "nested too deeply"), ("[" * 65 + "]" * 65, "nested too deeply"),
     ('{"a":' * 70 + "1" + "}" * 70, "nested"),
     ('[{"start": NaN}]', "NaN"), ("[Infinity]", "Infinity"), ("[-Infinity]", "Infinity"), ("[1e999]", "1e999"),
     ('{"start": 1, "start": 2}', "'start' twice"), ('["\\ud83d"]', "broken characters"),
     ("[\"\ud83d\"]", "broken characters"),
     (b'["\xff"]', "not UTF-8"), ("[1", "cut off"), ("[1,]", "line 1"), ('["a\tb"]', "line 1"),
     ("[" + "9" * 5000 + "]", "too long")],
)  # fmt: skip
def test_hostile_json_is_refused_with_its_reason(text, message):
    with pytest.raises(AnnotationError, match=message):
        safe_json.loads(text)


def test_sixty_four_levels_are_read():
    assert safe_json.loads("[" * 64 + "]" * 64)


def test_brackets_and_quotes_inside_texts_are_no_structure():
    given = ["[[[[" * 50, '\\" [', "ends with a backslash \\", '\\\\"', "{", "😊", "\u2028"]
    assert safe_json.loads(json.dumps(given)) == given
    assert safe_json.loads(json.dumps(given, ensure_ascii=False)) == given


def test_more_than_fifty_megabytes_are_refused_before_parsing():
    with pytest.raises(AnnotationError, match="larger than 50 MB"):
        safe_json.loads(b"[" + b" " * 50_000_000 + b"]")


@pytest.mark.parametrize("piece", [b"[],", b"{},"])
def test_millions_of_empty_objects_are_refused_quickly(piece):
    start_s = time.monotonic()
    with pytest.raises(AnnotationError, match="too many values"):
        safe_json.loads(b"[" + piece * 7_000_000 + b"1]")
    assert time.monotonic() - start_s < 10
