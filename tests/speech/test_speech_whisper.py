"""openai-whisper: words with times out of a real checkpoint, missing weights, progress, and an end when asked for."""

from __future__ import annotations

import re
import shutil
import time
from difflib import SequenceMatcher
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ppi.errors import Cancelled, InputError, PpiError, WeightsMissing
from ppi.processes import run_in_child
from ppi.speech import doubt, model_child, recognizer, wav
from tests import espeak
from tests.conftest import need, own_children, settings_for
from tests.fixtures_speech import RATE_HZ, said, write_wav

ENGINES = ("faster-whisper", "whisper")
CHILDREN = {"faster-whisper": "ppi.speech.faster_whisper_child", "whisper": "ppi.speech.whisper_child"}


def quiet(fraction: float) -> None:
    pass


def hearer(engine: str, model: str, folder, phrases: str = "", **variables: str) -> recognizer.Recognizer:
    chosen = settings_for(folder, SPEECH_ENGINE=engine, WHISPER_MODEL_SIZE=model, **variables).speech
    return recognizer.create(chosen, phrases=phrases)


@pytest.fixture(scope="module", params=[ENGINES[0], pytest.param(ENGINES[1], marks=pytest.mark.slow)])
def engine(request) -> str:
    """One after the other: each engine has a process of its own, which takes seconds to load its libraries."""
    return request.param


@pytest.fixture
def knowing(engine, classroom_models, tmp_path) -> recognizer.Recognizer:
    """A recogniser that knows the sentences of synthetic lessons."""
    return hearer(engine, classroom_models[engine], tmp_path)


@pytest.fixture
def guessing(engine, random_models, tmp_path) -> recognizer.Recognizer:
    """A recogniser with random weights."""
    return hearer(engine, random_models[engine], tmp_path)


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


SENTENCES = {
    "en": (
        "Compare your results with your friends.", "Who can tell me the answer?", "Look at the board.",
        "Work together in groups of ten.", "Raise your hand, please.", "What happens next?",
    ),
    "ru": (
        "Откройте учебник на странице семь.", "Давайте работать в парах.", "Запишите результат.",
        "Мне нужно больше времени.", "Отличная мысль, Нина.", "Спасибо, Иван, садись.",
    ),
}  # fmt: skip
VOICES = {"en": "en-us", "ru": "ru"}


def in_silence(folder, *said: tuple[float, np.ndarray], length_s: float = 30.0):
    """Sounds at their moments, in seconds, with silence around them."""
    sound = np.zeros(int(length_s * RATE_HZ), np.int16)
    for start_s, samples in said:
        begin = int(start_s * RATE_HZ)
        sound[begin : begin + len(samples)] = samples
    return write_wav(folder / "said.wav", sound)


