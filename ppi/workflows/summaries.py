"""The summaries that a lesson keeps: the document that is shown, earlier results by what they were made of, what changed.

All in `<stem>.summary.json` beside the video, replaced as a whole.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ppi.errors import NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Span, Summary
from ppi.services import Services
from ppi.storage import keys
from ppi.summary import kept as records
from ppi.summary.kept import Changes
from ppi.summary.outline import Block, Picture
from ppi.workflows.ingest import owner_metadata
from ppi.workflows.lessons import SUMMARY_PARTIAL

SUFFIX = ".summary.json"
FIGURE = ".summary."  # what a figure's file name begins with after the stem
MOST_KEPT = 8
WRITE_EVERY_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """One result: the hash of what it was made of, when, and what differs from the one before (None for the first)."""

    input: str
    made_s: float
    summary: Summary
    changes: Changes | None = None
    before: str = ""


@dataclass(frozen=True)
class Document:
    """What the DOCX and the TXT say. The pictures of its blocks are keys in the raw bucket.

    `said` is the hash of what was said when it was written, "" for documents of before.
    """

    title: str
    style: str
    language: str
    blocks: tuple[Block, ...]
    said: str = ""


@dataclass(frozen=True)
class Shelf:
    """Everything that is kept, the newest result first; the first is the one that the document shows."""

    document: Document | None = None
    kept: tuple[Kept, ...] = ()

    def find(self, input_hash: str) -> Kept | None:
        return next((entry for entry in self.kept if entry.input == input_hash), None)

    def with_new(self, input_hash: str, summary: Summary) -> Shelf:
        """With one more result, compared with the newest."""
        newest = self.kept[0] if self.kept else None
        changed = records.changes(newest.summary, summary) if newest else None
        entry = Kept(input_hash, time.time(), summary, changed, newest.summary.engine if newest else "")
        return Shelf(self.document, (entry, *(old for old in self.kept if old.input != input_hash))[:MOST_KEPT])

    def with_first(self, entry: Kept) -> Shelf:
        """With an earlier result shown again; nothing was made, so nothing differs."""
        again = replace(entry, changes=None, before="")
        return Shelf(self.document, (again, *(old for old in self.kept if old.input != entry.input)))


class Unfinished:
    """What a model has answered in a try that has not ended, kept in the store for the next try, on any machine.

    `mark` names what the answers are of: with another mark nothing is known.
    """

    def __init__(self, services: Services, row: LessonRow, mark: str):
        self._services, self._row, self._mark = services, row, mark
        self._key = keys.derivative_key(row.video_key, SUMMARY_PARTIAL)
        self.known = self._load()
        self._written, self._written_s = len(self.known), time.monotonic()

    def write_due(self) -> None:
        """Keep what is new, at most every WRITE_EVERY_S."""
        if len(self.known) == self._written or time.monotonic() - self._written_s < WRITE_EVERY_S:
            return
        data = json.dumps({"mark": self._mark, "known": self.known}, ensure_ascii=False).encode("utf-8", "replace")
        about = {"content_type": "application/json", "metadata": owner_metadata(self._row)}
        self._services.store.put_bytes(self._services.raw, self._key, data, **about)
        self._written, self._written_s = len(self.known), time.monotonic()

    def remove(self) -> None:
        self._services.store.delete(self._services.raw, self._key)

    def _load(self) -> dict[str, str]:
        try:
            raw = json.loads(b"".join(self._services.store.read(self._services.raw, self._key)))
            known = raw["known"] if raw["mark"] == self._mark else {}
            return {str(key): str(answer) for key, answer in known.items()}
        except (NotFound, ValueError, KeyError, TypeError, AttributeError):
            return {}


def load(services: Services, row: LessonRow) -> Shelf:
    """What is kept; nothing when there is none, or when it cannot be read: it can all be made anew."""
    try:
        raw = json.loads(b"".join(services.store.read(services.raw, _key(row))))
        return Shelf(_document(raw["document"]), tuple(_kept(entry) for entry in raw["kept"]))
    except NotFound:
        return Shelf()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("lesson %s: kept summaries cannot be read: %s", row.id, type(error).__name__)
        return Shelf()


def save(services: Services, row: LessonRow, shelf: Shelf) -> None:
    raw = {"document": asdict(shelf.document) if shelf.document else None, "kept": [asdict(entry) for entry in shelf.kept]}
    data = json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace")
    services.store.put_bytes(services.raw, _key(row), data, content_type="application/json", metadata=owner_metadata(row))


def shown(document: Document, address_of: Callable[[Picture], str]) -> tuple[Block, ...]:
    """The document's blocks with addresses in place of the pictures' keys."""
    return tuple(
        replace(block, pictures=tuple(replace(picture, source=address_of(picture)) for picture in block.pictures))
        for block in document.blocks
    )


def _key(row: LessonRow) -> str:
    return keys.derivative_key(row.video_key, SUFFIX)


def _kept(raw: dict[str, Any]) -> Kept:
    summary = records.from_json(raw["summary"])
    return Kept(raw["input"], raw["made_s"], summary, records.changes_from_json(raw["changes"]), raw["before"])


def _document(raw: dict[str, Any] | None) -> Document | None:
    if not raw:
        return None
    return Document(raw["title"], raw["style"], raw["language"], tuple(map(_block, raw["blocks"])), raw.get("said", ""))


def _block(raw: dict[str, Any]) -> Block:
    return Block(**raw | {
        "rows": tuple(map(tuple, raw["rows"])), "spans": tuple(Span(**span) for span in raw["spans"]),
        "pictures": tuple(Picture(**picture) for picture in raw["pictures"]),
    })  # fmt: skip
