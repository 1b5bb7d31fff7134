"""On the command line a file says what labels mean; plans obey it and say so."""

from __future__ import annotations

import pytest

from ppi.errors import InputError
from ppi.records import Meaning, MediaInfo, VideoTrack
from ppi.workflows import plain_dataset, plain_plan

INFO = MediaInfo("mp4", 64.0, 0.0, 4, VideoTrack("h264", 320, 180, 25.0, False, 0, "yuv420p"), ())


@pytest.fixture
def files(tmp_path):
    (tmp_path / "marks.csv").write_text("start,end,label,annotator\n1,4,Обьяснение,1\n10,12,проба,1\n", encoding="utf-8")
    (tmp_path / "patterns.csv").write_text("Паттерн;Описание\nОбъяснение;Объясняет\n", encoding="utf-8")
    (tmp_path / "lesson.mp4").write_bytes(b"film")
    return tmp_path


def test_a_plan_reads_labels_as_they_are_meant_and_remembers_which(files):
    chosen = {"Обьяснение": "Объяснение", "проба": "", "нигде": "Объяснение"}
    made = plain_plan.plan_early(files / "marks.csv", files / "patterns.csv", INFO, "Урок", "lesson.mp4", meanings=chosen)
    assert [pattern.description for sample in made.samples for pattern in sample.patterns] == ["Объясняет"]
    assert made.meanings == (Meaning("Обьяснение", "Объяснение", 1), Meaning("проба", "", 1))
    assert made.unmatched == () and [item.reason for item in made.dropped] == ["label_left_out"]


@pytest.mark.parametrize("text", ["", "[]", '{"meanings": []}', '{"meanings": {"a": null}}', '{"a": "b"}', "{" * 5000])
def test_a_file_that_says_something_else_is_refused(files, text):
    (files / "meanings.json").write_text(text)
    with pytest.raises(InputError, match="must be JSON"):
        plain_dataset.build_from_files(
            video=files / "lesson.mp4", annotations=files / "marks.csv", patterns=files / "patterns.csv",
            out=files / "dataset", meanings=files / "meanings.json",
        )  # fmt: skip
