"""Windows of speech, the times of words in them, and doubt: pure parts of the Whisper engines."""

from __future__ import annotations

import numpy as np
import pytest

from ppi.speech import doubt, hearing, languages, vad, wav, windows, words
from tests.conftest import need
from tests.fixtures_speech import RATE_HZ, said, write_wav


def told(*spans_s: tuple[float, float]):
    """A voice activity detection that knows where somebody speaks, whatever it hears, by loudness."""
    return [(int(begin_s * RATE_HZ), int(end_s * RATE_HZ)) for begin_s, end_s in spans_s]


def by_loudness(sound: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.abs(sound.astype(int)) > 100).astype(int), [0]])))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def recording(folder, length_s: float, *spans_s: tuple[float, float]):
    sound = np.zeros(int(length_s * RATE_HZ), np.int16)
    for begin, end in told(*spans_s):
        sound[begin:end] = 1000
    return write_wav(folder / "spans.wav", sound)


def test_silence_is_left_out_and_no_speech_is_lost_or_heard_twice(tmp_path):
    spans = [(start_s, start_s + 4.0) for start_s in range(3, 290, 7)]
    found = list(windows.windows(recording(tmp_path, 300, *spans), by_loudness))
    pieces = [piece for window in found for piece in window.pieces]
    assert pieces == told(*spans)
    assert all(window.length_s <= 30 for window in found) and found[-1].until_s == 300
    assert sum(bool(window.pieces) for window in found) <= 300 / 30 + 1


@pytest.mark.parametrize("stopped_after", [0, 1, 3])
def test_windows_after_a_break_are_those_of_an_unbroken_run(tmp_path, stopped_after):
    path = recording(tmp_path, 240, (2, 40), (41, 80), (100, 131), (140, 141), (200, 239))
    whole = list(windows.windows(path, by_loudness))
    rest = list(windows.windows(path, by_loudness, whole[stopped_after].until_s))
    assert [(one.pieces, one.until_s) for one in rest] == [(one.pieces, one.until_s) for one in whole[stopped_after + 1 :]]


def test_speech_without_a_pause_is_cut_where_it_is_quietest(tmp_path):
    sound = np.random.default_rng(3).normal(0, 3000, 100 * RATE_HZ).astype(np.int16)
    sound[int(27.0 * RATE_HZ) : int(27.6 * RATE_HZ)] //= 100
    found = list(windows.windows(write_wav(tmp_path / "long.wav", sound), lambda heard: [(0, len(heard))]))
    assert found[0].until_s == pytest.approx(27.3, abs=0.3)
    assert np.array_equal(np.concatenate([window.sound for window in found]), sound)


def test_hearing_takes_no_more_windows_than_half_minutes_of_speech_and_one(tmp_path):
    spans = [(start_s, start_s + 2.6) for start_s in np.arange(1, 598, 3.1)]
    found = [window for window in windows.windows(recording(tmp_path, 600, *spans), by_loudness) if window.pieces]
    assert len(found) <= 600 / 30 + 1


def test_times_in_a_window_become_times_of_the_recording():
    window = windows.Window(tuple(told((10, 14), (30, 34))), np.zeros(8 * RATE_HZ, np.int16), 40.0)
    assert window.in_recording(1.0, 2.0) == (11.0, 12.0)
    assert window.in_recording(5.0, 6.0) == (31.0, 32.0)
    assert window.in_recording(3.5, 4.2) == (13.5, 14.0), "a word does not reach over the silence that was left out"
    assert window.in_recording(9.0, 9.5) == (34.0, 34.0), "nor over the end"
    assert window.speech_share(1.0, 3.0, 0.3) == 1.0 and window.speech_share(3.8, 4.2, 0.3) == 0.0


def test_words_stay_in_order_and_near_their_segment():
    times = {" a": (1.0, 1.4), " b": (1.2, 1.1), " c": (1.8, 2.9), " d": (1.9, 2.0)}
    raw = [{"word": word, "start": start_s, "end": end_s} for word, (start_s, end_s) in times.items()]
    kept = words.in_segment(raw, 1.0, 2.0)
    times = [moment for word in kept for moment in (word["start"], word["end"])]
    assert times == sorted(times) and times[0] >= 0.5 and times[-1] <= 2.5


