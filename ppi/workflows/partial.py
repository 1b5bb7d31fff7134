"""What was heard of a lesson so far, kept beside it: an interrupted transcription goes on there, on any machine."""

from __future__ import annotations

import json
import logging
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
RULES = 1
log = logging.getLogger(__name__)


class Partial:
    """The partial transcript of one lesson by one recogniser in one language (as asked for, "" to find it out)."""

    def __init__(self, services: Services, row: LessonRow, hearer: Recognizer, language: str):
        self._services, self._row = services, row
        self._key = keys.derivative_key(row.video_key, PARTIAL)
        sound = services.store.stat(services.raw, keys.derivative_key(row.video_key, ".wav"))
        self._of = {
            "sound": sound.etag, "size_bytes": sound.size_bytes, "engine": hearer.engine, "model": hearer.model,
            "language": language, "rules": RULES,
        }  # fmt: skip

    def load(self) -> Heard:
        """What was kept of the very same sound, engine, model and language; nothing otherwise."""
        try:
            found = json.loads(b"".join(self._services.store.read(self._services.raw, self._key)))
            heard = _heard(found) if found["of"] == self._of else NOTHING
        except NotFound:
            return NOTHING
        except (ValueError, KeyError, TypeError):
            log.warning("lesson %s: the partial transcript cannot be read and is begun anew", self._row.id)
            return NOTHING
        if heard.until_s:
            log.info("lesson %s: the transcription goes on at %.1f s", self._row.id, heard.until_s)
        return heard

    def keep(self, heard: Heard) -> None:
        """Keep what was heard so far. A store that is away stops nothing: the next part is kept with this one."""
        data = json.dumps({"of": self._of, "heard": asdict(heard)}, ensure_ascii=False).encode()
        try:
            self._services.store.put_bytes(
                self._services.raw, self._key, data, content_type="application/json", metadata=owner_metadata(self._row)
            )
        except ServerAway as error:
            log.warning("lesson %s: the partial transcript could not be kept: %s", self._row.id, error)

    def remove(self) -> None:
        """The transcript is whole: nothing partial is needed any more."""
        self._services.store.delete(self._services.raw, self._key)


def _heard(found: dict[str, Any]) -> Heard:
    kept = found["heard"]
    for segment in kept["segments"]:
        segment["start"], segment["end"], segment["text"], segment["words"]
    return Heard(float(kept["until_s"]), str(kept["language"]), tuple(kept["segments"]))
