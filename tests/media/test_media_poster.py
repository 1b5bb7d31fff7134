"""The small picture of a recording."""

from __future__ import annotations

import pytest
from PIL import Image

from ppi.errors import PpiError
from ppi.media import poster, probe


def test_a_recording_gets_a_small_picture_in_its_own_shape(ffmpeg, sample_lesson, tmp_path):
    jpg = tmp_path / "poster.jpg"
    poster.draw(ffmpeg, sample_lesson.video, probe.inspect(sample_lesson.video, ffmpeg), jpg)
    with Image.open(jpg) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))
        assert len(picture.getcolors(320 * 180)) > 50
    assert jpg.stat().st_size < 40_000


def test_a_turned_recording_stands_upright(ffmpeg, rotated, tmp_path):
    poster.draw(ffmpeg, rotated, probe.inspect(rotated, ffmpeg), tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as picture:
        assert picture.height == 180 and picture.width < 180


def test_what_is_no_recording_gives_none(ffmpeg, sample_lesson, tmp_path):
    info = probe.inspect(sample_lesson.video, ffmpeg)
    (tmp_path / "x.mp4").write_text("not a video")
    with pytest.raises(PpiError):
        poster.draw(ffmpeg, tmp_path / "x.mp4", info, tmp_path / "poster.jpg")
    assert not (tmp_path / "poster.jpg").exists()
