"""A twelve-second lesson, a cutter made of ffmpeg, and a dataset built of a real export of Label Studio."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ppi.annotation import label_studio
from ppi.annotation.patterns import Codebook
from ppi.dataset import build, plan
from ppi.records import Clip, Pattern, Segment, Span, Transcript, Word

EXPORTS = Path(__file__).parent / "data" / "label_studio"
LESSON_S, FRAME_RATE = 12.0, 25.0
CODEBOOK = Codebook(
    (
        Pattern("Эмоциональная поддержка", "Педагог ободряет: «молодец» | так держать"),
        Pattern("Похвала", "Похвала за работу"),
        Pattern("Введение", "Начало урока"),
        Pattern("Практика", "Работа руками"),
    )
)
WORDS = (Word(" Молодец,", 1.2, 1.8), Word(" Пётр!", 1.9, 2.3), Word(" Да", 5.4, 5.8))
TRANSCRIPT = Transcript(
    (Segment(1.0, 6.0, "Молодец, Пётр! Да", WORDS),), "ru", "whisper", "tiny", LESSON_S, ("A rough transcript",),
)  # fmt: skip


@dataclass(frozen=True)
class BuiltDataset:
    """Shared by all tests: copy `folder` before changing anything in it."""

    folder: Path
    plan: plan.Plan
    report: build.BuildReport


@pytest.fixture(scope="session")
def small_ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("ffmpeg is needed and CI must have it")
        pytest.skip("ffmpeg is not on this machine")
    return found


@pytest.fixture(scope="session")
def tiny_lesson(small_ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds at 25 frames a second, with a tone."""
    path = tmp_path_factory.mktemp("lesson") / "lesson.mp4"
    _run(
        small_ffmpeg, "-f", "lavfi", "-i", f"testsrc=size=96x64:rate=25:duration={LESSON_S}", "-f", "lavfi", "-i",
        f"sine=frequency=440:duration={LESSON_S}", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-shortest", str(path),
    )  # fmt: skip
    return path


@pytest.fixture(scope="session")
def tiny_cut(small_ffmpeg: str, tiny_lesson: Path) -> build.Cut:
    def cut(wanted: Sequence[tuple[Span, Path, Path]], report: Callable[[float], None]) -> list[Clip]:
        made = []
        for number, (span, clip, key_frame) in enumerate(wanted):
            report(number / len(wanted))
            middle_s = (span.start_s + span.end_s) / 2
            place = ("-ss", str(span.start_s), "-i", str(tiny_lesson), "-t", str(span.duration_s))
            _run(small_ffmpeg, *place, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(clip))
            _run(small_ffmpeg, "-ss", str(middle_s), "-i", str(tiny_lesson), "-frames:v", "1", str(key_frame))
            frames = round(span.duration_s * FRAME_RATE)
            made.append(Clip(span, str(clip), str(key_frame), frames, span.start_s, middle_s))
        return made

    return cut


@pytest.fixture(scope="session")
def real_plan() -> plan.Plan:
    export = label_studio.parse((EXPORTS / "export.json").read_bytes(), frame_rate=FRAME_RATE, duration_s=LESSON_S)
    planned = plan.plan(
        export.annotations, CODEBOOK.match, duration_s=LESSON_S, lesson="2026-11-21", source_video="lesson.mp4",
        frame_rate=FRAME_RATE,
    )  # fmt: skip
    return planned.with_dropped(export.dropped)


@pytest.fixture(scope="session")
def built_dataset(real_plan: plan.Plan, tiny_cut: build.Cut, once: Callable) -> BuiltDataset:
    def make(folder: Path) -> None:
        report = build.build(
            folder / "built" / "dataset", real_plan, tiny_cut, TRANSCRIPT, inputs={"video": "0" * 64}, tools={"ffmpeg": "test"},
            pretty_name="A lesson",
        )  # fmt: skip
        (folder / "report").write_bytes(pickle.dumps(report))

    folder = once("built", make)
    return BuiltDataset(folder / "built" / "dataset", real_plan, pickle.loads((folder / "report").read_bytes()))


@pytest.fixture
def dataset_copy(built_dataset: BuiltDataset, tmp_path: Path) -> Path:
    """The built dataset, to be changed."""
    folder = tmp_path / "dataset"
    shutil.copytree(built_dataset.folder, folder)
    return folder


@pytest.fixture
def lesson_with_dataset(services, built_dataset: BuiltDataset):
    """A lesson of anna's whose dataset is stored; of its video there are four bytes."""
    from ppi.workflows import about_lesson, uploads

    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_bytes(services.raw, row.video_key, b"film")
    for path in built_dataset.folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(built_dataset.folder).as_posix()
            services.store.put_file(services.final, about_lesson.dataset_prefix(row) + name, path)
    return services.lessons.get(row.id)


def _run(*command: str) -> None:
    subprocess.run([command[0], "-nostdin", "-loglevel", "error", "-y", *command[1:]], check=True, timeout=60)
