"""Strict clips hold nothing but their interval, fast ones are copied and hide the rest; both are exact for every source."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from ppi.errors import Cancelled
from ppi.media import audio, clips, cutting, probe
from ppi.media.clips import ClipRequest
from ppi.records import Clip, Span
from tests.fixtures_media import AAC, lag_s, numbers_of, samples_of, sweep

# One without a closed key frame inside (there is one every four seconds), one with.
SPANS = (Span(0.513, 2.247), Span(3.2, 5.63))
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18")
# name: options that make it out of the raw pictures and the sound
UNUSUAL = {
    "open_groups": (*X264, "-pix_fmt", "yuv420p", "-x264-params", "open-gop=1:keyint=40:min-keyint=40:bframes=3", *AAC),
    "short_groups": (*X264, "-pix_fmt", "yuv420p", "-g", "12", "-bf", "3", *AAC),
    "only_key_frames": (*X264, "-pix_fmt", "yuv420p", "-g", "1", *AAC),
    "baseline": (*X264, "-pix_fmt", "yuv420p", "-profile:v", "baseline", "-g", "50", *AAC),
    "interlaced": (*X264, "-pix_fmt", "yuv420p", "-x264-params", "interlaced=1:keyint=50", *AAC),
    "ten_bit": (*X264, "-pix_fmt", "yuv420p10le", *AAC),
    "full_range": (*X264, "-pix_fmt", "yuvj420p", *AAC),
}
COPIED = ("mp4", "ntsc", "variable", "silent", "late_start", "late_sound", "short_groups", "baseline", "only_key_frames")
SMART = ("mp4", "ntsc", "variable", "silent", "late_start", "late_sound", "mov", "mkv", "short_groups", "baseline")
ENCODED = ("open_groups", "interlaced", "ten_bit", "full_range")


@pytest.fixture(scope="session")
def unusual(recording, bare_ffmpeg, tmp_path_factory) -> Callable[[str], Path]:
    """`unusual("interlaced")` is the recording `mp4` of that kind (see UNUSUAL); other names as `recording`."""
    folder = tmp_path_factory.mktemp("unusual")

    def make(kind: str) -> Path:
        if kind not in UNUSUAL:
            return recording(kind)
        path = folder / f"{kind}.mp4"
        if not path.exists():
            bare_ffmpeg("-i", recording("mp4"), "-fps_mode", "passthrough", *UNUSUAL[kind], path)
        return path

    return make


def cut(ffmpeg, source: Path, folder: Path, mode: str, spans=SPANS) -> list[Clip]:
    folder.mkdir(exist_ok=True)
    requests = [ClipRequest(span, folder / f"{number}.mp4", folder / f"{number}.jpg") for number, span in enumerate(spans)]
    return clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests, lambda fraction: None, mode)


def assert_exact(clip: Clip, source: Path, start_s: float) -> None:
    """The clip shows the numbers of the source's frames in its span, once each, as far apart as they are there."""
    times, numbers = numbers_of(source)
    pairs = [(time - start_s, number) for time, number in zip(times, numbers, strict=True)]
    inside = [(time, number) for time, number in pairs if clip.span.holds(round(time, 6))]
    shown_at, shown = numbers_of(Path(clip.path))
    assert shown == [number for _, number in inside]
    # A copied clip begins with its first picture.
    zero_s = inside[0][0] if clip.mode == "copied" else clip.span.start_s
    assert np.abs(np.array(shown_at) - [time - zero_s for time, _ in inside]).max() < 0.002
    assert clip.frame_count == len(inside)
    assert clip.first_frame_s == pytest.approx(inside[0][0], abs=1e-4)
    assert clip.last_frame_s == pytest.approx(inside[-1][0], abs=1e-4)


def hidden_too(path: Path) -> list[int]:
    """The numbers of all pictures in the file, also of those an edit list hides."""
    with av.open(str(path), options={"ignore_editlist": "1"}) as container:
        return [packet.pts for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("kind", [*SMART, "only_key_frames", *ENCODED])
def test_a_strict_clip_is_exact_and_holds_nothing_else(kind, unusual, ffmpeg, tmp_path):
    source = unusual(kind)
    made = cut(ffmpeg, source, tmp_path, "strict")
    for clip in made:
        assert_exact(clip, source, probe.inspect(source, ffmpeg).start_s)
        assert len(hidden_too(Path(clip.path))) == clip.frame_count
    assert made[1].mode == ("encoded" if kind in ENCODED else "smart")
    assert bool(made[1].reason) == (kind in ENCODED)


@pytest.mark.parametrize("kind", [*COPIED, "mov", "mkv", "open_groups", "ten_bit"])
def test_a_fast_clip_is_exact_or_is_cut_strictly_and_says_why(kind, unusual, ffmpeg, tmp_path):
    source = unusual(kind)
    made = cut(ffmpeg, source, tmp_path, "fast")
    for clip in made:
        assert_exact(clip, source, probe.inspect(source, ffmpeg).start_s)
    # A first group is never open.
    for clip in made[1:] if kind == "open_groups" else made:
        assert (clip.mode == "copied") == (kind in COPIED)
        assert bool(clip.reason) == (kind not in COPIED)
        if kind in COPIED and kind != "only_key_frames":
            assert len(hidden_too(Path(clip.path))) > clip.frame_count


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["webm", "avi", "avi_h264", "camera", "hevc", "odd_size", "interlaced", "full_range"])
def test_a_fast_clip_of_any_other_source_is_encoded_exactly(kind, unusual, ffmpeg, tmp_path):
    source = unusual(kind)
    early_s = {"avi": 1 / 25, "avi_h264": 2 / 25}.get(kind, 0.0)
    times, numbers = numbers_of(source)
    if kind.startswith(("avi", "camera")):
        times = [number / 25 + early_s for number in numbers]
    start_s = probe.inspect(source, ffmpeg).start_s
    for clip in cut(ffmpeg, source, tmp_path, "fast"):
        wanted = [n for t, n in zip(times, numbers, strict=True) if clip.span.holds(round(t - start_s, 6))]
        assert numbers_of(Path(clip.path))[1] == wanted
        assert clip.mode == "encoded" and clip.reason


