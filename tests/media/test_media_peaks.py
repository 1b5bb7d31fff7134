"""The waveform's peaks: where sound is and how loud, in a file whose size does not grow with the recording."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ppi.media import audio, peaks, probe
from ppi.media.audio import OUTLINE_HZ


def quiet(fraction: float) -> None:
    pass


def read(path):
    """(samples in a stretch, lowest and highest sample of each stretch)."""
    data = path.read_bytes()
    version, flags, rate, length, count, channels = peaks.HEAD.unpack(data[: peaks.HEAD.size])
    ends = np.frombuffer(data[peaks.HEAD.size :], np.int8).reshape(-1, 2)
    assert (version, flags, rate, channels, len(ends)) == (2, 1, OUTLINE_HZ, 1, count)
    return length, ends


def measured(folder, samples):
    pcm = folder / "outline.pcm"
    pcm.write_bytes(np.asarray(samples).astype("<i2").tobytes())
    peaks.measure(pcm, folder / "peaks.dat")
    return read(folder / "peaks.dat")


def test_silence_is_flat_a_tone_as_high_as_it_is_and_a_click_is_never_lost(tmp_path):
    second = np.arange(OUTLINE_HZ) / OUTLINE_HZ
    tone = 16384 * np.sin(2 * np.pi * 440 * second)
    click = np.zeros(OUTLINE_HZ)
    click[4321] = -32768
    length, ends = measured(tmp_path, np.concatenate([np.zeros(OUTLINE_HZ), tone, click]))
    assert length == OUTLINE_HZ // 50 and len(ends) == 150
    assert not ends[:50].any()
    assert (np.abs(ends[50:100, 0] + 64) <= 1).all() and (np.abs(ends[50:100, 1] - 64) <= 1).all()
    assert [(place, low) for place, low in enumerate(ends[100:, 0]) if low] == [(4321 // length, -128)]


def test_the_last_stretch_may_be_short_and_a_recording_without_samples_has_none(tmp_path):
    _, ends = measured(tmp_path, np.full(OUTLINE_HZ // 50 + 1, 256))
    assert ends.tolist() == [[1, 1], [1, 1]]
    assert len(measured(tmp_path, [])[1]) == 0


def test_hours_have_as_few_peaks_as_a_lesson_and_are_measured_in_flat_memory(tmp_path):
    pcm = tmp_path / "outline.pcm"
    with pcm.open("wb") as file:  # four hours of silence, which takes no room on the disk
        file.truncate(4 * 3600 * OUTLINE_HZ * 2)
    tracemalloc.start()
    peaks.measure(pcm, tmp_path / "peaks.dat")
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    length, ends = read(tmp_path / "peaks.dat")
    assert len(ends) <= peaks.MOST_STRETCHES and length * len(ends) >= 4 * 3600 * OUTLINE_HZ
    assert most_bytes < 24 * 1024**2


def test_the_peaks_stand_on_the_clock_of_the_recording(recording, ffmpeg, tmp_path):
    """Its sound begins a second and a half after the picture."""
    source, pcm = recording("late_sound"), tmp_path / "outline.pcm"
    info = probe.inspect(source, ffmpeg)
    audio.extract(ffmpeg, source, info, tmp_path / "a.wav", None, quiet, tmp_path / "a.mp3", pcm)
    peaks.measure(pcm, tmp_path / "peaks.dat")
    length, ends = read(tmp_path / "peaks.dat")
    assert len(ends) * length / OUTLINE_HZ == pytest.approx(info.duration_s, abs=0.02)
    assert np.abs(ends[:73].astype(int)).max() <= 1
    assert (ends[78:, 1] > 50).all() and (ends[78:, 0] < -50).all()
    # The same of the small track, of which lessons of before get theirs.
    audio.outline(ffmpeg, tmp_path / "a.mp3", info, pcm, quiet)
    peaks.measure(pcm, tmp_path / "again.dat")
    again = read(tmp_path / "again.dat")[1]
    assert len(again) == len(ends) and np.abs(again.astype(int) - ends)[78:].max() <= 6
