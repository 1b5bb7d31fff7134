"""Clips show exactly the frames of their interval, once each, with their sound at its place, whatever the source is."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ppi.errors import Cancelled, InputError
from ppi.media import audio, clips, probe
from ppi.media.clips import ClipRequest
from ppi.records import Span
from tests.fixtures_media import lag_s, number_in, numbers_of, samples_of

SPANS = (Span(0, 0.52), Span(0.513, 2.247), Span(2.48, 2.56), Span(4.2, 5.0), Span(5.4, 6.7))
EXACT = (
    "mp4", "mp4_moov_last", "ntsc", "variable", "silent", "mov", "mkv", "late_start", "webm", "avi", "avi_h264",
    "camera", "hevc", "odd_size", "late_sound", "camcorder",
)  # fmt: skip
# Packets of AVI have no presentation times: players show a frame when the decoder lets go of it, so many frames late.
AVI_DELAYS = {"avi": 1, "avi_h264": 2, "camera": 0}


def requests_for(spans, folder: Path) -> list[ClipRequest]:
    return [ClipRequest(span, folder / f"{number}.mp4", folder / f"{number}.jpg") for number, span in enumerate(spans)]


def quiet(fraction: float) -> None:
    pass


@pytest.mark.parametrize("kind", EXACT)
def test_a_clip_shows_exactly_the_frames_of_its_interval(kind, recording, ffmpeg, tmp_path):
    source = recording(kind)
    info = probe.inspect(source, ffmpeg)
    times, numbers = numbers_of(source)
    if kind in AVI_DELAYS:
        times = [(number + AVI_DELAYS[kind]) / 25 for number in numbers]
    times = np.array(times) - info.start_s
    spans = SPANS if kind in ("mp4", "variable") else SPANS[1::2]
    made = clips.cut(ffmpeg, source, info, requests_for(spans, tmp_path), quiet)
    for span, clip in zip(spans, made, strict=True):
        inside = [number for time, number in zip(times, numbers, strict=True) if span.holds(round(float(time), 6))]
        shown_at, shown = numbers_of(Path(clip.path))
        assert shown == inside, f"{kind} {span}"
        assert clip.frame_count == len(inside)
        wanted = times[np.isin(numbers, inside)] - span.start_s
        assert np.abs(np.array(shown_at) - wanted).max() < 0.002


@pytest.mark.parametrize("kind", ["mp4", "mkv", "late_start", "webm", "avi", "late_sound", "camcorder"])
def test_the_sound_of_a_clip_stays_with_its_picture(kind, recording, ffmpeg, tmp_path):
    source = recording(kind)
    info = probe.inspect(source, ffmpeg)
    span = Span(2.11, 4.9)
    clip = Path(clips.cut(ffmpeg, source, info, requests_for([span], tmp_path), quiet)[0].path)
    audio.extract(ffmpeg, source, info, tmp_path / "whole.wav", None, quiet)
    audio.extract(ffmpeg, clip, probe.inspect(clip, ffmpeg), tmp_path / "clip.wav", None, quiet)
    heard = samples_of(tmp_path / "clip.wav")
    whole = samples_of(tmp_path / "whole.wav")[round(span.start_s * 44_100) :]
    assert abs(lag_s(heard, whole, 44_100)) < 0.002
    assert len(heard) / 44_100 == pytest.approx(span.duration_s, abs=0.05)


def test_the_key_frame_is_the_middle_frame_of_the_clip(recording, ffmpeg, tmp_path):
    from PIL import Image

    source = recording("mp4")
    clip = clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests_for([Span(1, 2)], tmp_path), quiet)[0]
    with Image.open(clip.key_frame_path) as image:
        assert image.format == "JPEG"
        assert number_in(np.asarray(image.convert("L"))) == 37
    assert clip.key_frame_s == pytest.approx(37 / 25)
    assert clip.first_frame_s == pytest.approx(1.0)


def test_a_clip_has_even_sizes_and_no_metadata_of_the_source(recording, bare_ffmpeg, ffmpeg, tmp_path):
    source = tmp_path / "tagged.mkv"
    tags = ("-metadata", "location=+59.93+030.33", "-metadata", "artist=Anna")
    bare_ffmpeg("-i", recording("odd_size"), "-c", "copy", *tags, source)
    clip = clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests_for([Span(1, 2)], tmp_path), quiet)[0]
    with av.open(clip.path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (160, 96)
        assert container.streams.audio[0].codec_context.name == "aac"
    raw = Path(clip.path).read_bytes()
    assert b"+59.93" not in raw and b"Anna" not in raw
    assert raw.index(b"moov") < raw.index(b"mdat"), "a browser can play it before all of it is there"


def test_a_rotated_video_is_cut_upright(rotated, ffmpeg, tmp_path):
    clip = clips.cut(ffmpeg, rotated, probe.inspect(rotated, ffmpeg), requests_for([Span(1, 2)], tmp_path), quiet)[0]
    info = probe.inspect(Path(clip.path), ffmpeg)
    assert (info.video.width_px, info.video.height_px, info.video.rotation_deg) == (96, 160, 0)
    assert clip.frame_count == 25


def test_a_clip_after_the_end_of_the_sound_is_cut(recording, bare_ffmpeg, ffmpeg, tmp_path):
    source = tmp_path / "short_sound.mp4"
    bare_ffmpeg("-i", recording("silent"), "-i", recording("wav"), "-af", "atrim=end=2", "-c:v", "copy", source)
    clip = clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests_for([Span(3, 4)], tmp_path), quiet)[0]
    assert numbers_of(Path(clip.path))[1] == list(range(75, 100))


def test_an_interval_without_a_frame_is_named(recording, ffmpeg, tmp_path):
    source = recording("mp4")
    with pytest.raises(InputError, match="between 6.5 and 7"):
        clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests_for([Span(6.5, 7)], tmp_path), quiet)


def test_a_damaged_beginning_is_cut_as_a_player_shows_it(recording, ffmpeg, tmp_path):
    """The first key frame is destroyed, so fewer frames are shown than there are packets."""
    whole = bytearray(recording("mkv").read_bytes())
    with av.open(str(recording("mkv"))) as container:
        packet = next(packet for packet in container.demux(video=0) if packet.is_keyframe)
        at, size = packet.pos, packet.size
    whole[at + 40 : at + size] = bytes(size - 40)
    source = tmp_path / "damaged.mkv"
    source.write_bytes(whole)
    info = probe.inspect(source, ffmpeg)
    clip = clips.cut(ffmpeg, source, info, requests_for([Span(4.2, 5.0)], tmp_path), quiet)[0]
    assert numbers_of(Path(clip.path))[1] == list(range(105, 125))


def test_the_progress_of_cutting_never_goes_back_and_ends_at_one(recording, ffmpeg, tmp_path):
    source, seen = recording("mp4"), []
    clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests_for(SPANS, tmp_path), seen.append)
    assert seen == sorted(seen)
    assert seen[0] >= 0 and seen[-1] == pytest.approx(1.0)


def test_no_clips_are_no_work(recording, ffmpeg):
    source = recording("mp4")
    assert clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), [], quiet) == []


def test_cancelling_leaves_no_file_of_an_unfinished_clip(recording, ffmpeg, tmp_path):
    source = recording("mp4")
    info = probe.inspect(source, ffmpeg)

    def cancel(fraction: float) -> None:
        if fraction > 0.1:
            raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled, match="The job was cancelled"):
        clips.cut(ffmpeg, source, info, requests_for(SPANS * 8, tmp_path), cancel)
    assert len(list(tmp_path.glob("*.mp4"))) < len(SPANS) * 8
    assert not list(tmp_path.glob(".*")), "temporary files are gone"


def test_the_sample_lesson_is_cut_at_its_sentences(sample_lesson, ffmpeg, tmp_path):
    import json

    sentences = json.loads(sample_lesson.sentences.read_text(encoding="utf-8"))
    spans = [Span(one["start_s"], one["end_s"]) for one in sentences[:3]]
    info = probe.inspect(sample_lesson.video, ffmpeg)
    made = clips.cut(ffmpeg, sample_lesson.video, info, requests_for(spans, tmp_path), quiet)
    for span, clip in zip(spans, made, strict=True):
        first, last = (int(np.ceil(time_s * 25 - 1e-6)) for time_s in (span.start_s, span.end_s))
        assert numbers_of(Path(clip.path))[1] == list(range(first, last))
