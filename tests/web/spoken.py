"""A lesson with a transcript, made at once: for tests of pages that show what was said."""

from __future__ import annotations

import json

from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, Segment, Transcript, VideoTrack, Word
from ppi.storage import keys
from ppi.workflows import corrections, uploads
from ppi.workflows.ingest import describe

INFO = MediaInfo("mp4", 64.0, 0.0, 4, VideoTrack("h264", 320, 180, 25.0, False, 0, "yuv420p"), (AudioTrack("aac", 44_100, 2),))
SAID = Transcript(
    (
        Segment(0.5, 2.0, "Почему идёт дощь?", (
            Word("Почему", 0.5, 1.0, 0.9), Word("идёт", 1.0, 1.4, 0.8), Word("дощь?", 1.4, 2.0, 0.21)), "Учитель"),
        Segment(3.0, 4.0, "Вода & <лёд>.", (
            Word("Вода", 3.0, 3.4, 0.9), Word("&", 3.4, 3.5, 0.9), Word("<лёд>.", 3.5, 4.0, 0.9)), "Аня", "", ("repetition",)),
        Segment(5.0, 6.0, "Well done.", (Word("Well", 5.0, 5.5, 0.9), Word("done.", 5.5, 6.0, 0.9)), "Учитель", "en"),
    ),
    "ru", "whisper", "base", 64.0,
)  # fmt: skip


def lesson_of(services, owner: str, name: str = "Урок", said: Transcript | None = SAID) -> LessonRow:
    """A prepared lesson with a transcript."""
    user = services.users.by_name(owner)
    row = uploads.begin_upload(services, user, file_name="дождь.mp4", task_name=name, size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    row = services.lessons.get(row.id)
    services.store.put_bytes(services.raw, row.video_key, b"film")
    facts = json.dumps(describe(row, INFO)).encode()
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".info.json"), facts)
    if said is not None:
        corrections.keep_new(services, row, said)
    return row


def edit(client, row, version, segment, text):
    """Correct a segment of the version that the page showed."""
    given = {"version": version, "segment": segment, "text": text}
    return client.post(f"/api/lessons/{row.id}/transcript/edit", json=given)
