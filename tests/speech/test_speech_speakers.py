"""Who said what: turns laid over words, names, and the real library on two synthetic voices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppi.errors import Cancelled, InputError, ToolFailed, WeightsMissing
from ppi.processes import run_in_child
from ppi.records import Segment, Transcript, Word
from ppi.speech import diarizer, formats, model_child, speakers, speakers_child
from ppi.speech.speakers import Turn
from ppi.workflows import plain
from tests.conftest import settings_for
from tests.fixtures_speakers import make_talk
from tests.fixtures_speech import RATE_HZ, write_wav


def said(*texts: str, language: str = "en") -> Transcript:
    """Segments of words of half a second that follow each other."""
    segments, now_s = [], 0.0
    for text in texts:
        words = tuple(Word(word, now_s + n / 2, now_s + (n + 1) / 2, 0.9) for n, word in enumerate(text.split()))
        segments.append(Segment(now_s, words[-1].end_s, text, words, flags=("low_confidence",)))
        now_s = words[-1].end_s
    return Transcript(tuple(segments), language, "whisper", "base", now_s)


def who(transcript: Transcript) -> list[tuple[str, str]]:
    return [(segment.speaker, segment.text) for segment in transcript.segments]


def test_speakers_are_numbered_as_they_appear_in_the_language_of_the_lesson():
    turns = (Turn(1.0, 2.0, 0), Turn(0.0, 1.0, 7), Turn(2.0, 3.0, 7))
    for language, name in (("en", "Speaker"), ("ru", "Говорящий"), ("de", "Speaker")):
        told = speakers.tell(said("Is it?", "It is.", "Well done.", language=language), turns)
        assert [segment.speaker for segment in told.segments] == [f"{name} 1", f"{name} 2", f"{name} 1"]


def test_a_segment_of_two_speakers_is_split_between_their_words_and_loses_nothing():
    before = said("What is water? It is a liquid. Right.", "Thank you.")
    told = speakers.tell(before, (Turn(0.0, 1.55, 0), Turn(1.5, 3.4, 1), Turn(3.4, 6.0, 0)))
    assert who(told) == [
        ("Speaker 1", "What is water?"), ("Speaker 2", "It is a liquid."), ("Speaker 1", "Right."), ("Speaker 1", "Thank you."),
    ]  # fmt: skip
    assert told.words == before.words and told.text == before.text
    assert all(segment.flags == ("low_confidence",) for segment in told.segments), "nobody has listened yet"
    spans = [(segment.start_s, segment.end_s) for segment in told.segments]
    assert spans == [(0.0, 1.5), (1.5, 3.5), (3.5, 4.0), (4.0, 5.0)]
    assert speakers.tell(told, (Turn(0.0, 9.0, 0),)).text == before.text, "and it can be told again"


def test_a_person_says_who_speaks_in_one_segment_or_up_to_the_next_change():
    before = speakers.tell(said("Is it?", "It is.", "Well.", "Done."), (Turn(0, 1, 0), Turn(1, 9, 1)))
    before = speakers.rename(before, "Speaker 1", "Ann")
    assert [segment.speaker for segment in before.segments] == ["Ann", "Speaker 2", "Speaker 2", "Speaker 2"]
    one = speakers.give(before, 2, "  Mr   Brown ")
    assert [segment.speaker for segment in one.segments] == ["Ann", "Speaker 2", "Mr Brown", "Speaker 2"]
    assert [segment.speaker_given for segment in one.segments] == [False, False, True, False]
    assert (speakers.run_of(before, 1), speakers.run_of(one, 1), speakers.run_of(one, 3)) == (3, 1, 1)
    on = speakers.give(before, 1, "", speakers.run_of(before, 1))
    assert [segment.speaker for segment in on.segments] == ["Ann", "", "", ""] and on.text == before.text
    for number, name in ((4, "Ann"), (-1, "Ann"), (0, "x" * 61), (0, "a\u202eb")):
        with pytest.raises(InputError):
            speakers.give(before, number, name)


def test_who_was_said_to_speak_by_hand_stays_when_speakers_are_told_apart_again():
    turns = (Turn(0.0, 1.5, 0), Turn(1.5, 3.0, 1), Turn(3.0, 4.0, 0))
    told = speakers.tell(said("Is it? It is.", "Right you are.", "Well done."), turns)
    by_hand = speakers.give(speakers.give(told, len(told.segments) - 1, "Speaker 2"), 0, "")
    again = speakers.tell(by_hand, turns[:1])
    assert again.segments[0].speaker == "" and again.segments[-1].speaker == "Speaker 2"
    assert all(segment.speaker_given for segment in (again.segments[0], again.segments[-1]))
    whole = said("Is it? It is.", "Right.")
    kept = speakers.tell(speakers.give(whole, 0, "Ann"), turns)
    assert who(kept)[0] == ("Ann", "Is it? It is."), "and such a segment is not split"
    numbered = speakers.give(said("One two.", "Three four.", "Five six."), 2, "Speaker 1")
    two = (Turn(0, 1, 5), Turn(1, 2, 6), Turn(2, 3, 5))
    names = [segment.speaker for segment in speakers.tell(numbered, two).segments]
    assert names == ["Speaker 2", "Speaker 3", "Speaker 1"], "a number that was given by hand is nobody else's"
    names = [segment.speaker for segment in speakers.tell(speakers.give(numbered, 0, "Speaker 1"), two).segments]
    assert names == ["Speaker 1", "Speaker 2", "Speaker 1"], "and a voice of which most was given by hand is called so"


def test_a_slip_within_somebodys_words_is_no_turn_and_a_word_nearby_belongs_to_its_neighbours():
    before = said("One two three four")
    slip = replace(before.segments[0].words[1], end_s=before.segments[0].words[1].start_s + 0.1)
    words = (before.segments[0].words[0], slip, *before.segments[0].words[2:])
    before = replace(before, segments=(replace(before.segments[0], words=words),))
    told = speakers.tell(before, (Turn(0.0, 0.5, 0), Turn(0.5, 0.7, 1), Turn(1.0, 1.4, 0)))
    assert who(told) == [("Speaker 1", "One two three four")]


def test_where_nobody_is_near_nobody_is_named_and_text_that_is_not_its_words_is_not_split():
    far = speakers.tell(said("Hello there.", "Good bye."), (Turn(0.0, 0.9, 0), Turn(60.0, 61.0, 1)))
    assert who(far) == [("Speaker 1", "Hello there."), ("Speaker 1", "Good bye.")]
    assert who(speakers.tell(said("Hello there."), (Turn(30.0, 31.0, 0),))) == [("", "Hello there.")]
    other = said("One two three four")
    other = replace(other, segments=(replace(other.segments[0], text="1 2 3 4"),))
    assert who(speakers.tell(other, (Turn(0.0, 1.4, 0), Turn(1.4, 2.0, 1)))) == [("Speaker 1", "1 2 3 4")]
    bare = replace(other, segments=(replace(other.segments[0], words=()),))
    assert who(speakers.tell(bare, (Turn(0.0, 0.4, 0), Turn(0.4, 2.0, 1)))) == [("Speaker 1", "1 2 3 4")]


def test_names_that_people_gave_stay_with_the_voice_and_those_of_the_program_do_not():
    turns = (Turn(0.0, 1.0, 0), Turn(1.0, 2.0, 1), Turn(2.0, 3.0, 0))
    first = speakers.tell(said("Is it?", "It is.", "Well done."), turns)
    named = speakers.rename(first, "Speaker 1", " Teacher ")
    again = speakers.tell(named, [replace(turn, speaker=1 - turn.speaker) for turn in turns])
    assert [segment.speaker for segment in again.segments] == ["Teacher", "Speaker 2", "Teacher"]
    joined = speakers.rename(again, "Speaker 2", "Teacher")
    assert speakers.shares(joined) == {"Teacher": 3.0}


@pytest.mark.parametrize("speaker, name", [("Nobody", "A"), ("Speaker 1", " "), ("Speaker 1", "a" * 61), ("Speaker 1", "a\0")])
def test_strange_names_are_refused(speaker, name):
    with pytest.raises(InputError):
        speakers.rename(speakers.tell(said("Is it?"), (Turn(0.0, 1.0, 0),)), speaker, name)


def settings(folder, models=None):
    return settings_for(folder / "data", PPI_SPEAKERS_DIR=str(models or folder / "nothing")).speech


def test_two_voices_are_told_apart_by_the_real_library(talk, speaker_models, tmp_path):
    progress = []
    found = diarizer.find(settings(tmp_path, speaker_models), talk.wav, 0, progress.append)
    told = speakers.tell(talk.transcript(19), found.turns)
    names = {"low": "Speaker 1", "high": "Speaker 2"}
    true = [names[who] for _, who in talk.words]
    heard = [segment.speaker for segment in told.segments for _ in segment.words]
    assert len(true) == len(heard) and sum(a != b for a, b in zip(true, heard, strict=True)) <= 2
    turns = [names[who] for *_, who in talk.turns]
    runs = [name for place, name in enumerate(heard) if place == 0 or heard[place - 1] != name]
    assert runs == turns and found.about["found"] == 2
    assert progress == sorted(progress)
    assert formats.from_json(formats.to_json(told)) == told


def test_a_speaker_is_known_again_in_every_block_and_the_number_of_people_is_obeyed(talk, speaker_models, monkeypatch):
    monkeypatch.setattr(speakers_child, "BLOCK_S", 12.0)
    told = []
    turns = speakers_child.find(told.append, str(talk.wav), str(speaker_models), 0)
    assert {turn[2] for turn in turns} == {0, 1} and len(told) > 3
    assert [value for _, value in told] == sorted(value for _, value in told) and told[-1] == ("at", pytest.approx(1.0))
    assert {turn[2] for turn in speakers_child.find(told.append, str(talk.wav), str(speaker_models), 1)} == {0}


def looked_through(report, path: str, folder: str) -> tuple[list, float]:
    """In a child: the turns, and the most memory that it used, in MiB; getrusage would tell of its parent's."""
    speakers_child.BLOCK_S = 60.0
    turns = speakers_child.find(report, path, folder, 0)
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return turns, int(peak.split()[1]) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording_and_no_turn_is_lost(speaker_models, tmp_path):
    """Blocks are as long as a minute here; the sound of seven more minutes alone would take 27 MB as numbers, and is copied."""
    used = []
    for rounds in (9, 26):  # 4 and 11 minutes
        long = make_talk(tmp_path / f"{rounds}.wav", rounds)
        wanted = {"path": str(long.wav), "folder": str(speaker_models)}
        turns, peak_mb = run_in_child(f"{__name__}:looked_through", wanted)
        found = [who for *_, who in turns]
        assert len(found) == len(long.turns) and found == [0, 1] * (len(found) // 2)
        used.append(peak_mb)
    assert used[1] - used[0] < 20, used


@pytest.mark.slow
def test_plain_files_are_transcribed_with_speakers(talk, speaker_models, tmp_path):
    variables = {"PPI_SPEAKERS": "on", "PPI_SPEAKERS_DIR": str(speaker_models)}
    here = settings_for(tmp_path / "data", **variables)
    told = plain.transcribe_file(talk.wav, tmp_path / "out", settings=here, people=2)
    assert speakers.shares(told).keys() == {"Speaker 1", "Speaker 2"}
    assert formats.from_json((tmp_path / "out" / "talk.transcript.json").read_text()) == told
    without = plain.transcribe_file(talk.wav, tmp_path / "out", settings=here, speakers=False)
    assert speakers.shares(without) == {} and without.text == told.text


def test_nobody_is_found_where_nobody_speaks(speaker_models, tmp_path):
    quiet = write_wav(tmp_path / "quiet.wav", np.zeros(RATE_HZ * 3, np.int16))
    assert diarizer.find(settings(tmp_path, speaker_models), quiet, 0, lambda fraction: None).turns == ()
    hum = write_wav(tmp_path / "hum.wav", (np.sin(np.arange(RATE_HZ * 3) * 2.0) * 20).astype(np.int16))
    assert diarizer.find(settings(tmp_path, speaker_models), hum, 0, lambda fraction: None).turns == ()


def test_a_search_that_is_cancelled_ends_its_child(talk, speaker_models, tmp_path):
    def stop(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        diarizer.find(settings(tmp_path, speaker_models), talk.wav, 0, stop)
    assert model_child._CHILD.pid is None


def test_what_is_missing_is_said_with_what_to_do(talk, tmp_path, monkeypatch):
    with pytest.raises(WeightsMissing, match="models fetch speakers"):
        diarizer.find(settings(tmp_path), talk.wav, 0, lambda fraction: None)
    monkeypatch.setattr(diarizer, "find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match="requirements-speakers.txt"):
        diarizer.find(settings(tmp_path), talk.wav, 0, lambda fraction: None)


def test_files_that_are_no_models_end_the_search_and_nothing_else(talk, tmp_path):
    for name in ("segmentation.onnx", "embedding.onnx"):
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises((InputError, ToolFailed)):
        diarizer.find(settings(tmp_path, tmp_path), talk.wav, 0, lambda fraction: None)