def test_words_whose_times_a_model_does_not_know_share_the_segment():
    lost = [{"word": " one", "start": 0.0, "end": 1.2}, {"word": " three", "start": 1.2, "end": 29.9}]
    kept = words.in_segment([*lost, {"word": " six", "start": 29.9, "end": 29.9}], 4.0, 5.4)
    assert [round(word["start"], 2) for word in kept] == [4.0, 4.4, 5.0] and kept[-1]["end"] == pytest.approx(5.4)


def test_words_faster_than_anybody_speaks_share_what_is_no_pause_of_the_segment():
    piled = [{"word": word, "start": 1.0, "end": 1.0} for word in (" one", " two", " three,", " six")]
    assert not any("interpolated" in word for word in words.in_segment([piled[0] | {"end": 1.4}], 1.0, 2.0))
    kept = words.in_segment(piled, 0.8, 4.0, [(0.0, 1.0), (2.3, 3.3), (3.8, 5.0)])
    assert [word["interpolated"] for word in kept] == [True] * 4
    times = [(round(word["start"], 2), round(word["end"], 2)) for word in kept]
    assert times == [(1.0, 1.38), (1.38, 1.76), (1.76, 2.3), (3.3, 3.8)], "people pause between words"


def test_tokens_behind_the_last_time_are_kept():
    first = 50_364
    found = list(hearing.pieces_of([first, 11, 12, first + 50, first + 60, 13, first + 100, 14], first, 8.0))
    assert found == [(0.0, 1.0, [11, 12]), (1.2, 2.0, [13]), (2.0, 8.0, [14])]


def test_a_language_is_changed_only_when_the_model_is_sure():
    assert languages.choose([("en", 0.3)], "") == "en"
    assert languages.choose([("uk", 0.6), ("ru", 0.3)], "ru") == "ru"
    assert languages.choose([("en", 0.9)], "ru") == "en"


def piece(start_s: float, end_s: float, text: str, probability: float) -> languages.Piece:
    return languages.Piece(start_s, end_s, {"text": text, "words": [{"word": text, "probability": probability}]})


# What a model makes of a window in either language: it translates what is said in the other.
HEARD = {
    "ru": [piece(0, 2, "Доброе утро.", 0.9), piece(2, 4, "Посмотрите на доску.", 0.6), piece(4, 4.5, "Да.", 0.9),
           piece(5, 9, "Теперь по-русски.", 0.8)],
    "en": [piece(0, 2, "Good morning.", 0.5), piece(2.2, 4.1, "Look at the board.", 0.9), piece(5, 9, "In Russian now.", 0.5)],
}  # fmt: skip


def test_what_is_said_in_a_second_language_is_heard_in_it_and_not_translated():
    asked, looked = [], []

    def hear_in(language):
        asked.append(language)
        return HEARD[language]

    def chances_of(start_s, end_s):
        looked.append((start_s, end_s))
        return [("en", 0.95), ("ru", 0.05)] if start_s == 2 else [("en", 0.6), ("ru", 0.4)] if start_s == 5 else [("ru", 1.0)]

    found = languages.hear_each("ru", hear_in, chances_of, [("ru", 0.9), ("en", 0.1)])
    assert [(one["language"], one["text"]) for one in found] == [
        ("ru", "Доброе утро."), ("en", "Look at the board."), ("ru", "Да."), ("ru", "Теперь по-русски."),
    ]  # fmt: skip
    assert asked == ["ru", "en"]
    assert looked == [(0, 2), (2, 4), (5, 8)], "too short to tell, and the beginning of a long one is enough"
    asked.clear()
    languages.hear_each("ru", hear_in, lambda *span_s: [("ru", 0.9)], [("ru", 0.9)])
    assert asked == ["ru"], "one language costs no second hearing"


