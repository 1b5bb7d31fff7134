"""What was heard of a lesson so far, kept beside it: an interrupted transcription goes on there, on any machine."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict
from typing import Any

from ppi.errors import NotFound, ServerAway
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.speech.recognizer import NOTHING, Heard, Recognizer
from ppi.storage import keys
from ppi.workflows.ingest import owner_metadata
from ppi.workflows.lessons import PARTIAL

# Grows when recognisers hear in another way, so that what was begun before is not continued.
RULES = 6
# A recogniser may be fast and the store far away: it is written to no more often than this, in seconds.
EVERY_S = 10.0
log = logging.getLogger(__name__)


class Partial:
    """The partial transcript of one lesson by one recogniser in one language (as asked for, "" to find it out)."""

    def __init__(self, services: Services, row: LessonRow, hearer: Recognizer, language: str):
        self._services, self._row = services, row
        self._key = keys.derivative_key(row.video_key, PARTIAL)
        sound = services.store.stat(services.raw, keys.derivative_key(row.video_key, ".wav"))
        self._of = {
            "sound": sound.etag, "size_bytes": sound.size_bytes, "engine": hearer.engine, "model": hearer.model,
            "identity": hearer.identity(), "language": language, "rules": RULES,
        }  # fmt: skip
        self._waiting: Heard | None = None
        self._next_s = 0.0

    def load(self) -> Heard:
        """What was kept of the very same sound, engine, model and language; nothing otherwise."""
        try:
            found = json.loads(b"".join(self._services.store.read(self._services.raw, self._key)))
            if found["check"] != _check(found["of"], found["heard"]):
                raise ValueError("its bytes have changed")
        except NotFound:
            return NOTHING
        except (ValueError, KeyError, TypeError, RecursionError):
            log.warning("lesson %s: the partial transcript cannot be read and is begun anew", self._row.id)
            return NOTHING
        if found["of"] != self._of:
            log.info("lesson %s: what was heard before came of something else; the transcription begins anew", self._row.id)
            return NOTHING
        kept = found["heard"]
        log.info("lesson %s: the transcription goes on at %.1f s", self._row.id, kept["until_s"])
        return Heard(kept["until_s"], kept["language"], tuple(kept["segments"]))

    def keep(self, heard: Heard) -> None:
        """Keep what was heard so far: at once, or when the last time is `EVERY_S` past."""
        self._waiting = heard
        self.write_due()

    def write_due(self) -> None:
        """Write what waits, when it is time. A store that is away stops nothing: it is tried again."""
        if self._waiting is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + EVERY_S
        heard = asdict(self._waiting)
        found = {"of": self._of, "heard": heard, "check": _check(self._of, heard)}
        data = json.dumps(found, ensure_ascii=False).encode()
        try:
            self._services.store.put_bytes(
                self._services.raw, self._key, data, content_type="application/json", metadata=owner_metadata(self._row)
            )
            self._waiting = None
        except ServerAway as error:
            log.warning("lesson %s: the partial transcript could not be kept: %s", self._row.id, error)

    def remove(self) -> None:
        """The transcript is whole: nothing partial is needed any more."""
        self._services.store.delete(self._services.raw, self._key)


def so_far(services: Services, row: LessonRow) -> Heard:
    """What was kept of a transcription under way, to be looked at; nothing when there is none, or when it cannot be read."""
    try:
        found = json.loads(b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, PARTIAL))))["heard"]
        return Heard(found["until_s"], found["language"], tuple(found["segments"]))
    except (NotFound, ValueError, KeyError, TypeError, RecursionError):
        return NOTHING


def _check(of: dict[str, Any], heard: dict[str, Any]) -> str:
    """A checksum over both: what was damaged in the store must not become a transcript."""
    return hashlib.sha256(json.dumps([of, heard], sort_keys=True).encode()).hexdigest()
