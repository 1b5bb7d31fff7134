"""The key frame is the sharpest picture near the middle of a clip that is not dark, not empty and no transition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppi.media import clips, probe
from ppi.media.clips import ClipRequest
from ppi.records import Clip, Span
from tests.fixtures_media import number_in

# Frames 25 to 74, of which 41 to 59 are near the middle one, 50.
SPAN, NEAR = Span(1, 3), range(41, 60)


@pytest.fixture
def key_frame_of(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """`key_frame_of(filter, codec)` is the clip of SPAN out of a video with that filter, and its key frame's number."""

    def make(filters: str, *codec: str) -> tuple[Clip, int]:
        source = tmp_path / "source.mp4"
        bare_ffmpeg("-i", recording("silent"), "-vf", filters, *(codec or ("-c:v", "libx264", "-crf", "12")), source)
        request = ClipRequest(SPAN, tmp_path / "clip.mp4", tmp_path / "clip.jpg")
        (clip,) = clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), [request], lambda fraction: None)
        with Image.open(clip.key_frame_path) as image:
            assert image.format == "JPEG"
            number = number_in(np.asarray(image.convert("L")))
        return clip, number

    return make


def test_a_sharp_picture_beats_blurred_ones_nearer_to_the_middle(key_frame_of):
    clip, number = key_frame_of("gblur=sigma=3:enable='between(n,0,55)'")
    assert number in range(56, 60)
    assert clip.key_frame_s == pytest.approx(number / 25)
    assert clip.key_frame["why"] == "sharpest"
    assert clip.key_frame["candidates"] == 9
    assert clip.key_frame["from_middle_s"] == pytest.approx((number - 50) / 25)


def test_among_pictures_as_sharp_the_middle_one_is_taken(key_frame_of):
    # The blocks of the number differ from picture to picture, so they are left out of the picture that counts.
    clip, number = key_frame_of("crop=160:80:0:0,loop=-1:1:0,setpts=N/25/TB,trim=end_frame=150")
    assert clip.key_frame_s == pytest.approx(50 / 25)
    assert clip.key_frame["from_middle_s"] == 0


def test_dark_pictures_are_passed_over(key_frame_of):
    clip, number = key_frame_of("drawbox=color=black:t=fill:enable='between(n,44,57)'")
    assert number in NEAR and not 44 <= number <= 57
    assert clip.key_frame["dark"] >= 5


def test_empty_pictures_are_passed_over(key_frame_of):
    clip, number = key_frame_of("drawbox=color=gray:t=fill:enable='between(n,44,57)'")
    assert number in NEAR and not 44 <= number <= 57
    assert clip.key_frame["empty"] >= 5


def test_a_picture_in_a_transition_is_passed_over(key_frame_of):
    """Around the middle the picture turns into its negative and back, for one picture each."""
    clip, number = key_frame_of("negate=enable='eq(n,50)'")
    assert clip.key_frame["transition"] >= 1
    assert clip.key_frame_s != pytest.approx(50 / 25)


def test_when_nothing_is_to_be_seen_it_is_the_middle_picture(key_frame_of):
    clip, _ = key_frame_of("drawbox=color=black:t=fill")
    assert clip.key_frame["why"] == "middle"
    assert clip.key_frame["dark"] == clip.key_frame["candidates"]
    assert clip.key_frame_s == pytest.approx(50 / 25)


def test_the_key_frame_of_an_encoded_source_is_chosen_alike(key_frame_of):
    clip, number = key_frame_of("gblur=sigma=3:enable='between(n,0,55)'", "-c:v", "mpeg4", "-q:v", "2")
    assert clip.mode == "encoded"
    assert number in range(56, 60)
    assert clip.key_frame_s == pytest.approx(number / 25)


def test_the_colours_of_a_key_frame_are_those_of_the_clip(recording, bare_ffmpeg, ffmpeg, tmp_path):
    source, bars = tmp_path / "white.mp4", "color=white:s=160x96:r=25:d=2,drawbox=x=0:w=80:color=black:t=fill"
    bare_ffmpeg("-f", "lavfi", "-i", bars, "-c:v", "libx264", "-pix_fmt", "yuv420p", source)
    request = ClipRequest(Span(0.2, 1), tmp_path / "clip.mp4", tmp_path / "clip.jpg")
    (clip,) = clips.cut(ffmpeg, source, probe.inspect(source, ffmpeg), [request], lambda fraction: None)
    with Image.open(Path(clip.key_frame_path)) as image:
        grey = np.asarray(image.convert("L"))
    assert grey[:, :70].max() < 8 and grey[:, 90:].min() > 247, "from black to white, not from 16 to 235"