def test_a_second_language_of_which_the_model_is_less_certain_or_that_says_nothing_there_changes_nothing():
    for other in ([piece(0, 2, "Good morning.", 0.7)], [piece(6, 8, "Later.", 0.99)], []):
        given = {"ru": [piece(0, 2, "Доброе утро.", 0.9)], "en": other}
        found = languages.hear_each("ru", given.get, lambda *span_s: [("en", 0.9)], [("ru", 0.9)])
        assert [(one["language"], one["text"]) for one in found] == [("ru", "Доброе утро.")]
    assert languages.hear_each("ru", lambda language: [], lambda *span_s: [], [("ru", 0.9)]) == []


@pytest.mark.parametrize(
    ("text", "heard_in", "told"),
    [
        ("Откройте учебник.", "en", "ru"), ("Да!", "en", "ru"), ("Open your books, please.", "ru", "en"),
        ("Open your books, please.", "en", "en"), ("PowerPoint.", "ru", "ru"), ("Откройте PowerPoint 2, please.", "ru", "ru"),
        ("1, 2, 3", "ru", "ru"), ("Öffnet die Bücher.", "uk", "en"), ("Открой книгу.", "zh", "zh"), ("你好", "ru", "ru"),
    ],
)  # fmt: skip
def test_letters_of_another_script_tell_another_language(text, heard_in, told):
    assert languages.by_letters(text, heard_in, ["zh", "en", "ru", "de"]) == told
    assert languages.by_letters(text, heard_in, []) == heard_in


DOUBTFUL = {
    "low_confidence": {"text": "Well", "avg_logprob": -1.4},
    "no_speech": {"text": "Thank you for watching.", "speech_share": 0.1},
    "repetition": {"text": "and then and then and then and then he came"},
    "compression": {"text": "so " + "la" * 60},
}


@pytest.mark.parametrize("flag", DOUBTFUL)
def test_what_is_doubtful_is_flagged_and_kept(flag):
    (kept,) = words.segments_from([{"start": 0, "end": 2, "words": [], **DOUBTFUL[flag]}], 10.0)
    assert kept.text == DOUBTFUL[flag]["text"].strip() and flag in kept.flags


def test_words_of_little_probability_are_a_doubt_and_certain_ones_are_none():
    def heard(probability):
        word = {"word": " board", "start": 0, "end": 1, "probability": probability}
        return words.segments_from([{"start": 0, "end": 1, "text": "board", "words": [word], "avg_logprob": -0.3}], 5.0)[0]

    assert heard(0.2).flags == ("low_confidence",) and heard(0.9).flags == ()


def test_a_text_that_comes_again_and_again_is_flagged_from_the_fourth_time_on():
    raw = [{"start": at_s, "end": at_s + 1, "text": "Thank you.", "words": []} for at_s in range(5)]
    assert [segment.flags for segment in words.segments_from(raw, 10.0)] == [(), (), (), ("repetition",), ("repetition",)]


def test_ordinary_sentences_raise_no_flag():
    texts = ("Откройте учебник на странице семь.", "Who can tell me the answer?", "Yes, yes, very good, Anna!")
    assert [doubt.flags({"text": text, "avg_logprob": -0.3, "speech_share": 0.9}) for text in texts] == [()] * 3


def test_the_language_of_most_of_the_text_is_that_of_the_transcript():
    raw = [{"text": "Hello", "language": "en"}, {"text": "Откройте учебник", "language": "ru"}]
    assert words.main_language(raw) == "ru" and words.main_language([]) == ""


def test_voices_are_found_and_noise_is_not(speak):
    need(vad.is_here(), "faster-whisper")
    path = speak(5.0, "Compare your results with your friends.", 5.0)
    (found,) = vad.speech(next(wav.blocks(path, block_s=30)))
    length_s = len(said("Compare your results with your friends.")) / RATE_HZ
    assert found[0] / RATE_HZ == pytest.approx(4.7, abs=0.4)
    assert (found[1] - found[0]) / RATE_HZ == pytest.approx(length_s + 0.6, abs=0.5)
    noise = np.random.default_rng(5).normal(0, 2000, 10 * RATE_HZ).astype(np.int16)
    assert vad.speech(noise) == []
