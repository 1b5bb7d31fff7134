"""Facts and long lists in one object, of which a page reads no more than it shows.

The length of the head in ten digits, the head as JSON (the facts; of each list how long it is and where every hundredth row
begins, counted from the end of the head), then the rows, a JSON value a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload

STRIDE = 100
DIGITS, FIRST_BYTES = 10, 32_768

# Gets the place of the first byte and how many there are; answers fewer where the object ends.
Read = Callable[[int, int], bytes]
T = TypeVar("T")


def packed(facts: Mapping[str, Any], lists: Mapping[str, Iterable[Any]]) -> bytes:
    """`facts` and the rows are anything that JSON holds."""
    body, places = bytearray(), {}
    for name, rows in lists.items():
        starts, count = [], 0
        for count, row in enumerate(rows, start=1):
            if count % STRIDE == 1:
                starts.append(len(body))
            body += json.dumps(row, ensure_ascii=False).encode() + b"\n"
        places[name] = [count, [*starts, len(body)]]
    head = json.dumps({"facts": facts, "lists": places}).encode()
    return b"%0*d" % (DIGITS, len(head)) + head + bytes(body)


class Rows(Sequence[T]):
    """One of the lists; a slice of it is one read. `made` turns a row into what it stands for."""

    def __init__(self, count: int, starts: Sequence[int], read: Read, made: Callable[[Any], T]):
        self._count, self._starts, self._read, self._made = count, starts, read, made

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, wanted: int) -> T: ...

    @overload
    def __getitem__(self, wanted: slice) -> list[T]: ...

    def __getitem__(self, wanted: int | slice) -> T | list[T]:
        if isinstance(wanted, int):
            place = range(self._count)[wanted]
            return self[place : place + 1][0]
        first, end, step = wanted.indices(self._count)
        if first >= end:
            return []
        low, high = first // STRIDE, -(-end // STRIDE)
        data = self._read(self._starts[low], self._starts[high] - self._starts[low])
        lines = data.split(b"\n")[first - low * STRIDE : end - low * STRIDE : step]
        # Many at a time cost half of what they cost one by one; all at once would keep them all beside what is made of them.
        parts = (lines[place : place + STRIDE] for place in range(0, len(lines), STRIDE))
        return [self._made(row) for part in parts for row in json.loads(b"[%s]" % b",".join(part))]


def opened(read: Read, made: Mapping[str, Callable[[Any], Any]]) -> tuple[dict[str, Any], dict[str, Rows[Any]]]:
    """The facts, and the lists named in `made`. Raises ValueError, KeyError or TypeError for what was not packed here."""
    data = read(0, FIRST_BYTES)
    end = DIGITS + int(data[:DIGITS])
    if end > len(data):
        data += read(len(data), end - len(data))
    head = json.loads(data[DIGITS:end])

    def rest(start: int, count: int) -> bytes:
        return data[end + start : end + start + count] if end + start + count <= len(data) else read(end + start, count)

    return head["facts"], {name: Rows(*head["lists"][name], rest, one) for name, one in made.items()}
