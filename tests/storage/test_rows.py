"""Long lists in one object: a slice is read in one go, and nothing else of them."""

from __future__ import annotations

import pytest

from ppi.storage import rows


def opened(data: bytes, reads: list[int], **made):
    def read(offset: int, length: int) -> bytes:
        reads.append(length)
        return data[offset : offset + length]

    return rows.opened(read, made)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_a_list_is_sliced_as_any_other(count):
    given = [[number, f"Метка\n{number}"] for number in range(count)]
    data = rows.packed({"all": count}, {"few": ["a"], "many": given, "none": []})
    facts, lists = opened(data, [], few=str, many=list, none=str)
    found = lists["many"]
    assert facts == {"all": count} and len(found) == count and list(found) == given
    for wanted in (slice(None), slice(40, 80), slice(95, 105), slice(100, 200), slice(240, 900), slice(-3, None), slice(9, 2)):
        assert found[wanted] == given[wanted]
    assert list(lists["few"]) == ["a"] and list(lists["none"]) == [] and not lists["none"]
    with pytest.raises(IndexError):
        found[count]


def test_a_page_of_many_rows_takes_one_read_of_what_lies_around_it():
    given, reads = list(range(100_000)), []
    data = rows.packed({"words": "x" * rows.FIRST_BYTES}, {"many": given})
    _, lists = opened(data, reads, many=int)
    assert len(reads) == 2, "the head is longer than what is read at first"
    assert lists["many"][50_040:50_080] == given[50_040:50_080]
    assert len(reads) == 3 and reads[2] < 1_000


def test_a_small_object_is_read_once():
    reads: list[int] = []
    _, lists = opened(rows.packed({}, {"one": [1, 2], "two": [3]}), reads, one=int, two=int)
    assert (list(lists["one"]), list(lists["two"]), len(reads)) == ([1, 2], [3], 1)


@pytest.mark.parametrize("data", [b"", b"{}", b"0000000009{}", b"0000000002[]", b"x" * 40_000])
def test_what_was_not_packed_here_is_refused(data):
    with pytest.raises((ValueError, KeyError, TypeError)):
        opened(data, [], one=int)
