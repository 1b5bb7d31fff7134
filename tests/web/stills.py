"""States of a lesson that pass or that nobody wishes for, held still: for pictures of them.

What runs in them runs at a place of no runner, under a lease that lasts longer than the pictures take (`VARIABLES`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppi import errors
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.speech import weights
from ppi.storage import keys
from ppi.workflows import about_lesson, local, runner, uploads
from ppi.workflows.lessons import PARTIAL
from tests.conftest import DATA
from tests.web import rounds

OWNER = "boris"
VARIABLES = {"PPI_LEASE_S": "3600"}
AWAY = "elsewhere"
MANY, ROOM_BYTES = 50, 20_000_000_000
FULL = "There is no room left on the disk. Free some space and try again."
TRANSCRIBING = "Transcribing with {engine} ({model})"
HEARD = (
    "Откройте тетради, запишите число и тему урока.", "Сегодня сравниваем дроби с разными знаменателями.",
    "Кто помнит, как привести их к общему знаменателю?", "Хорошо, Аня, подойди к доске.",
)  # fmt: skip


def hold(services: Services, folder) -> dict[str, str]:
    """Make the lessons; answers the addresses of their pages by name. They belong to OWNER."""
    services.users.set_quota(services.users.by_name(OWNER).id, MANY, ROOM_BYTES)
    ready = rounds.taken_in(services, "Окружающий мир 2б, снег", OWNER)
    return {
        "lesson-uploading": _page(_uploading(services, "Физика 9а, опыт с маятником")),
        "lesson-preparing": _page(_preparing(services)), "lesson-failed": _page(_failed(services)),
        "lesson-ready": f"/lessons/{ready}", "lesson-waiting": _page(_at_work(services, "Чтение 1в", "transcribe", None)),
        "lesson-heard": _page(_heard(services)), "lesson-not-heard": _page(_not_heard(services)),
        "lesson-transcribed": _page(_transcribed(services, "Алгебра 7б, степени")),
        "lesson-silent": _page(_silent(services, folder)), "lesson-withdrawn": _page(_withdrawn(services)),
        "dataset-nothing-given": f"/dataset?lesson={ready}", "dataset-preparing": f"/dataset?lesson={_preparing(services).id}",
        "dataset-building": f"/dataset?lesson={_at_work(services, 'Химия 8а', 'build_dataset', 62).id}",
        "agreement-none": f"/lessons/{ready}/agreement",
        "kit-new": f"/kit?lesson={ready}",
        "withdraw": f"/lessons/{ready}/withdraw", "jobs-many": "/jobs", "home-many": "/", "lessons-many": "/lessons",
    }  # fmt: skip


def _page(row: LessonRow) -> str:
    return f"/lessons/{row.id}"


def _uploading(services: Services, name: str) -> LessonRow:
    """An upload that broke off after 40 %."""
    user = services.users.by_name(OWNER)
    row = uploads.begin_upload(services, user, file_name="урок.mp4", task_name=name, size_bytes=1_200_000_000)
    services.lessons.advance(row.id, 0, 480_000_000)
    return services.lessons.get(row.id)


def _preparing(services: Services) -> LessonRow:
    row = _uploading(services, "Биология 6а, клетка под микроскопом")
    _run(services, row, "ingest", ("extracting_audio", "Extracting the audio", {}, 55))
    services.lessons.move_on(row.id, "uploading", "received")
    return row


def _failed(services: Services) -> LessonRow:
    row = _uploading(services, "География 8в")
    job = _run(services, row, "ingest", ("uploading_video", "Checking the video", {}, 5))
    services.lessons.move_on(row.id, "uploading", "received")
    services.ledger.fail(job.id, job.attempt, errors.DiskFull(FULL))
    return row


def _heard(services: Services) -> LessonRow:
    row = _at_work(services, "История 5б, Древний Рим", "transcribe", 40)
    segments = [{"text": text, "start": 6.0 * n, "end": 6.0 * n + 4} for n, text in enumerate(HEARD)]
    found = {"of": {}, "heard": {"until_s": 25.0, "language": "ru", "segments": segments}, "check": ""}
    key = keys.derivative_key(row.video_key, PARTIAL)
    services.store.put_bytes(services.raw, key, json.dumps(found).encode())
    return row


def _not_heard(services: Services) -> LessonRow:
    """The recogniser's weights are missing."""
    row = _at_work(services, "Русский язык 7а", "transcribe", 2)
    job = services.ledger.list(lesson_id=row.id, kind="transcribe")[0]
    services.ledger.fail(job.id, job.attempt, weights.missing("large-v3", Path("faster-whisper/large-v3")))
    return row


def _transcribed(services: Services, name: str) -> LessonRow:
    row = services.lessons.get(rounds.taken_in(services, name, OWNER))
    for suffix, data in ((".transcript.json", json.dumps(rounds.SAID).encode()), (".txt", b"-"), (".vtt", b"WEBVTT\n")):
        services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), data)
    job = _run(services, row, "transcribe", ("transcribing", "Preparing the sound for the recogniser", {}, 1))
    result = {"engine": "faster-whisper", "model": "large-v3", "language": "ru", "words": 2, "notes": []}
    services.ledger.finish(job.id, job.attempt, result)
    return row


def _silent(services: Services, folder) -> LessonRow:
    path = folder / "silent.mp4"
    without = ["-an", "-c:v", "copy", str(path)]
    subprocess.run([shutil.which("ffmpeg"), "-loglevel", "error", "-i", DATA / "sample_lesson.mp4", *without], check=True)
    job = local.ingest_file(services, path, "Рисование 3а, без звука", OWNER)
    return services.lessons.get(runner.wait_for(services, job).lesson_id)


def _withdrawn(services: Services) -> LessonRow:
    row = _transcribed(services, "Литература 9а")
    about_lesson.record_withdrawal(services, row)
    return row


def _at_work(services: Services, name: str, kind: str, percent: int | None) -> LessonRow:
    """A lesson with a job that runs, or that waits when no per cent are given."""
    row = services.lessons.get(rounds.taken_in(services, name, OWNER))
    if percent is None:
        services.ledger.submit(kind, row.owner_id, row.id, {}, place=AWAY)
    elif kind == "transcribe":
        told = {"engine": "faster-whisper", "model": "large-v3", "left_s": 610}
        _run(services, row, kind, ("transcribing", TRANSCRIBING, told, percent))
    else:
        _run(services, row, kind, ("building", "Cutting clips and key frames", {}, percent))
    return row


def _run(services: Services, row: LessonRow, kind: str, told: tuple[str, str, Mapping[str, Any], int]) -> Job:
    place = f"{AWAY}-{row.id}-{kind}"
    number = row.id if kind == "ingest" else ""  # that which the lesson's own would have: so nobody queues another
    queue = services.ledger.submit(kind, row.owner_id, row.id, {}, place=place, job_id=number).queue
    job = services.ledger.claim("1:0:a", "another host", [queue], 0, place)
    services.ledger.report(job.id, job.attempt, *told)
    return services.ledger.get(job.id)
