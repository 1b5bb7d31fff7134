"""Correct a transcript: every version kept with who and when, two editors never overwrite each other, nothing is lost.

Beside the video lie `<stem>.transcript.history.json` (all versions, `ppi.speech.history`), a copy of every whole transcript
that was heard or uploaded (`<stem>.transcript.v1.json`), and the text as it is now in its usual files. The history is
written first: it is what holds. When a process dies before the files follow, the next one brings them up to date. A
transcript that nobody changed has no history yet; it counts as version 1.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ppi.errors import Conflict, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Segment, Transcript
from ppi.services import Services
from ppi.speech import corrections, formats, history, speakers
from ppi.speech.history import CHECKED, EDITED, HEARD, REDONE, RESTORED, SPOKEN, SPOKEN_ON, UNDONE, UPLOADED, History, Version
from ppi.storage import keys
from ppi.workflows.ingest import owner_metadata

HISTORY, CURRENT = ".transcript.history.json", ".transcript.json"
TEXT_TYPES = {
    ".txt": "text/plain; charset=utf-8", ".srt": "application/x-subrip", ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
}  # fmt: skip
# Another editor's save takes well under a second.
WAIT_S = 10.0
_KEPT = re.compile(r"\.transcript\.(history|v\d+)\.json$")


@dataclass(frozen=True)
class Edited:
    """A transcript with its versions."""

    transcript: Transcript
    history: History

    @property
    def version(self) -> int:
        return self.history.head.number


def is_kept_beside(name: str) -> bool:
    """Whether a file of a lesson belongs to the history of its transcript, which is shown on a page of its own."""
    return _KEPT.search(name) is not None


def load(services: Services, row: LessonRow) -> Edited:
    """The transcript as it is now. Raises NotFound when the lesson has none."""
    current = _read(services, row, CURRENT)
    found = _history(services, row, current)
    if found.head.digest != _digest(current):
        with _hold(services, row):
            return _settled(services, row)
    return Edited(formats.from_json(current), found)


def text_at(services: Services, row: LessonRow, number: int) -> Transcript:
    """The transcript as it was in a version. Raises NotFound."""
    return _text_at(services, row, load(services, row).history, number)


def edit(services: Services, row: LessonRow, *, who: str, base: int, number: int, text: str) -> Edited:
    """Give segment `number` another text; a text that is the same changes nothing.

    `base` is the version that the editor saw. What others changed since elsewhere is kept; when it is the same segment,
    Conflict is raised. Raises InputError and NotFound.
    """
    with _hold(services, row) as keep:
        now = _settled(services, row)
        fresh = corrections.correct(now.transcript, number, text)
        if fresh.text == " ".join(now.transcript.segments[number].text.split()):
            return now
        _refuse_if_changed(services, row, now, base, number)
        return _commit_segment(services, row, now, keep, EDITED, who, number, fresh)


def check(
    services: Services, row: LessonRow, *, who: str, base: int, number: int, word: int | None = None
) -> Edited:
    """Say that segment `number`, or only its word `word`, is right as it is; what was said already changes nothing.

    Raises as `edit`: nobody can have found right what they did not see.
    """
    with _hold(services, row) as keep:
        now = _settled(services, row)
        fresh = corrections.check(now.transcript, number, word)
        if fresh == now.transcript.segments[number]:
            return now
        _refuse_if_changed(services, row, now, base, number)
        return _commit_segment(services, row, now, keep, CHECKED, who, number, fresh)


def give_speaker(
    services: Services, row: LessonRow, *, who: str, base: int, number: int, speaker: str, is_on: bool = False
) -> Edited:
    """Say who speaks in segment `number`, and `is_on` up to the next change of speakers; "" when nobody knows.

    Raises as `edit`, but what others changed of the text meanwhile is nothing against it.
    """
    with _hold(services, row) as keep:
        now = _settled(services, row)
        size = speakers.run_of(now.transcript, number) if is_on else 1
        changed = speakers.give(now.transcript, number, speaker, size)
        if changed == now.transcript:
            return now
        _refuse_if_others_speak(services, row, now, base, number, size)
        if size > 1:
            return _commit_whole(services, row, now, changed, keep, SPOKEN_ON, who)
        return _commit_segment(services, row, now, keep, SPOKEN, who, number, changed.segments[number])


def undo(services: Services, row: LessonRow, *, who: str, base: int) -> Edited:
    """Bring back the text before the last change. Raises Conflict when there is none, or somebody changed more since `base`."""
    return _go_back(services, row, who, base, UNDONE, lambda now: now.history.undo_to)


def redo(services: Services, row: LessonRow, *, who: str, base: int) -> Edited:
    """Bring back what was undone last. Raises as `undo`."""
    return _go_back(services, row, who, base, REDONE, lambda now: now.history.redo_to)


def restore(services: Services, row: LessonRow, *, who: str, base: int, number: int) -> Edited:
    """Make the text again as it was in version `number`. Raises as `undo`, and NotFound."""
    return _go_back(services, row, who, base, RESTORED, lambda now: now.history.get(number).number)


def keep_new(
    services: Services, row: LessonRow, transcript: Transcript, *, who: str = "", what: str = HEARD,
    check: Callable[[], None] = lambda: None,
) -> Edited:  # fmt: skip
    """Store a whole transcript, heard or uploaded. One that is there already stays in the history with its corrections.

    `check` is called before anything is written, and may raise.
    """
    with _hold(services, row) as keep:
        try:
            now = _settled(services, row)
        except NotFound:
            now = None
        check()
        texts = formats.texts_of(transcript)
        digest = _digest(texts[CURRENT].encode())
        if now is None or digest == now.history.head.digest:
            _put_texts(services, row, texts)
            return Edited(transcript, now.history if now else _begun(digest, what, who))
        return _commit_whole(services, row, now, transcript, keep, what, who)


def change_whole(
    services: Services, row: LessonRow, change: Callable[[Transcript], Transcript], *, who: str, what: str,
    check: Callable[[], None] = lambda: None,
) -> Edited:  # fmt: skip
    """Make of the transcript as it is now, with all corrections, what `change` makes of it; the same again changes nothing.

    `check` is called before anything is written, and may raise. Raises NotFound, and what `change` raises.
    """
    with _hold(services, row) as keep:
        now = _settled(services, row)
        changed = change(now.transcript)
        if changed == now.transcript:
            return now
        check()
        return _commit_whole(services, row, now, changed, keep, what, who)


def has_corrections(services: Services, row: LessonRow) -> bool:
    """Whether a person has worked on the transcript as it is now: `speech.corrections.is_worked_on`."""
    try:
        return corrections.is_worked_on(load(services, row).transcript)
    except NotFound:
        return False


def ask_first(services: Services, row: LessonRow) -> None:
    """Raises Conflict when a person has worked on the transcript that a new one would take the place of."""
    if has_corrections(services, row):
        raise Conflict(
            "A person has corrected this transcript. Say that you want a new one: the corrected text stays in its history."
        )


def changed_since(services: Services, row: LessonRow, now: Edited, base: int) -> dict[int, Segment] | None:
    """The segments, by their place from 0, that are not as they were in version `base`; None when it had other segments."""
    before, after = _text_at(services, row, now.history, base).segments, now.transcript.segments
    if len(before) != len(after):
        return None
    return {place: one for place, (one, old) in enumerate(zip(after, before, strict=True)) if one != old}


def _refuse_if_changed(services: Services, row: LessonRow, now: Edited, base: int, number: int) -> None:
    """Raises Conflict when segment `number` is another one than in version `base`, but for its speaker and what was found
    right."""
    if base == now.version:
        return
    before, after = _segment(services, row, now, base, number), now.transcript.segments[number]
    if before is None or _as_heard(before) != _as_heard(after):
        raise Conflict(
            "{who} changed this segment meanwhile. Your text is still here: compare both, then save again.",
            who=now.history.last_author(number, base) or "PPI",
        )


def _refuse_if_others_speak(services: Services, row: LessonRow, now: Edited, base: int, number: int, size: int) -> None:
    """Raises Conflict when one of `size` segments from `number` on had another speaker in version `base`."""
    if base == now.version:
        return
    before, after = _text_at(services, row, now.history, base).segments, now.transcript.segments
    places = range(number, number + size)
    if len(before) != len(after) or any(before[place].speaker != after[place].speaker for place in places):
        raise Conflict(
            "{who} said meanwhile who speaks here. Look at it, then choose again.",
            who=now.history.last_author(number, base) or "PPI",
        )


def _as_heard(segment: Segment) -> Segment:
    words = tuple(dataclasses.replace(word, checked=False) for word in segment.words)
    return dataclasses.replace(segment, words=words, flags=(), checked=False, speaker="", speaker_given=False)


def _commit_whole(
    services: Services, row: LessonRow, now: Edited, changed: Transcript, keep: Callable[[], None], what: str, who: str
) -> Edited:
    _put(services, row, _copy_of(now.version + 1), formats.to_json(changed))
    return _commit(services, row, now, changed, keep, what, who)


def _commit_segment(
    services: Services, row: LessonRow, now: Edited, keep: Callable[[], None], what: str, who: str, number: int,
    fresh: Segment,
) -> Edited:  # fmt: skip
    original = _text_at(services, row, now.history, now.history.whole_of(now.version))
    changed = corrections.mark(corrections.with_segment(now.transcript, number, fresh), original)
    return _commit(services, row, now, changed, keep, what, who, segment=number, after=fresh)


def _go_back(
    services: Services, row: LessonRow, who: str, base: int, what: str, target_of: Callable[[Edited], int]
) -> Edited:
    with _hold(services, row) as keep:
        now = _settled(services, row)
        if base != now.version:
            raise Conflict("This transcript was changed meanwhile. Look at the new text, then try again.")
        target = target_of(now)
        if not target:
            raise Conflict("There is nothing to undo or redo in this transcript.")
        return _commit(services, row, now, _text_at(services, row, now.history, target), keep, what, who, of=target)


def _commit(
    services: Services, row: LessonRow, now: Edited, changed: Transcript, keep: Callable[[], None], what: str, who: str,
    segment: int = -1, after: Segment | None = None, of: int = 0,
) -> Edited:  # fmt: skip
    """Write the next version: first the history, which is what holds, then the files that follow it."""
    texts = formats.texts_of(changed)
    digest = _digest(texts[CURRENT].encode())
    version = Version(now.version + 1, what, who, round(time.time(), 3), digest, segment, after, of)
    longer = now.history.with_version(version)
    if now.version == 1:
        services.store.copy(services.raw, _key(row, CURRENT), _key(row, _copy_of(1)))
    keep()
    _put(services, row, HISTORY, history.to_json(longer))
    _put_texts(services, row, texts)
    return Edited(changed, longer)


def _settled(services: Services, row: LessonRow) -> Edited:
    """History and text, brought together when a writer died between the two, or somebody else replaced the file.

    To be called with the lock held. Raises NotFound when there is neither.
    """
    try:
        current = _read(services, row, CURRENT)
    except NotFound:
        current = b""
    found = _history(services, row, current)
    digest = _digest(current)
    if digest == found.head.digest:
        return Edited(formats.from_json(current), found)
    if not current or any(digest == version.digest for version in found.versions):
        text = _text_at(services, row, found, found.head.number)
        _put_texts(services, row, formats.texts_of(text))
        return Edited(text, found)
    text = formats.from_json(current)
    _put(services, row, _copy_of(found.head.number + 1), current.decode())
    longer = found.with_version(Version(found.head.number + 1, UPLOADED, "", round(time.time(), 3), digest))
    _put(services, row, HISTORY, history.to_json(longer))
    return Edited(text, longer)


def _history(services: Services, row: LessonRow, current: bytes) -> History:
    try:
        return history.from_json(_read(services, row, HISTORY))
    except NotFound:
        if not current:
            raise
        return _begun(_digest(current), HEARD, "", _changed_s(services, row))


def _begun(digest: str, what: str, who: str, at_s: float = 0.0) -> History:
    return History((Version(1, what, who, at_s or round(time.time(), 3), digest),))


def _segment(services: Services, row: LessonRow, now: Edited, base: int, number: int) -> Segment | None:
    """The segment as it was in version `base`; None when that had no such segment."""
    segments = _text_at(services, row, now.history, base).segments
    return segments[number] if len(segments) == len(now.transcript.segments) else None


def _text_at(services: Services, row: LessonRow, found: History, number: int) -> Transcript:
    def snapshot(whole: int) -> Transcript:
        is_only = whole == found.head.number == 1
        return formats.from_json(_read(services, row, CURRENT if is_only else _copy_of(whole)))

    return found.text_at(number, snapshot)


def _hold(services: Services, row: LessonRow) -> AbstractContextManager[Callable[[], None]]:
    return services.transcript_locks.hold(row.id, WAIT_S)


def _copy_of(number: int) -> str:
    return f".transcript.v{number}.json"


def _key(row: LessonRow, suffix: str) -> str:
    return keys.derivative_key(row.video_key, suffix)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _changed_s(services: Services, row: LessonRow) -> float:
    return services.store.stat(services.raw, _key(row, CURRENT)).last_modified_s


def _read(services: Services, row: LessonRow, suffix: str) -> bytes:
    return b"".join(services.store.read(services.raw, _key(row, suffix)))


def _put_texts(services: Services, row: LessonRow, texts: dict[str, str]) -> None:
    for suffix, text in texts.items():
        _put(services, row, suffix, text)


def _put(services: Services, row: LessonRow, suffix: str, text: str) -> None:
    content_type = TEXT_TYPES["." + keys.extension(suffix)]
    services.store.put_bytes(
        services.raw, _key(row, suffix), text.encode(), content_type=content_type, metadata=owner_metadata(row)
    )
