"""Sound is taken out in sync with the picture, in two rates, from videos and from sound files."""

from __future__ import annotations

import wave

import av
import numpy as np
import pytest

from ppi.errors import Cancelled, ToolFailed, UnsupportedMedia
from ppi.media import audio, probe
from ppi.media.ffmpeg import Limits
from tests.fixtures_media import lag_s, samples_of, sweep


def quiet(fraction: float) -> None:
    pass


def test_one_run_writes_both_wavs(recording, ffmpeg, tmp_path):
    source = recording("mp4")
    wav, speech = tmp_path / "video.wav", tmp_path / "speech.wav"
    audio.extract(ffmpeg, source, probe.inspect(source, ffmpeg), wav, speech, quiet)
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (44_100, 2, 2)
    with wave.open(str(speech)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
    for path, rate in ((wav, 44_100), (speech, 16_000)):
        heard = samples_of(path)
        assert abs(lag_s(heard, sweep(np.arange(len(heard)) / rate), rate)) < 0.002
        assert len(heard) / rate == pytest.approx(6, abs=0.05)


def test_sound_that_begins_after_the_picture_is_padded_with_silence(recording, ffmpeg, tmp_path):
    source, wav = recording("late_sound"), tmp_path / "late.wav"
    audio.extract(ffmpeg, source, probe.inspect(source, ffmpeg), wav, None, quiet)
    heard = samples_of(wav)
    assert np.abs(heard[: round(1.45 * 44_100)]).max() < 0.01
    assert abs(lag_s(heard, sweep(np.arange(len(heard)) / 44_100 - 1.5), 44_100)) < 0.002


def test_sound_that_ends_early_is_padded_to_the_length_of_the_video(recording, bare_ffmpeg, ffmpeg, tmp_path):
    source, wav = tmp_path / "short.mp4", tmp_path / "short.wav"
    bare_ffmpeg("-i", recording("silent"), "-i", recording("wav"), "-af", "atrim=end=2", "-c:v", "copy", source)
    audio.extract(ffmpeg, source, probe.inspect(source, ffmpeg), wav, None, quiet)
    assert len(samples_of(wav)) / 44_100 == pytest.approx(6, abs=0.01)


def decoded(path) -> np.ndarray:
    """All samples of the small track as a browser decodes it, float64, -1..1."""
    with av.open(str(path)) as container:
        assert container.streams.audio[0].rate == 24_000
        return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)]).astype(np.float64)


SOUNDS = {
    "short": ("-af", "atrim=end=2"), "long": ("-af", "apad=whole_dur=7.31"), "late": ("-af", "adelay=1500,atrim=end=4"),
    "missing": ("-an",),
}  # fmt: skip


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("picture", ["silent", "variable"])
def test_the_small_track_is_as_long_as_the_recording(sound, picture, recording, bare_ffmpeg, ffmpeg, tmp_path):
    source, mp3 = tmp_path / "source.mp4", tmp_path / "small.mp3"
    tracks = ("-map", "0:v", *(("-map", "1:a") if sound != "missing" else ()))
    bare_ffmpeg("-i", recording(picture), "-i", recording("wav"), *tracks, *SOUNDS[sound], "-c:v", "copy", source)
    info = probe.inspect(source, ffmpeg)
    audio.small_track(ffmpeg, source, info, mp3, quiet)
    heard = decoded(mp3)
    assert abs(len(heard) / 24_000 - info.duration_s) < 1 / info.video.frame_rate
    assert abs(len(heard) / 24_000 - info.duration_s) < 0.001
    if sound == "missing":
        assert np.abs(heard).max() < 0.001
    else:
        wanted = sweep(np.arange(len(heard)) / 24_000 - (1.5 if sound == "late" else 0))
        begin, end = {"late": (1.6, 3.9)}.get(sound, (0.1, 1.9))
        part = slice(round(begin * 24_000), round(end * 24_000))
        assert abs(lag_s(heard[part], wanted[part], 24_000)) < 0.002


