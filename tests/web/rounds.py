"""Every page with something real on it: for checks that look at all of them, and for pictures of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import agreement, build_dataset, joined, lessons, local, runner, summarize, transcribe, word_lists
from tests.conftest import DATA, PASSWORD

SAID = {
    "language": "ru", "engine": "faster-whisper", "model": "large-v3", "duration_s": 63.92, "segments": [
        {"start_s": 1.0, "end_s": 2.0, "text": "Доброе утро!", "speaker": "Учитель", "flags": ["repetition"], "words": [
            {"text": "Доброе", "start_s": 1.0, "end_s": 1.5, "probability": 0.9,
             "unaligned": True},
            {"text": "утро!", "start_s": 1.5, "end_s": 2.0, "probability": 0.2}]},
        {"start_s": 3.0, "end_s": 4.0, "text": "Well done.", "speaker": "Аня", "language": "en", "words": []},
    ],
    "hearing": {"device": "cpu", "aligner": "ru=letters", "thresholds": {"repeats_from": 4}},
}  # fmt: skip


CANCELLED_STEP_S = 0.4  # of a comparison that was begun and cancelled


@dataclass(frozen=True)
class Furnished:
    """The numbers of a lesson that has everything, of one that was just taken in, of a refused upload, of a joined dataset."""

    full: str
    fresh: str
    refused: str
    joined: str

    def addresses(self) -> dict[str, str]:
        """Pages that an administrator sees, by name."""
        return {
            "home": "/", "lessons": "/lessons", "lessons-none": "/lessons?text=nothing-is-called-so",
            "lesson": f"/lessons/{self.full}", "lesson-fresh": f"/lessons/{self.fresh}",
            "refused": f"/lessons/{self.refused}", "transcript": f"/lessons/{self.full}/transcript",
            "summary": f"/lessons/{self.full}/summary", "transcript-none": f"/lessons/{self.fresh}/transcript",
            "kit": f"/kit?lesson={self.full}", "kit-choice": "/kit", "dataset": f"/dataset?lesson={self.full}",
            "dataset-search": f"/dataset?lesson={self.full}&find=a",
            "agreement": f"/lessons/{self.full}/agreement",
            "agreement-cancelled": f"/lessons/{self.full}/agreement?step={CANCELLED_STEP_S}",
            "publish": f"/publish?lesson={self.full}",
            "samples": f"/datasets/{self.full}/samples", "samples-none": f"/datasets/{self.full}/samples?text=nothing",
            "figures": f"/datasets/{self.full}/figures", "card": f"/datasets/{self.full}/card",
            "versions": f"/datasets/{self.full}/versions",
            "joined-new": "/joined", "joined": f"/joined/{self.joined}", "joined-card": f"/datasets/{self.joined}/card",
            "joined-versions": f"/datasets/{self.joined}/versions",
            "publish-none": f"/publish?lesson={self.fresh}", "files": "/files", "account": "/account", "help": "/help",
            "api": "/api/docs", "nothing": "/nothing-here", "system": "/admin/system", "audit": "/admin/audit",
            "people": "/admin/people", "jobs": "/jobs", "storage": "/admin/storage", "settings": "/admin/settings",
            "lessons-deleted": "/lessons/deleted", "words": f"/words?lesson={self.full}",
            "withdraw": f"/lessons/{self.full}/withdraw",
            "styleguide": "/styleguide",
        }  # fmt: skip


def furnish(services: Services, folder, owner: str = "admin") -> Furnished:
    """Make the lessons; the server's own runner does the work. The transcript is at hand: nobody waits for a recogniser."""
    full = taken_in(services, "Алгебра 7а, дроби", owner)
    row = services.lessons.get(full)
    for suffix, data in ((".transcript.json", json.dumps(SAID).encode()), (".txt", b"-"), (".vtt", b"WEBVTT\n")):
        services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), data)
    transcribe.count_as_transcribed(services, row, transcribe.stored_transcript(services, row))
    with (DATA / "sample_annotations.json").open("rb") as marks, (DATA / "sample_patterns.xlsx").open("rb") as table:
        job = build_dataset.request_build(
            services, row, annotations=marks, annotations_name="export.json", table=table, table_name="patterns.xlsx"
        )
    runner.wait_for(services, job)
    runner.wait_for(services, summarize.request_summary(services, row, engine_name="extractive", style="report"))
    keeper = services.users.by_name(owner)
    word_lists.save(services, keeper, name="Алгебра 7а", words="дробь, Анна Петровна", list_id="algebra")
    (folder / "no-video.mp4").write_text("not a video")
    refused = local.ingest_file(services, folder / "no-video.mp4", "Не видео", owner)
    runner.wait_for(services, refused)
    agreement.comparison(services, row)
    cancelled = agreement.look(services, lessons.view(services, row), step_s=CANCELLED_STEP_S).job
    services.ledger.cancel(cancelled.id)
    runner.wait_for(services, cancelled)
    wanted = joined.Wanted((full,))
    whole = joined.request_join(services, services.users.by_name(owner), wanted=wanted, name="Две недели алгебры")
    runner.wait_for(services, whole)
    return Furnished(full, taken_in(services, "Literature 10b", owner), refused.id, whole.lesson_id)


def log_in(context, name: str = "admin") -> None:
    """A session for every page of this browser context."""
    answer = context.request.post("/api/login", data={"username": name, "password": PASSWORD})
    assert answer.ok, answer.text()


def taken_in(services: Services, name: str, owner: str = "admin") -> str:
    """The sample lesson under this name, prepared; answers its number."""
    job = local.ingest_file(services, DATA / "sample_lesson.mp4", name, owner)
    return runner.wait_for(services, job).lesson_id
