"""Disguised and spoiled recordings: each is read or refused in words, within its time, and none reaches anything else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from ppi.errors import PpiError, Unexpected, UnsupportedMedia
from ppi.media import audio, probe
from ppi.records import AudioTrack, MediaInfo
from tests.hostile import corpus

MUTANTS = 2000
BELIEVED = MediaInfo("mp4", 6.0, 0.0, 1, None, (AudioTrack("aac", 44_100, 2),))
AT_MOST_S = 60


@pytest.fixture(scope="session")
def seeds(bare_ffmpeg, tmp_path_factory) -> list[bytes]:
    """A second of picture and sound in every pair of container and codecs that PPI takes, each a few kilobytes."""
    folder = tmp_path_factory.mktemp("seeds")
    x264, mpeg4 = ("-c:v", "libx264", "-preset", "ultrafast"), ("-c:v", "mpeg4")
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime")
    pairs = {
        "a.mp4": (*x264, "-c:a", "aac"), "b.mp4": (*x264, "-c:a", "aac", "-movflags", "+faststart"),
        "c.mp4": (*x264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"), "d.mov": (*x264, "-c:a", "pcm_s16be"),
        "e.mov": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "aac"), "f.mkv": (*x264, "-c:a", "flac"),
        "g.mkv": (*mpeg4, "-c:a", "libmp3lame"), "h.webm": (*vp8, "-c:a", "libopus"), "i.webm": (*vp8, "-c:a", "libvorbis"),
        "j.avi": (*mpeg4, "-c:a", "libmp3lame"), "k.avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"),
        "l.3gp": ("-c:v", "h263", "-s", "128x96", "-c:a", "aac"),
    }  # fmt: skip
    for name, options in pairs.items():
        picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1")
        bare_ffmpeg(*picture, "-f", "lavfi", "-i", "sine=d=1:r=16000", "-shortest", *options, folder / name)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def outcome(data: bytes, path, ffmpeg) -> str:
    """"read" or the code of the refusal; everything else is a failure of PPI."""
    path.write_bytes(data)
    began = time.monotonic()
    try:
        info = probe.inspect(path, ffmpeg)
        if info.audio:
            audio.extract(ffmpeg, path, info, path.with_suffix(".wav"), None, lambda fraction: None)
        return "read"
    except Unexpected:
        raise
    except PpiError as error:
        assert str(error) and str(path.parent) not in str(error)
        return error.code
    finally:
        assert time.monotonic() - began < AT_MOST_S
        path.unlink(missing_ok=True)
        path.with_suffix(".wav").unlink(missing_ok=True)


def run_all(found, ffmpeg, folder) -> dict[str, int]:
    """Outcomes with their number, two at a time."""
    counted: dict[str, int] = {}
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(outcome, data, folder / f"{number}.mp4", ffmpeg) for number, data in enumerate(found)]
        for job in jobs:
            counted[job.result()] = counted.get(job.result(), 0) + 1
    return counted


def test_the_good_ones_are_read(seeds, ffmpeg, tmp_path):
    """Otherwise the refusals below would prove nothing."""
    assert run_all(seeds, ffmpeg, tmp_path) == {"read": 12}


def test_some_spoiled_recordings_are_read_or_refused_in_words(seeds, ffmpeg, tmp_path, canary, listener):
    counted = run_all(corpus.mutants(seeds, 40, seed=99), ffmpeg, tmp_path)
    assert listener.hits == 0
    assert set(counted) <= {"read", "unsupported_media", "tool_failed", "input"} and sum(counted.values()) == 40


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_thousand_spoiled_recordings_are_read_or_refused_in_words(seeds, ffmpeg, tmp_path, canary, listener):
    counted = run_all(corpus.mutants(seeds, MUTANTS), ffmpeg, tmp_path)
    assert set(counted) <= {"read", "unsupported_media", "tool_failed", "input"} and sum(counted.values()) == MUTANTS
    assert counted["read"] > 50 and counted["unsupported_media"] > 500, "the harm is neither none nor total"
    assert listener.hits == 0


@pytest.mark.parametrize("share", [20, pytest.param(corpus.DISGUISES_WANTED, marks=pytest.mark.slow)])
def test_texts_disguised_as_lessons_are_refused_and_reach_nothing(share, canary, listener, ffmpeg, tmp_path):
    lesson = tmp_path / "lesson.mp4"
    for data in islice(corpus.disguises(canary, listener.url), share):
        lesson.write_bytes(data)
        with pytest.raises(UnsupportedMedia):
            probe.inspect(lesson, ffmpeg)
        # Probing is not the only guard.
        with pytest.raises(UnsupportedMedia):
            audio.extract(ffmpeg, lesson, BELIEVED, tmp_path / "out.wav", None, lambda fraction: None)
    assert listener.hits == 0 and not (tmp_path / "out.wav").exists()


def test_the_listener_is_hit_by_a_program_without_guards(listener, bare_ffmpeg, tmp_path):
    """The control: such a text does make a plain ffmpeg call."""
    lesson = tmp_path / "lesson.m3u8"
    lesson.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:6.0,\n{listener.url}/x.ts\n#EXT-X-ENDLIST\n")
    try:
        bare_ffmpeg("-protocol_whitelist", "file,http,tcp", "-i", lesson, "-f", "null", "-")
    except Exception:
        assert listener.hits > 0
    assert listener.hits > 0
