"""Probing tells what a file holds by its content, and refuses in words what is no recording."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from ppi.errors import Cancelled, NotFound, UnsupportedMedia
from ppi.media import probe
from ppi.media.ffmpeg import Ffmpeg

ABOUT = {
    "mp4": ("mp4", "h264", ("aac",)), "mov": ("mov", "h264", ("pcm_s16be",)), "mkv": ("mkv", "h264", ("flac",)),
    "webm": ("webm", "vp8", ("opus",)), "avi": ("avi", "mpeg4", ("mp3",)),
    "camera": ("avi", "mjpeg", ("adpcm_ima_wav",)), "hevc": ("mp4", "hevc", ("aac",)), "silent": ("mp4", "h264", ()),
    "camcorder": ("ts", "h264", ("ac3",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ABOUT))
def test_containers_and_codecs_are_told_by_their_content(kind, recording, ffmpeg, tmp_path):
    renamed = tmp_path / "lesson.txt"
    shutil.copyfile(recording(kind), renamed)
    info = probe.inspect(renamed, ffmpeg)
    container, codec, sound = ABOUT[kind]
    assert (info.container, info.video.codec) == (container, codec)
    assert tuple(track.codec.removesuffix("float") for track in info.audio) == sound
    assert (info.video.width_px, info.video.height_px) == (160, 96)
    assert info.duration_s == pytest.approx(6, abs=0.1)
    assert info.video.frame_rate == pytest.approx(25, abs=0.01)
    assert not info.video.is_variable_rate
    assert info.size_bytes == renamed.stat().st_size
    assert all((track.sample_rate_hz, track.channels) in ((44_100, 1), (48_000, 1)) for track in info.audio)


def test_a_variable_frame_rate_is_noticed(recording, ffmpeg):
    info = probe.inspect(recording("variable"), ffmpeg)
    assert info.video.is_variable_rate
    assert info.video.frame_rate < 23


def test_broken_frame_rates_are_exact(recording, ffmpeg):
    assert probe.inspect(recording("ntsc"), ffmpeg).video.frame_rate == pytest.approx(30000 / 1001, abs=0.001)


def test_a_start_later_than_zero_counts_as_zero_for_players(recording, ffmpeg):
    info = probe.inspect(recording("late_start"), ffmpeg)
    assert info.start_s == pytest.approx(7.3, abs=0.03)
    assert info.duration_s == pytest.approx(6, abs=0.1)
    times = probe.frame_times(recording("late_start"), ffmpeg, info)
    assert times[0] == pytest.approx(0, abs=0.03)


def test_a_rotation_is_told_in_degrees_clockwise(rotated, ffmpeg):
    assert probe.inspect(rotated, ffmpeg).video.rotation_deg == 270


@pytest.mark.parametrize("kind", ["mp4", "variable", "webm", "avi"])
def test_frame_times_are_sorted_and_complete(kind, recording, ffmpeg):
    times = probe.frame_times(recording(kind), ffmpeg, probe.inspect(recording(kind), ffmpeg))
    assert times.dtype == np.float64
    assert (np.diff(times) > 0).all()
    assert len(times) == (150 if kind != "variable" else 118)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "m4a", "adts"])
def test_sound_files_pass_only_where_no_video_is_needed(kind, recording, ffmpeg):
    with pytest.raises(UnsupportedMedia, match="not a video|no picture"):
        probe.inspect(recording(kind), ffmpeg)
    info = probe.inspect(recording(kind), ffmpeg, needs_video=False)
    assert info.video is None
    assert len(info.audio) == 1
    assert info.duration_s == pytest.approx(6, abs=0.1)


def test_a_cover_picture_is_no_video(recording, bare_ffmpeg, ffmpeg, tmp_path):
    cover, song = tmp_path / "cover.png", tmp_path / "song.m4a"
    bare_ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", 1, cover)
    picture = ("-map", 0, "-map", 1, "-c", "copy", "-disposition:v", "attached_pic")
    bare_ffmpeg("-i", recording("m4a"), "-i", cover, *picture, "-f", "mp4", song)
    with pytest.raises(UnsupportedMedia, match="no picture"):
        probe.inspect(song, ffmpeg)
    assert probe.inspect(song, ffmpeg, needs_video=False).video is None


def test_subtitles_and_cover_pictures_do_not_hinder(recording, bare_ffmpeg, ffmpeg, tmp_path):
    words, source = tmp_path / "words.srt", tmp_path / "subtitled.mkv"
    words.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n")
    bare_ffmpeg("-i", recording("mp4"), "-i", words, "-map", 0, "-map", 1, "-c", "copy", source)
    assert probe.inspect(source, ffmpeg).video.codec == "h264"


def test_a_recording_of_a_browser_without_a_duration_is_taken(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """As MediaRecorder writes it: live WebM, no duration, no index."""
    source = tmp_path / "live.webm"
    bare_ffmpeg("-i", recording("webm"), "-c", "copy", "-live", 1, source)
    assert probe.inspect(source, ffmpeg).duration_s == pytest.approx(6, abs=0.1)


def test_more_pixels_than_allowed_are_refused(recording, ffmpeg):
    small = Ffmpeg(dataclasses.replace(ffmpeg.settings, max_pixels=160 * 96 - 1))
    with pytest.raises(UnsupportedMedia, match="160x96"):
        probe.inspect(recording("mp4"), small)


def test_a_longer_recording_than_allowed_is_refused(recording, ffmpeg):
    short = Ffmpeg(dataclasses.replace(ffmpeg.settings, max_duration_s=5))
    with pytest.raises(UnsupportedMedia, match="Cut it into parts"):
        probe.inspect(recording("mp4"), short)


def test_a_file_that_is_gone_is_not_found(ffmpeg, tmp_path):
    with pytest.raises(NotFound):
        probe.inspect(tmp_path / "gone.mp4", ffmpeg)


def test_probing_can_be_cancelled(recording, ffmpeg):
    def cancel(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        probe.inspect(recording("mp4"), ffmpeg, on_progress=cancel)


def test_the_sample_lesson_is_what_its_files_say(sample_lesson: object, ffmpeg):
    import json

    import openpyxl

    info = probe.inspect(sample_lesson.video, ffmpeg)
    assert (info.video.codec, info.video.width_px, info.video.height_px) == ("h264", 640, 360)
    assert 60 <= info.duration_s <= 75
    assert sample_lesson.video.stat().st_size < 3_000_000
    sentences = json.loads(sample_lesson.sentences.read_text(encoding="utf-8"))
    assert {one["language"] for one in sentences} == {"en", "ru"}
    assert all(0 <= one["start_s"] < one["end_s"] <= info.duration_s for one in sentences)
    task = json.loads(sample_lesson.annotations.read_text(encoding="utf-8"))[0]
    items = [item for one in task["annotations"] for item in one["result"]]
    labels = {label for item in items for label in item["value"].get("labels", ())}
    assert any(label.startswith("👍") and label.endswith(" П") for label in labels)
    rows = list(openpyxl.load_workbook(sample_lesson.patterns).active.values)
    assert rows[0] == ("Паттерн", "Описание")


def test_the_numbers_of_the_sample_lesson_can_be_read(sample_lesson):
    from tests.fixtures_media import numbers_of

    _, numbers = numbers_of(Path(sample_lesson.video))
    assert numbers == list(range(len(numbers)))
