"""The versions of a transcript: which there are, what each was, and what undo and redo lead to. Pure.

A version is a whole transcript (heard, uploaded, or with other speakers; kept as it was), one segment that was corrected,
checked or given a speaker, or the return to how an earlier version was. So undoing and restoring are versions too, and nothing
is ever taken out of the history.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ppi.errors import InputError, NotFound
from ppi.records import Segment, Transcript
from ppi.speech import corrections, formats

HEARD, UPLOADED, EDITED, CHECKED = "heard", "uploaded", "edited", "checked"
TOLD_APART, NAMED = "told_apart", "named"  # the speakers
SPOKEN, SPOKEN_ON = "spoken", "spoken_on"  # who speaks in one segment, or from it on, by hand
UNDONE, REDONE, RESTORED = "undone", "redone", "restored"
WHOLE, CHANGES = (HEARD, UPLOADED, TOLD_APART, NAMED, SPOKEN_ON), (EDITED, CHECKED, SPOKEN)
RETURNS = (UNDONE, REDONE, RESTORED)
FORMAT = 1

Snapshot = Callable[[int], Transcript]


@dataclass(frozen=True)
class Version:
    """`number` counts from 1; `who` is an account's name, "" for the program; `at_s` is seconds since the epoch.

    CHANGES have the `segment` (from 0) and what it became, RETURNS the version `of` which the text is again. `digest` is the
    checksum of the transcript's JSON.
    """

    number: int
    what: str
    who: str
    at_s: float
    digest: str
    segment: int = -1
    after: Segment | None = None
    of: int = 0


@dataclass(frozen=True)
class History:
    """All versions in order, at least one."""

    versions: tuple[Version, ...]

    @property
    def head(self) -> Version:
        return self.versions[-1]

    def get(self, number: int) -> Version:
        """Raises NotFound."""
        if not 1 <= number <= len(self.versions):
            raise NotFound("This transcript has no version {number}. Reload the page.", number=number)
        return self.versions[number - 1]

    def with_version(self, version: Version) -> "History":
        return History((*self.versions, version))

    def text_at(self, number: int, snapshot: Snapshot) -> Transcript:
        """The transcript as it was in version `number`; `snapshot` gives the whole ones. Raises NotFound."""
        version, edits = self.get(number), []
        while version.what not in WHOLE:
            if version.what in CHANGES:
                edits.append(version)
            version = self.get(version.of or version.number - 1)
        original = snapshot(version.number)
        found = original
        for edit in reversed(edits):
            found = corrections.with_segment(found, edit.segment, edit.after)
        return corrections.mark(found, original) if edits else original

    def whole_of(self, number: int) -> int:
        """The whole version that version `number` is a correction of."""
        version = self.get(number)
        while version.what not in WHOLE:
            version = self.get(version.of or version.number - 1)
        return version.number

    def last_author(self, segment: int, since: int) -> str:
        """Who last changed this segment, or the whole text, after version `since`."""
        return next((one.who for one in reversed(self.versions[since:]) if one.segment in (segment, -1)), "")

    @property
    def undo_to(self) -> int:
        """The version whose text an undo brings back; 0 when there is nothing to undo."""
        return self._ways()[0]

    @property
    def redo_to(self) -> int:
        """The version whose text a redo brings back; 0 when there is nothing to redo."""
        return self._ways()[1]

    def _ways(self) -> tuple[int, int]:
        past: list[int] = []
        future: list[int] = []
        now = 0
        for version in self.versions:
            if version.what == UNDONE:
                future.append(now)
                now = past.pop()
            elif version.what == REDONE:
                past.append(now)
                now = future.pop()
            else:
                past += [now] if now else []
                future, now = [], version.number
        return past[-1] if past else 0, future[-1] if future else 0


def to_json(history: History) -> str:
    """The versions as one line of JSON each, so that a person can read the file too."""
    lines = ",\n".join(json.dumps(_plain(version), ensure_ascii=False) for version in history.versions)
    return f'{{"format": {FORMAT}, "versions": [\n{lines}\n]}}\n'


def from_json(text: str | bytes) -> History:
    """Raises InputError when this is no history, or one of a newer PPI."""
    try:
        found = json.loads(text)
        if found["format"] != FORMAT or not found["versions"]:
            raise ValueError("another format")
        history = History(tuple(_version(raw, number) for number, raw in enumerate(found["versions"], start=1)))
        _ = history.undo_to  # every return leads somewhere
        return history
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(
            "The history of this transcript cannot be read. Ask the administrator to look at the file {suffix}.",
            suffix=".transcript.history.json",
        ) from error


def _plain(version: Version) -> dict[str, Any]:
    raw = {name: value for name, value in asdict(version).items() if name not in ("segment", "after", "of")}
    if version.after is not None:
        raw |= {"segment": version.segment, "after": formats.segment_to_dict(version.after)}
    return raw | ({"of": version.of} if version.of else {})


def _version(raw: dict[str, Any], number: int) -> Version:
    what, of = raw["what"], int(raw.get("of", 0))
    after = formats.segment_from_dict(raw["after"]) if what in CHANGES else None
    is_known = what in (*WHOLE, *CHANGES) or (what in RETURNS and 0 < of < number)
    if raw["number"] != number or not is_known:
        raise ValueError(f"version {number} is not in its place")
    return Version(number, what, str(raw["who"]), float(raw["at_s"]), str(raw["digest"]), raw.get("segment", -1), after, of)