def word_errors(wanted: list[str], heard: list[str]) -> int:
    """The fewest words to change, leave out or put in, that make one of the other."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def away_from_truth_s(heard, truth: list[tuple[str, float]]) -> list[float]:
    """How far from the truth, (word, moment it begins) of each, those begin that were heard right."""
    wanted, found = words_of(" ".join(word for word, _ in truth)), words_of(heard.text)
    assert len(wanted) == len(truth) and len(found) == len(heard.words), "no word of these is two"
    matches = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    pairs = [(heard.words[match.b + one], truth[match.a + one][1]) for match in matches for one in range(match.size)]
    return [abs(word.start_s - start_s) for word, start_s in pairs]


# The model was trained on such sentences, though not on these recordings of them. So this tells of our part, not of how well
# Whisper hears.
@pytest.mark.parametrize("language", ["en", "ru"])
def test_real_words_come_out_at_their_times(language, knowing, tmp_path):
    need(espeak.is_here(), "libespeak-ng")
    errors, count, away_s = 0, 0, []
    for sentence in SENTENCES[language]:
        spoken = espeak.spoken(sentence, VOICES[language])
        heard = knowing.transcribe(in_silence(tmp_path, (3.0, spoken.sound)), language, quiet)
        assert (heard.language, heard.engine, heard.model) == (language, knowing.engine, knowing.model)
        errors += word_errors(words_of(sentence), words_of(heard.text))
        count += len(words_of(sentence))
        if [word.text for word in heard.words] == [word for word, _ in spoken.words]:
            pairs = zip(heard.words, spoken.words, strict=True)
            away_s += [abs(word.start_s - (3.0 + start_s)) for word, (_, start_s) in pairs]
        assert not any(segment.flags for segment in heard.segments)
    assert errors / count < 0.2
    assert len(away_s) > 0.8 * count and max(away_s) < 0.3, "every word of what was heard right"


def test_a_longer_recording_of_two_languages_in_turn_is_heard_with_few_errors_and_says_which_is_which(knowing, tmp_path):
    """Two minutes, eight sentences among pauses; most windows hold both languages."""
    said_s, texts, sounds = 0.5, [SENTENCES[language][place] for place in range(4) for language in ("en", "ru")], []
    for text in texts:
        sounds.append((said_s, said(text)))
        said_s += len(sounds[-1][1]) / RATE_HZ + 12.0
    heard = knowing.transcribe(in_silence(tmp_path, *sounds, length_s=said_s), "", quiet)
    wanted = words_of(" ".join(texts))
    assert len(wanted) > 30 and word_errors(wanted, words_of(heard.text)) / len(wanted) < 0.2
    assert [segment.language for segment in heard.segments] == ["en", "ru"] * 4
    assert "Look at the board." in heard.text, "heard in Russian it would be translated"


def test_the_times_of_words_are_in_order_and_inside_the_recording(knowing, tmp_path):
    heard = knowing.transcribe(in_silence(tmp_path, (3.0, said("Look at the board."))), "en", quiet)
    times = [moment for word in heard.words for moment in (word.start_s, word.end_s)]
    assert times == sorted(times) and len(heard.words) == 4
    assert times[0] >= 2.5 and times[-1] <= 5 and heard.duration_s == 30.0


def test_the_language_is_found_in_the_first_speech_and_not_in_the_silence_before(knowing, tmp_path):
    for language in ("ru", "en"):
        path = in_silence(tmp_path, (50.0, said(SENTENCES[language][0])), length_s=60)
        assert knowing.transcribe(path, "", quiet).language == language


def test_two_languages_are_kept_with_their_segments(knowing, tmp_path):
    path = in_silence(tmp_path, (1.0, said(SENTENCES["en"][0])), (50.0, said(SENTENCES["ru"][0])), length_s=60)
    heard = knowing.transcribe(path, "", quiet)
    assert [segment.language for segment in heard.segments] == ["en", "ru"]
    assert words_of(heard.segments[1].text) == words_of(SENTENCES["ru"][0])
    fixed = knowing.transcribe(path, "ru", quiet)
    assert fixed.language == "ru" and not any(segment.language for segment in fixed.segments)


def test_times_are_in_order_and_within_the_recording_whatever_the_model_says(speak, guessing):
    progress = []
    heard = guessing.transcribe(speak("The lesson is over."), "en", progress.append)
    times = [moment for word in heard.words for moment in (word.start_s, word.end_s)]
    assert times and times == sorted(times) and times[0] >= 0 and times[-1] <= heard.duration_s
    borders = [moment for segment in heard.segments for moment in (segment.start_s, segment.end_s)]
    assert borders == sorted(borders)
    assert progress == sorted(progress) and progress[0] == 0.0


@pytest.mark.slow
def test_a_model_in_the_shape_of_large_v3_is_heard_too(speak, engine, large_shaped_models, tmp_path):
    heard = hearer(engine, large_shaped_models[engine], tmp_path).transcribe(speak("The lesson is over."), "", quiet)
    times = [moment for word in heard.words for moment in (word.start_s, word.end_s)]
    assert times and times == sorted(times) and times[0] >= 0 and times[-1] <= heard.duration_s and heard.language


def test_the_times_that_openai_whisper_says_count_from_the_first_time_of_the_model():
    """A hundred languages, as large-v3 has, move it by one."""
    from ppi.speech import whisper_child

    for languages, vocabulary in ((99, 51865), (100, 51866)):
        knows = SimpleNamespace(is_multilingual=True, num_languages=languages)
        first = whisper_child._tokenizer(knows, "en").timestamp_begin
        assert first + 1501 == vocabulary
        assert whisper_child._said({"seek": 100, "tokens": [first, 11, first + 50]}, first) == (1.0, 2.0)


def test_what_a_model_is_unsure_of_is_kept_and_flagged_with_the_thresholds(speak, guessing):
    heard = guessing.transcribe(speak("The lesson is over."), "en", quiet)
    assert heard.words and all(segment.flags for segment in heard.segments)
    assert heard.hearing["thresholds"] == doubt.THRESHOLDS
    assert heard.hearing["device"] in ("cpu", "cuda") and heard.hearing["compute_type"]


def loud(kind: str, length_s: float) -> np.ndarray:
    """Nobody speaks: noise of a fan, or chords with a beat."""
    chance = np.random.default_rng(11)
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    if kind == "silence":
        return chance.normal(0, 30, len(time_s)).astype(np.int16)
    if kind == "noise":
        return chance.normal(0, 2000, len(time_s)).astype(np.int16)
    chord = sum(np.sin(2 * np.pi * tone_hz * time_s) / part for part, tone_hz in enumerate((220, 277.2, 329.6, 440), start=1))
    beat = np.exp(-8 * (time_s % 0.5))
    return (4000 * chord * beat).astype(np.int16)


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
@pytest.mark.parametrize("length_s", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_where_nobody_speaks_no_text_is_without_a_flag(kind, length_s, knowing, tmp_path):
    heard = knowing.transcribe(write_wav(tmp_path / "loud.wav", loud(kind, length_s)), "", quiet)
    assert heard.duration_s == length_s
    assert [segment.text for segment in heard.segments if not segment.flags] == []


def test_phrases_reach_the_model_and_stand_in_the_transcript(speak, engine, random_models, tmp_path):
    path = speak("The lesson is over.")
    with_names = hearer(engine, random_models[engine], tmp_path, "Nikanor, photosynthesis", PPI_SPEECH_PHRASES="Olga")
    without = hearer(engine, random_models[engine], tmp_path)
    heard, plain = (one.transcribe(path, "en", quiet) for one in (with_names, without))
    assert heard.text != plain.text, "random weights go another way with other words before them"
    assert heard.hearing["phrases"] == "Olga, Nikanor, photosynthesis" and "phrases" not in plain.hearing
    assert with_names.identity() != without.identity()


def test_a_gpu_that_is_not_there_is_replaced_and_the_transcript_says_so(speak, engine, random_models, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model_child.stop()
    heard = hearer(engine, random_models[engine], tmp_path, WHISPER_DEVICE="cuda").transcribe(
        speak("The lesson is over."), "en", quiet
    )
    assert heard.hearing["device"] == "cpu" and "no GPU was found" in heard.hearing["fallback"]


def test_a_long_recording_is_heard_in_windows_with_the_times_of_the_whole(speak, engine, classroom_models):
    path = speak("Who can tell me the answer?", 60.0, "Compare your results with your friends.")
    told = []
    wanted = {
        "path": str(path), "model": classroom_models[engine], "language": "en", "weights": classroom_models[engine],
        "hub": "", "before": "", "device": "cpu", "compute_type": "", "phrases": "",
    }  # fmt: skip
    run_in_child(f"{CHILDREN[engine]}:transcribe", wanted, on_report=told.append)
    heard = [value for kind, value in told if kind == "heard"]
    reports = [value for kind, value in told if kind == "at"]
    segments = [segment for window in heard for segment in window["segments"]]
    assert len(heard) >= 2 and heard[-1]["until_s"] == wav.duration_s(path)
    second = [word for segment in segments for word in segment["words"] if "Compare" in word["word"]]
    assert any(word["start"] > 60.0 for word in second)
    assert reports == sorted(reports) and reports[-1] == pytest.approx(1.0) and any(0 < report < 0.9 for report in reports)


def test_the_encoder_runs_once_for_each_window_of_speech(random_models, tmp_path, monkeypatch):
    """Counted, not timed: with the language unknown, words aligned, and a model that makes everything doubtful."""
    from faster_whisper import WhisperModel

    from ppi.speech import faster_whisper_child

    passes, encode, told = [], WhisperModel.encode, []
    monkeypatch.setattr(WhisperModel, "encode", lambda model, features: passes.append(1) or encode(model, features))
    spoken = said("Compare your results with your friends.")
    sound = np.concatenate([np.pad(spoken, (0, int(pause_s * RATE_HZ))) for pause_s in (0.5, 1.0, 1.5) * 9])
    path = write_wav(tmp_path / "lesson.wav", sound)
    faster_whisper_child.transcribe(told.append, str(path), random_models["faster-whisper"], "", "", "", "", "cpu", "int8", "")
    assert any(kind == "heard" and value["segments"] for kind, value in told)
    assert 0 < len(passes) <= len(sound) / RATE_HZ / 30 + 1


def test_the_model_stays_loaded_between_two_lessons(speak, engine, classroom_models, tmp_path):
    """Its weights are spoiled meanwhile, so whoever read them again would fail."""
    weights = Path(classroom_models[engine])
    (shutil.copytree if weights.is_dir() else shutil.copy)(weights, tmp_path / weights.name)
    hear, path = hearer(engine, str(tmp_path / weights.name), tmp_path / "data"), speak("Look at the board.")
    first = hear.transcribe(path, "en", quiet)
    children = {child.pid for child in own_children()}
    for file in [tmp_path / weights.name, *(tmp_path / weights.name).glob("*.bin")]:
        if file.is_file():
            file.unlink()
            file.write_bytes(b"spoiled")
    assert hear.transcribe(path, "en", quiet).text == first.text != ""
    assert {child.pid for child in own_children()} == children
    model_child.stop()
    with pytest.raises(PpiError):
        hear.transcribe(path, "en", quiet)


def test_cancelling_kills_the_child_within_a_second(speak, guessing):
    hear, path = guessing, speak(*["Good morning, class.", 1.0] * 40)
    before = {child.pid for child in own_children()}
    asked = []

    def cancel(fraction: float) -> None:
        asked.append(time.monotonic())
        if asked[-1] - asked[0] > 2:
            raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        hear.transcribe(path, "en", cancel)
    assert time.monotonic() - asked[-1] < 1
    assert max(later - earlier for earlier, later in zip(asked, asked[1:], strict=False)) < 0.5
    left = [child for child in own_children() if child.pid not in before and child.is_running()]
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]


def test_missing_weights_say_which_file_which_setting_and_which_engine_instead(speak, engine, tmp_path):
    path = tmp_path / "models" / ("absent.pt" if engine == "whisper" else "absent")
    with pytest.raises(WeightsMissing) as caught:
        hearer(engine, str(path), tmp_path).transcribe(speak("The lesson is over."), "en", quiet)
    for word in (str(path), "WHISPER_MODEL_SIZE", "pocketsphinx"):
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [None, b"half a download"], ids=["absent", "broken"])
def test_weights_that_cannot_be_fetched_are_missing(content, speak, tmp_path, monkeypatch):
    home = tmp_path / "home"
    weights = home / ".cache" / "whisper" / "tiny.pt"
    weights.parent.mkdir(parents=True)
    if content:
        weights.write_bytes(content)
    monkeypatch.setenv("HOME", str(home))
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    wanted = {
        "path": str(speak("The lesson is over.")), "model": "tiny", "language": "en", "weights": str(weights), "hub": "",
        "before": "", "device": "cpu", "compute_type": "", "phrases": "",
    }  # fmt: skip
    with pytest.raises(WeightsMissing, match="tiny.pt"):
        run_in_child("ppi.speech.whisper_child:transcribe", wanted)


def test_a_file_that_is_no_checkpoint_is_named(speak, engine, tmp_path):
    path = tmp_path / ("letter.pt" if engine == "whisper" else "letter")
    files = [path] if engine == "whisper" else [path / name for name in ("model.bin", "config.json", "tokenizer.json")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("Dear reader")
    with pytest.raises(InputError, match="letter(.pt)? is not a usable Whisper checkpoint"):
        hearer(engine, str(path), tmp_path).transcribe(speak("The lesson is over."), "en", quiet)


def test_a_sound_that_is_not_as_agreed_is_refused(guessing, tmp_path):
    other = write_wav(tmp_path / "other.wav", np.ones(8000, np.int16), 44_100)
    with pytest.raises(InputError, match="16 kHz, mono, 16 bit"):
        guessing.transcribe(other, "en", quiet)


def test_an_unknown_language_is_refused(speak, guessing):
    with pytest.raises(InputError, match="klingon"):
        guessing.transcribe(speak("The lesson is over."), "klingon", quiet)


def test_silence_needs_no_model_at_all(engine, tmp_path):
    silence = write_wav(tmp_path / "silence.wav", np.zeros(2 * RATE_HZ, np.int16))
    absent = tmp_path / ("absent.pt" if engine == "whisper" else "absent")
    heard = hearer(engine, str(absent), tmp_path).transcribe(silence, "ru", quiet)
    assert (heard.segments, heard.language, heard.duration_s) == ((), "", 2.0)
