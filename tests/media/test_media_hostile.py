"""Hostile files are refused within seconds, and none of them makes a program read another file."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import re
import struct
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppi.errors import PpiError, ToolFailed, UnsupportedMedia
from ppi.media import audio, probe
from ppi.media.ffmpeg import Ffmpeg, Limits

IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0x800
AT_ONCE_S = 20


class Watch:
    """Whether a file has been opened or read since it was last asked (inotify)."""

    def __init__(self, path: Path):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(IN_NONBLOCK)
        assert libc.inotify_add_watch(self._fd, os.fsencode(path), IN_OPEN | IN_ACCESS) >= 0

    def was_touched(self) -> bool:
        try:
            return bool(os.read(self._fd, 65536))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def canary(recording, tmp_path) -> Iterator[Path]:
    path = tmp_path / "secret" / "canary.mp4"
    path.parent.mkdir()
    path.write_bytes(recording("mp4").read_bytes())
    yield path


@contextmanager
def untouched(path: Path) -> Iterator[None]:
    watch = Watch(path)
    yield
    assert not watch.was_touched(), "another file was read"
    watch.close()


def disguises(canary: Path) -> dict[str, str]:
    """Texts that make a plain ffmpeg open the canary, or whatever else they name."""
    beside = f"secret/{canary.name}"
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:6.0,\n"
    return {
        "m3u8_absolute": f"{head}file://{canary}\n#EXT-X-ENDLIST\n",
        "m3u8_path": f"{head}{canary}\n#EXT-X-ENDLIST\n",
        "m3u8_relative": f"{head}{beside}\n#EXT-X-ENDLIST\n",
        "m3u8_concat": f"{head}concat:{canary}|{canary}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{canary}'\n",
        "ffconcat_relative": f"ffconcat version 1.0\nfile {beside}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        f"a=control:{canary}\n",
        "dash": f'<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet><Representation id="1"><BaseURL>file://'
        f"{canary}</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "strm": f"file://{canary}\n",
        "text": "This is a letter, not a lesson.\n" * 50,
    }  # fmt: skip


DISGUISES = tuple(disguises(Path("/canary.mp4")))


@pytest.mark.parametrize("name", DISGUISES)
def test_a_text_disguised_as_a_lesson_is_refused_and_reads_no_other_file(name, canary, ffmpeg, tmp_path):
    lesson = tmp_path / "lesson.mp4"
    lesson.write_text(disguises(canary)[name])
    with untouched(canary), pytest.raises(UnsupportedMedia) as caught:
        probe.inspect(lesson, ffmpeg)
    assert str(canary) not in str(caught.value)


@pytest.mark.parametrize("name", DISGUISES)
def test_ffmpeg_itself_refuses_such_a_text_too(name, canary, ffmpeg, tmp_path):
    """Probing is not the only guard: the white lists stand in every run."""
    lesson, wav = tmp_path / "lesson.mp4", tmp_path / "out.wav"
    lesson.write_text(disguises(canary)[name])

    def build(media, files):
        return [media["a:0"].output(files[0], format="wav")]

    with untouched(canary), pytest.raises(UnsupportedMedia) as caught:
        ffmpeg.convert(lesson, build, [wav], limits=Limits(wall_s=AT_ONCE_S))
    assert not wav.exists()
    assert not re.search(r"/(tmp|home|work)", str(caught.value))


def test_the_watch_sees_an_unguarded_ffmpeg_read_the_canary(canary, bare_ffmpeg, tmp_path):
    """Otherwise the two tests above would prove nothing."""
    lesson, watch = tmp_path / "lesson.mp4", Watch(canary)
    lesson.write_text(disguises(canary)["ffconcat"])
    bare_ffmpeg("-f", "concat", "-safe", 0, "-i", lesson, "-f", "null", "-")
    assert watch.was_touched()
    watch.close()


def test_an_empty_file_is_refused(ffmpeg, tmp_path):
    (tmp_path / "lesson.mp4").touch()
    with pytest.raises(UnsupportedMedia, match="empty"):
        probe.inspect(tmp_path / "lesson.mp4", ffmpeg)


@pytest.mark.parametrize("kind", ["mp4", "mp4_moov_last", "mov", "mkv", "webm", "avi"])
def test_a_truncated_file_is_refused(kind, recording, ffmpeg, tmp_path):
    whole = recording(kind).read_bytes()
    lesson = tmp_path / "lesson.mp4"
    lesson.write_bytes(whole[: len(whole) * 5 // 10])
    with pytest.raises(UnsupportedMedia, match="cut short|could not be read|damaged"):
        probe.inspect(lesson, ffmpeg)


def test_noise_is_refused(ffmpeg, tmp_path):
    (tmp_path / "lesson.mp4").write_bytes(bytes(range(7, 251)) * 400)
    with pytest.raises(UnsupportedMedia):
        probe.inspect(tmp_path / "lesson.mp4", ffmpeg)


def test_a_picture_of_225_million_pixels_is_refused_at_once(bare_ffmpeg, ffmpeg, tmp_path):
    """A small Motion JPEG whose size is rewritten where the container and every JPEG state it."""
    lesson = tmp_path / "lesson.mov"
    bare_ffmpeg("-f", "lavfi", "-i", "color=s=208x112:r=5:d=2", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", lesson)
    raw = lesson.read_bytes()
    for first, second in ((208, 112), (112, 208)):
        raw = raw.replace(struct.pack(">HH", first, second), struct.pack(">HH", 15000, 15000))
    lesson.write_bytes(raw)
    began = time.monotonic()
    with pytest.raises(UnsupportedMedia, match="15000x15000"):
        probe.inspect(lesson, ffmpeg)

    def build(media, files):
        return [media["v:0"].output(files[0], format="mp4")]

    with pytest.raises(PpiError):
        ffmpeg.convert(lesson, build, [tmp_path / "out.mp4"])
    assert time.monotonic() - began < AT_ONCE_S


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_a_gap_of_ten_hours_in_the_picture_is_refused(extension, recording, bare_ffmpeg, ffmpeg, tmp_path):
    lesson = tmp_path / f"lesson.{extension}"
    jump = "setpts=if(gte(N\\,25)\\,PTS+36000/TB\\,PTS)"
    bare_ffmpeg("-t", 2, "-i", recording("silent"), "-vf", jump, "-fps_mode", "passthrough", "-c:v", "libx264", lesson)
    began = time.monotonic()
    with pytest.raises(UnsupportedMedia, match="gap of 36000 seconds|cut short"):
        probe.inspect(lesson, ffmpeg)
    assert time.monotonic() - began < AT_ONCE_S


def test_a_picture_that_begins_hours_after_the_sound_is_refused(recording, bare_ffmpeg, ffmpeg, tmp_path):
    lesson = tmp_path / "lesson.mkv"
    late = ("-itsoffset", 7200, "-i", recording("silent"))
    bare_ffmpeg("-i", recording("wav"), *late, "-map", 0, "-map", 1, "-c:v", "copy", "-c:a", "flac", lesson)
    with pytest.raises(UnsupportedMedia, match="gap"):
        probe.inspect(lesson, ffmpeg)


def test_hours_of_silence_out_of_a_lie_are_cut_or_stopped(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """The sound jumps by ten hours; the caller believes six seconds, or that a recording has half a minute at most."""
    lesson, wav = tmp_path / "lesson.mkv", tmp_path / "out" / "lesson.wav"
    jump = "asetpts=if(gte(T\\,1)\\,PTS+36000/TB\\,PTS)"
    bare_ffmpeg("-i", recording("mkv"), "-c:v", "copy", "-af", jump, "-c:a", "flac", lesson)
    honest = probe.inspect(recording("mkv"), ffmpeg)
    audio.extract(ffmpeg, lesson, honest, wav, None, lambda fraction: None)
    with wave.open(str(wav)) as made:
        assert abs(made.getnframes() / made.getframerate() - honest.duration_s) < 0.01
    wav.unlink()
    strict = Ffmpeg(dataclasses.replace(ffmpeg.settings, max_duration_s=30))
    with pytest.raises(PpiError):
        audio.extract_speech(strict, lesson, wav, lambda fraction: None)
    assert list(wav.parent.iterdir()) == []


@pytest.mark.parametrize("codec", ["magicyuv", "ffv1", "huffyuv"])
def test_a_rare_codec_is_never_decoded(codec, recording, bare_ffmpeg, ffmpeg, tmp_path):
    lesson = tmp_path / "lesson.mkv"
    bare_ffmpeg("-i", recording("silent"), "-t", 1, "-c:v", codec, lesson)

    def build(media, files):
        return [media["v:0"].output(files[0], format="mp4")]

    with pytest.raises((UnsupportedMedia, ToolFailed)):
        ffmpeg.convert(lesson, build, [tmp_path / "out.mp4"])
    with pytest.raises(UnsupportedMedia):
        probe.inspect(lesson, ffmpeg)
