"""Parts are consecutive, complete, and begin with a key frame."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from ppi.errors import Cancelled, InputError
from ppi.media import parts, probe
from tests.fixtures_media import numbers_of


def quiet(fraction: float) -> None:
    pass


@pytest.fixture(scope="session")
def many_key_frames(recording, bare_ffmpeg, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("many") / "many_key_frames.mp4"
    bare_ffmpeg("-i", recording("mp4"), "-c:v", "libx264", "-bf", "2", "-g", "10", "-crf", "18", "-c:a", "copy", path)
    return path


def test_parts_hold_every_frame_once_and_are_about_equal(many_key_frames, ffmpeg, tmp_path):
    info = probe.inspect(many_key_frames, ffmpeg)
    made = parts.split(ffmpeg, many_key_frames, info, 3, tmp_path, "lesson", quiet)
    assert [path.name for path in made] == ["lesson_part1.mp4", "lesson_part2.mp4", "lesson_part3.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in made]
    numbers = [numbers_of(path)[1] for path in made]
    assert sum(numbers, []) == list(range(150))
    for path in made:
        part = probe.inspect(path, ffmpeg)
        assert part.duration_s == pytest.approx(2, abs=0.5)
        assert part.audio
        with av.open(str(path)) as container:
            assert next(container.demux(video=0)).is_keyframe


def test_there_are_fewer_parts_when_there_are_too_few_key_frames(recording, ffmpeg, tmp_path):
    source = recording("mp4")
    made = parts.split(ffmpeg, source, probe.inspect(source, ffmpeg), 6, tmp_path, "lesson", quiet)
    assert len(made) == 2, "a key frame every four seconds"
    assert sum((numbers_of(path)[1] for path in made), []) == list(range(150))


def test_one_part_is_the_whole_video(many_key_frames, ffmpeg, tmp_path):
    info = probe.inspect(many_key_frames, ffmpeg)
    made = parts.split(ffmpeg, many_key_frames, info, 1, tmp_path, "lesson", quiet)
    assert [numbers_of(path)[1] for path in made] == [list(range(150))]


@pytest.mark.parametrize("kind", ["webm", "avi", "avi_h264", "mov", "silent", "late_start", "camcorder"])
def test_parts_of_other_kinds_can_be_opened_again(kind, recording, ffmpeg, tmp_path):
    source = recording(kind)
    made = parts.split(ffmpeg, source, probe.inspect(source, ffmpeg), 2, tmp_path, "lesson", quiet)
    assert {path.suffix for path in made} == {".mp4" if kind in ("avi", "silent", "late_start", "camcorder") else ".mkv"}
    total = 0
    for path in made:
        assert probe.inspect(path, ffmpeg).start_s == pytest.approx(0, abs=0.1)
        total += len(numbers_of(path)[1])
    # The B-frames of an open GOP before a cut have lost their key frame.
    assert total >= (148 if kind == "avi" else 150)


def test_a_percent_sign_in_the_folder_is_no_pattern(many_key_frames, ffmpeg, tmp_path):
    folder = tmp_path / "100%d percent"
    folder.mkdir()
    info = probe.inspect(many_key_frames, ffmpeg)
    assert len(parts.split(ffmpeg, many_key_frames, info, 2, folder, "урок", quiet)) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["урок_part1.mp4", "урок_part2.mp4"]


@pytest.mark.parametrize("number", [0, -1, 101])
def test_an_impossible_number_of_parts_is_refused(number, many_key_frames, ffmpeg, tmp_path):
    info = probe.inspect(many_key_frames, ffmpeg)
    with pytest.raises(InputError, match="from 1 to 100"):
        parts.split(ffmpeg, many_key_frames, info, number, tmp_path, "lesson", quiet)


def test_cancelling_leaves_nothing(many_key_frames, ffmpeg, tmp_path):
    def cancel(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    info = probe.inspect(many_key_frames, ffmpeg)
    with pytest.raises(Cancelled):
        parts.split(ffmpeg, many_key_frames, info, 3, tmp_path, "lesson", cancel)
    assert list(tmp_path.iterdir()) == []