def test_the_small_track_comes_in_the_same_pass_as_the_wav(recording, ffmpeg, tmp_path):
    source = recording("mov")
    info = probe.inspect(source, ffmpeg)
    audio.extract(ffmpeg, source, info, tmp_path / "a.wav", None, quiet, tmp_path / "a.mp3")
    heard = decoded(tmp_path / "a.mp3")
    assert abs(lag_s(heard, sweep(np.arange(len(heard)) / 24_000), 24_000)) < 0.002
    assert len(samples_of(tmp_path / "a.wav")) / 44_100 == pytest.approx(len(heard) / 24_000, abs=0.001)
    assert (tmp_path / "a.mp3").stat().st_size < info.duration_s * 6000


@pytest.mark.parametrize(
    "kind", ["wav", "mp3", "flac", "ogg", "m4a", "adts", "mov", "camera", "webm", "late_start", "camcorder"]
)
def test_speech_comes_out_of_every_kind_of_file(kind, recording, ffmpeg, tmp_path):
    speech = tmp_path / "speech.wav"
    audio.extract_speech(ffmpeg, recording(kind), speech, quiet)
    heard = samples_of(speech)
    assert abs(lag_s(heard, sweep(np.arange(len(heard)) / 16_000), 16_000)) < 0.06


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_mulaw", "pcm_alaw", "pcm_f32le", "pcm_s24le", "adpcm_ms"])
def test_sound_of_phones_and_old_cameras_is_understood(codec, recording, bare_ffmpeg, ffmpeg, tmp_path):
    source = tmp_path / "phone.wav"
    bare_ffmpeg("-i", recording("wav"), "-t", 1, "-c:a", codec, source)
    audio.extract_speech(ffmpeg, source, tmp_path / "speech.wav", quiet)
    assert np.abs(samples_of(tmp_path / "speech.wav")).max() > 0.3


def test_speech_of_a_recording_that_declares_no_length_is_whole(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """A browser's recording of seven minutes: its length is known only at its end."""
    source, speech = tmp_path / "live.webm", tmp_path / "speech.wav"
    bare_ffmpeg("-f", "lavfi", "-i", "anoisesrc=r=8000:a=0.1", "-t", 420, "-c:a", "libvorbis", "-live", 1, source)
    audio.extract_speech(ffmpeg, source, speech, quiet)
    assert len(samples_of(speech)) / 16_000 == pytest.approx(420, abs=0.1)


def test_a_video_without_sound_is_refused_and_nothing_is_written(recording, ffmpeg, tmp_path):
    source, wav = recording("silent"), tmp_path / "out" / "video.wav"
    with pytest.raises(UnsupportedMedia):
        audio.extract(ffmpeg, source, probe.inspect(source, ffmpeg), wav, None, quiet)
    assert list(wav.parent.iterdir()) == []


def test_the_progress_is_that_of_the_work(recording, bare_ffmpeg, ffmpeg, tmp_path):
    """An hour of sound takes long enough to be seen passing."""
    source, seen = tmp_path / "hour.flac", []
    bare_ffmpeg("-f", "lavfi", "-i", "anoisesrc=r=8000:a=0.1", "-t", 3600, "-compression_level", 0, source)
    audio.extract_speech(ffmpeg, source, tmp_path / "hour.wav", seen.append)
    assert seen == sorted(seen)
    assert any(0 < fraction < 1 for fraction in seen)
    assert seen[-1] == 1.0


def test_an_earlier_file_stays_as_it_is_when_extraction_is_cancelled(recording, ffmpeg, tmp_path):
    wav = tmp_path / "speech.wav"
    wav.write_bytes(b"the earlier one")

    def cancel(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        audio.extract_speech(ffmpeg, recording("mp4"), wav, cancel)
    assert wav.read_bytes() == b"the earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def test_an_output_that_outgrows_its_limit_leaves_no_half_file(recording, ffmpeg, tmp_path):
    wav = tmp_path / "video.wav"

    def build(media, files):
        return [media["a:0"].output(files[0], format="wav")]

    with pytest.raises(ToolFailed, match="than is allowed"):
        ffmpeg.convert(recording("mp4"), build, [wav], limits=Limits(file_bytes=100_000))
    assert list(tmp_path.iterdir()) == []
