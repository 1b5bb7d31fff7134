"""The copy for annotators: a constant rate, playable, and the same picture at the same time as the recording."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from ppi.annotation import label_studio
from ppi.errors import ToolFailed
from ppi.media import annotation_copy, probe
from ppi.media.annotation_copy import UNEQUAL_LENGTHS, UNPLAYABLE, VARIABLE_RATE
from tests.fixtures_media import lag_s, numbers_of, samples_of, sweep


def quiet(fraction: float) -> None:
    pass


@pytest.mark.parametrize("kind, wanted", [
    ("mp4", ()), ("webm", ()), ("silent", ()), ("ntsc", ()), ("variable", (VARIABLE_RATE,)), ("avi", (UNPLAYABLE,)),
    ("camera", (UNPLAYABLE,)), ("hevc", (UNPLAYABLE,)), ("mkv", (UNPLAYABLE,)), ("odd_size", (UNPLAYABLE,)),
    ("mov", (UNPLAYABLE,)),
])  # fmt: skip
def test_the_reasons_for_a_copy_are_found(kind, wanted, recording, ffmpeg):
    assert annotation_copy.reasons(probe.inspect(recording(kind), ffmpeg)) == wanted


@pytest.mark.parametrize("length_s, wanted", [(2, (UNEQUAL_LENGTHS,)), (5.8, ()), (7.5, (UNEQUAL_LENGTHS,))])
def test_sound_much_shorter_or_longer_than_the_picture_is_a_reason(length_s, wanted, recording, bare_ffmpeg, ffmpeg, tmp_path):
    source = tmp_path / "source.mp4"
    sound = ("-af", f"apad=whole_dur={length_s},atrim=end={length_s}")
    bare_ffmpeg("-i", recording("silent"), "-i", recording("wav"), *sound, "-c:v", "copy", source)
    info = probe.inspect(source, ffmpeg)
    assert annotation_copy.reasons(info) == wanted
    assert (info.picture_s, info.sound_s) == (pytest.approx(6, abs=0.05), pytest.approx(length_s, abs=0.05))


@pytest.mark.parametrize(
    "kind, rate", [("variable", 25), ("late_start", 25), ("odd_size", 25), ("ntsc", Fraction(30000, 1001))]
)
def test_every_moment_of_the_copy_shows_what_the_recording_shows_then(kind, rate, recording, ffmpeg, bare_ffmpeg, tmp_path):
    source, copy, wav = recording(kind), tmp_path / "copy.mp4", tmp_path / "copy.wav"
    info = probe.inspect(source, ffmpeg)
    annotation_copy.make(ffmpeg, source, info, copy, quiet)
    made = probe.inspect(copy, ffmpeg)
    assert annotation_copy.rate_of(info) == rate
    assert (made.container, made.video.codec, made.audio[0].codec, made.start_s) == ("mp4", "h264", "aac", 0.0)
    assert annotation_copy.reasons(made) == () and made.video.frame_rate == pytest.approx(float(rate), abs=0.01)
    assert made.duration_s == pytest.approx(info.duration_s, abs=1 / rate + 0.03)

    times, numbers = numbers_of(source)
    times = np.array(times) - info.start_s
    shown_s, shown = numbers_of(copy)
    assert np.allclose(shown_s, np.arange(len(shown)) / float(rate), atol=0.001)
    half_s = 0.5 / float(rate) + 0.001
    for time_s, number in zip(shown_s, shown, strict=True):
        first, last = (np.searchsorted(times, time_s + shift_s, side="right") - 1 for shift_s in (-half_s, half_s))
        assert numbers[max(first, 0)] <= number <= numbers[max(last, 0)], time_s
    bare_ffmpeg("-i", copy, "-ac", 1, wav)
    heard = samples_of(wav)
    assert abs(lag_s(heard, sweep(np.arange(len(heard)) / 48_000), 48_000)) < 0.03


def test_frames_marked_on_the_copy_are_seconds_of_a_recording_whose_rate_varies(recording, ffmpeg, tmp_path):
    """An annotator boxes one picture; the span that is read back begins when the recording shows that picture."""
    source, copy = recording("variable"), tmp_path / "copy.mp4"
    info = probe.inspect(source, ffmpeg)
    annotation_copy.make(ffmpeg, source, info, copy, quiet)
    task = label_studio.task_json("v", "a", float(annotation_copy.rate_of(info)), info.duration_s, "l")
    times, numbers = numbers_of(source)
    _, shown = numbers_of(copy)
    for number in (numbers[5], numbers[40], numbers[60], numbers[-3]):
        frame = shown.index(number) + 1  # Label Studio counts from one
        region = {"id": "r", "type": "videorectangle", "from_name": "box", "to_name": "video", "value": {
            "labels": ["x"], "framesCount": len(shown), "duration": info.duration_s,
            "sequence": [{"frame": frame, "enabled": True, "x": 1, "y": 1, "width": 1, "height": 1}]}}  # fmt: skip
        export = task[1:-2] + ', "annotations": [' + json.dumps({"id": 1, "result": [region]}) + "]}"
        span = label_studio.parse(f"[{export}]", frame_rate=None, duration_s=info.duration_s).annotations[0].regions[0].span
        assert span.start_s == pytest.approx(times[numbers.index(number)] - info.start_s, abs=0.021)


def test_picture_and_sound_that_end_early_are_held_and_padded(recording, bare_ffmpeg, ffmpeg, tmp_path):
    source, copy = tmp_path / "source.mp4", tmp_path / "copy.mp4"
    bare_ffmpeg("-i", recording("silent"), "-i", recording("wav"), "-af", "apad=whole_dur=8", "-c:v", "copy", source)
    info = probe.inspect(source, ffmpeg)
    annotation_copy.make(ffmpeg, source, info, copy, quiet)
    made = probe.inspect(copy, ffmpeg)
    assert made.picture_s == pytest.approx(8, abs=0.05) and made.sound_s == pytest.approx(8, abs=0.05)
    assert numbers_of(copy)[1][-1] == numbers_of(source)[1][-1]


def test_a_recording_without_sound_gets_a_copy_without_sound(recording, ffmpeg, tmp_path):
    source = recording("silent")
    info = probe.inspect(source, ffmpeg)
    annotation_copy.make(ffmpeg, source, info, tmp_path / "copy.mp4", quiet)
    assert probe.inspect(tmp_path / "copy.mp4", ffmpeg).audio == ()


def test_a_copy_that_does_not_fit_is_refused(recording, ffmpeg, tmp_path, monkeypatch):
    monkeypatch.setattr(annotation_copy, "VIDEO", {**annotation_copy.VIDEO, "r": 10})
    source = recording("variable")
    with pytest.raises(ToolFailed, match="does not fit"):
        annotation_copy.make(ffmpeg, source, probe.inspect(source, ffmpeg), tmp_path / "copy.mp4", quiet)