def test_a_video_whose_beginning_is_hidden_is_cut_as_it_is_shown(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """Trimmed without encoding, as phones do it: an edit list hides the pictures before the new beginning."""
    source = tmp_path / "trimmed.mp4"
    bare_ffmpeg("-ss", "1.3", "-i", recording("mp4"), "-c", "copy", source)
    assert numbers_of(source)[1][0] == 33, "the first second and a third are hidden"
    for mode in ("strict", "fast"):
        for clip in cut(ffmpeg, source, tmp_path / mode, mode, (Span(0.1, 0.8), Span(2.5, 4.01))):
            assert_exact(clip, source, 0.0)
            assert (clip.mode, clip.reason) != ("copied", "") or clip.span.start_s > 1


def test_a_turned_video_is_never_copied(rotated, ffmpeg, tmp_path):
    for mode in ("strict", "fast"):
        (clip,) = cut(ffmpeg, rotated, tmp_path / mode, mode, SPANS[1:])
        assert (clip.mode, clip.reason) == ("encoded", "the picture is turned")


@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("kind", ["mp4", "late_start", "late_sound"])
def test_the_sound_of_both_modes_stays_with_the_picture(kind, mode, recording, ffmpeg, tmp_path):
    source = recording(kind)
    (clip,) = cut(ffmpeg, source, tmp_path, mode, (Span(2.11, 4.9),))
    assert abs(clip.sound_offset_s) < 0.002
    for name, path in (("clip.wav", Path(clip.path)), ("whole.wav", source)):
        audio.extract(ffmpeg, path, probe.inspect(path, ffmpeg), tmp_path / name, None, lambda fraction: None)
    heard = samples_of(tmp_path / "clip.wav")
    begin_s = clip.first_frame_s if mode == "fast" else clip.span.start_s
    wanted = samples_of(tmp_path / "whole.wav")[round(begin_s * 44_100) :][: len(heard)]
    assert abs(lag_s(heard, wanted, 44_100)) < 0.002
    assert len(heard) / 44_100 == pytest.approx(clip.span.duration_s, abs=0.05)
    # The first packet of AAC is whole only when its forerunner is in the file too.
    assert np.std(heard[:1024]) == pytest.approx(np.std(wanted[:1024]), rel=0.1)


def test_no_sound_from_outside_is_in_a_strict_clip(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """The source is loud around the interval and silent, to the sample, inside."""
    span, rate = Span(2.013, 4.4), 44_100
    samples = (sweep(np.arange(6 * rate) / rate) * 32767).astype(np.int16)
    samples[round(span.start_s * rate) : round(span.end_s * rate)] = 0
    (tmp_path / "sound.raw").write_bytes(samples.tobytes())
    sound = ("-f", "s16le", "-ar", rate, "-ac", 1, "-i", tmp_path / "sound.raw")
    source = tmp_path / "silence.mov"
    bare_ffmpeg("-i", recording("silent"), *sound, "-c:v", "copy", "-c:a", "pcm_s16le", source)
    (clip,) = cut(ffmpeg, source, tmp_path / "out", "strict", (span,))
    with av.open(clip.path, options={"ignore_editlist": "1"}) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(heard) >= span.duration_s * rate
    assert np.abs(heard).max() < 1e-4
    assert clip.sound_offset_s is None, "there is nothing to compare in silence"


@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_clips_that_are_partly_copied_carry_no_metadata_of_the_source(mode, recording, bare_ffmpeg, ffmpeg, tmp_path):
    source = tmp_path / "tagged.mp4"
    tags = ("-metadata", "location=+59.93+030.33", "-metadata", "artist=Anna", "-metadata:s:v", "handler_name=Anna")
    bare_ffmpeg("-i", recording("mp4"), "-c", "copy", *tags, source)
    (clip,) = cut(ffmpeg, source, tmp_path / "out", mode, SPANS[1:])
    raw = Path(clip.path).read_bytes()
    assert b"+59.93" not in raw and b"Anna" not in raw
    assert raw.index(b"moov") < raw.index(b"mdat"), "a browser can play it before all of it is there"


def test_a_copied_stretch_is_the_source_s_own_bytes(recording, ffmpeg, tmp_path):
    """Only what lies before the key frame, and pictures that need one from after the end, are encoded anew."""
    source = recording("mp4")
    (clip,) = cut(ffmpeg, source, tmp_path, "strict", SPANS[1:])

    def packets(path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]

    own, made = set(packets(source)), packets(clip.path)
    is_copied = [packet in own for packet in made]
    assert not any(is_copied[:20]) and sum(is_copied) >= 30, "the key frame is at 4 s, twenty frames after the start"


FAILING = """
import json, runpy, sys
task = json.loads(sys.argv[3])
if "look" in task:
    sys.path.insert(0, {good!r})
    runpy.run_path({good!r} + "/__main__.py")
else:
    if task["cut"][0][0] == 0:
        print("clip", json.dumps({{"number": 0, "refused": "check: made up"}}), flush=True)
    sys.exit(5)
"""


def test_what_the_cutter_fails_at_is_encoded_as_a_whole(recording, ffmpeg, tmp_path, monkeypatch):
    """A cutter that refuses the first clip and dies over the second one, but still looks at clips."""
    program, good = tmp_path / "cutter", cutting.CUTTER
    program.mkdir()
    (program / "__main__.py").write_text(FAILING.format(good=str(good)))
    monkeypatch.setattr(cutting, "CUTTER", program)
    monkeypatch.setattr(cutting, "parts_of_python", lambda script: [Path(sys.base_prefix), Path(sys.prefix), good, program])
    source = recording("mp4")
    made = cut(ffmpeg, source, tmp_path / "out", "strict")
    for clip in made:
        assert_exact(clip, source, 0.0)
    assert [clip.mode for clip in made] == ["encoded", "encoded"]
    assert {"check: made up"} <= {clip.reason for clip in made}
    assert any("the cutter failed" in clip.reason for clip in made)


def test_cancelling_a_cut_is_no_reason_to_encode(recording, ffmpeg, tmp_path, monkeypatch):
    def cancel(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    encoded = []
    monkeypatch.setattr(clips.Encoding, "clip", lambda *given: encoded.append(given))
    source = recording("mp4")
    requests = [ClipRequest(span, tmp_path / f"{n}.mp4", tmp_path / f"{n}.jpg") for n, span in enumerate(SPANS * 20)]
    with pytest.raises(Cancelled):
        clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), requests, cancel)
    assert len(list(tmp_path.glob("*.mp4"))) < len(requests) and not list(tmp_path.glob(".*"))
    assert not encoded


def test_one_process_cuts_one_share_and_shares_are_even(recording, ffmpeg, tmp_path, monkeypatch):
    seen = []
    real = cutting.cut
    monkeypatch.setattr(clips, "CORES", 3)
    monkeypatch.setattr(cutting, "cut", lambda *given: (seen.append([span for _, span, *_ in given[2]]), real(*given)))
    spans = [Span(0.1, 3.1), Span(1.0, 2.5), Span(2.0, 3.5), Span(3.0, 4.5), Span(4.0, 5.5)]
    cut(ffmpeg, recording("mp4"), tmp_path, "fast", spans)
    assert sorted(span for share in seen for span in share) == sorted(spans)
    assert [round(sum(span.duration_s for span in share), 3) for share in seen] == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("mode", clips.MODES)
def test_of_a_long_recording_only_what_lies_around_an_interval_is_read(mode, recording, bare_ffmpeg, ffmpeg, tmp_path):
    """So cutting costs as much as is annotated, however long the lesson is: all the rest of this one is damaged."""
    whole, damaged = tmp_path / "whole.mp4", tmp_path / "damaged.mp4"
    bare_ffmpeg("-stream_loop", 9, "-i", recording("mp4"), "-c", "copy", whole)
    span, data = Span(31.5, 33.4), bytearray(whole.read_bytes())
    around = Span(span.start_s - 6, span.end_s + 6)  # there is a key frame every four seconds
    with av.open(str(whole)) as container:
        for packet in container.demux():
            time_s = packet.pts * packet.time_base if packet.size else 0
            if time_s > 1 and not around.holds(time_s):  # whoever opens a file looks at its beginning
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    damaged.write_bytes(data)
    info = probe.inspect(whole, ffmpeg)
    made = []
    for path in (whole, damaged):
        folder = tmp_path / path.stem
        folder.mkdir()
        request = ClipRequest(span, folder / "clip.mp4", folder / "clip.jpg")
        (clip,) = clips.cut(ffmpeg, path, info, [request], lambda fraction: None, mode)
        made.append((clip.mode, clip.reason, (folder / "clip.mp4").read_bytes(), (folder / "clip.jpg").read_bytes()))
    assert made[0] == made[1] and info.duration_s > 55
