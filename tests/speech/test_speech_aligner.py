"""Aligners: words are found where they are said, and what cannot be found keeps its time and says so."""

from __future__ import annotations

import shutil
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import psutil
import pytest

from ppi.errors import InputError, SettingsError, WeightsMissing
from ppi.records import Word
from ppi.speech import aligner, alignment, recognizer
from ppi.speech.alignment import Found
from ppi.workflows import models
from tests import espeak
from tests.conftest import DATA, need, settings_for
from tests.fixtures_speech import RATE_HZ, write_wav
from tests.servers.models_stub import ModelsStub
from tests.speech.test_speech_whisper import SENTENCES, VOICES, in_silence, quiet

FOLDER = DATA / "speech" / "aligner"
REPOSITORY = "somebody/wav2vec2-letters"
NEAR_S, MOST_S = 0.12, 0.2


@pytest.fixture(scope="module")
def refine():
    """`refine(path, segments)` in this process, with the small aligner of the tests."""
    need(find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    from ppi.speech import aligner_child

    def moved(path, segments, until_s=30.0):
        return aligner_child.refine(lambda told: None, str(path), [("", str(FOLDER), str(FOLDER))], "", "cpu")(
            segments, 0.0, until_s
        )

    return moved


def spoiled(words, chance) -> list[dict]:
    """Times as a poor recogniser would tell them: up to 0.4 s away, in order."""
    starts_s = np.maximum.accumulate([start_s + chance.uniform(-0.4, 0.4) for _, start_s in words])
    return [
        {"word": f" {text}", "start": start_s, "end": end_s, "probability": 0.9}
        for (text, _), start_s, end_s in zip(words, starts_s, [*starts_s[1:], starts_s[-1] + 0.3], strict=True)
    ]


def segment_of(words, **more) -> dict:
    text = " ".join(word["word"].strip() for word in words)
    return {"start": words[0]["start"], "end": words[-1]["end"], "text": text, "words": words, **more}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_words_are_found_where_they_are_said_whatever_the_recogniser_told(language, refine, tmp_path):
    """Sentences that were not in its training. What it is not sure of (irregular English words) is not counted as found."""
    need(espeak.is_here(), "libespeak-ng")
    chance, before_s, after_s, ends_s = np.random.default_rng(5), [], [], []
    for sentence in SENTENCES[language]:
        spoken = espeak.spoken(sentence, VOICES[language])
        truth = [(word, 3.0 + start_s) for word, start_s in spoken.words]
        segment = segment_of(spoiled(truth, chance))
        (moved,) = refine(in_silence(tmp_path, (3.0, spoken.sound)), [segment])
        before_s += [abs(word["start"] - start_s) for word, (_, start_s) in zip(segment["words"], truth, strict=True)]
        found = [(word, start_s) for word, (_, start_s) in zip(moved["words"], truth, strict=True) if "unaligned" not in word]
        after_s += [abs(word["start"] - start_s) for word, start_s in found]
        if "unaligned" not in moved["words"][-1]:
            last_s = 3.0 + np.flatnonzero(np.abs(spoken.sound) > 300)[-1] / RATE_HZ
            ends_s.append(abs(moved["words"][-1]["end"] - last_s))
    assert len(after_s) >= {"en": 0.8, "ru": 1.0}[language] * len(before_s)
    assert max(after_s) < MOST_S and np.quantile(after_s, 0.9) < NEAR_S and np.mean(after_s) < np.mean(before_s) / 3
    assert len(ends_s) >= 4 and max(ends_s) < NEAR_S


def test_numbers_and_foreign_words_keep_their_time_and_say_so_and_their_neighbours_are_found(refine, tmp_path):
    need(espeak.is_here(), "libespeak-ng")
    spoken = espeak.spoken("Откройте учебник на странице семь пожалуйста.", "ru")
    truth = [(word, 3.0 + start_s) for word, start_s in spoken.words]
    words = spoiled(truth, np.random.default_rng(6))
    words[4] |= {"word": " 7", "start": truth[4][1], "end": truth[5][1]}
    (moved,) = refine(in_silence(tmp_path, (3.0, spoken.sound)), [segment_of(words)])
    assert [word.get("unaligned", False) for word in moved["words"]] == [False] * 4 + [True, False]
    others = [place for place in range(6) if place != 4]
    assert max(abs(moved["words"][place]["start"] - truth[place][1]) for place in others) < NEAR_S
    assert moved["words"][3]["end"] <= moved["words"][4]["start"] <= moved["words"][4]["end"] <= moved["words"][5]["start"]
    assert abs(moved["words"][4]["start"] - truth[4][1]) < NEAR_S


def test_text_that_nobody_says_keeps_its_times(refine, tmp_path):
    need(espeak.is_here(), "libespeak-ng")
    path = in_silence(tmp_path, (3.0, espeak.spoken("Compare your results with your friends.", "en-us").sound))
    invented = [("Шумят", 3.0), ("высокие", 3.4), ("тополя", 4.0), ("вдоль", 4.3), ("дороги", 4.8)]
    segment = segment_of(spoiled(invented, np.random.default_rng(1)))
    (moved,) = refine(path, [segment])
    assert [(word["start"], word["end"]) for word in moved["words"]] == [
        (word["start"], word["end"]) for word in segment["words"]
    ]
    assert all(word["unaligned"] for word in moved["words"])


def test_times_stay_in_order_and_inside_the_window_whatever_is_asked(refine, tmp_path):
    chance = np.random.default_rng(3)
    path = write_wav(tmp_path / "noise.wav", chance.normal(0, 3000, 12 * RATE_HZ).astype(np.int16))
    texts = ("ask me", "why — now?", "х" * 400, "2026 ...", "one two three four five six seven")
    segments = []
    for number, text in enumerate(texts):
        starts_s = sorted(chance.uniform(2 * number, 2 * number + 3, len(text.split())))
        said = zip(text.split(), starts_s, strict=True)
        segments.append(segment_of([{"word": word, "start": start_s, "end": start_s + 0.1} for word, start_s in said]))
    moved = refine(path, [*segments, {"start": 11.5, "end": 30.0, "text": "later", "words": []}], until_s=12.0)
    found = [word for segment in moved for word in segment["words"] if not word.get("unaligned")]
    times = [moment for word in found for moment in (word["start"], word["end"])]
    assert times == sorted(times) and all(0 <= moment <= 12 for moment in times)
    assert [segment["text"] for segment in moved] == [*texts, "later"]


def test_a_model_is_asked_in_letters_that_it_knows():
    lower = alignment.letters_of({"<pad>": 0, "|": 1, "е": 2, "ж": 3, "-": 4, "и": 5}, 0)
    upper = alignment.letters_of({"<pad>": 0, "E": 1, "'": 2, "S": 3}, 0)
    assert lower.spelled("«Ёж-еж!»") == [2, 3, 4, 2, 3] and lower.spelled(" — ") == []
    assert lower.spelled("еж7") == [lower.star] and lower.spelled("eж") == [lower.star], "a digit, a Latin letter"
    assert upper.spelled("'es's,") == [1, 3, 2, 3] and upper.gap is None
    assert lower.written(["ж", "—", "7", "е"]) == ([3, 1, lower.star, 1, 2], [(0, 1), (1, 1), (2, 3), (4, 5)])


def words_at(*times: tuple[float, float]) -> list[dict]:
    return [{"word": str(number), "start": start_s, "end": end_s} for number, (start_s, end_s) in enumerate(times)]


def test_what_is_not_found_stays_between_its_neighbours_or_shares_their_room():
    found = [Found(1.0, 1.4, 0.9), None, Found(2.0, 2.5, 0.8), Found(9.0, 9.9, 0.1), Found(3.0, 3.2, 0.9)]
    moved = alignment.refined(words_at((0, 1), (1.3, 1.9), (1.9, 2.2), (6, 7), (7, 8)), found, 0.0)
    assert [(word["start"], word["end"]) for word in moved] == [(1.0, 1.4), (1.4, 1.9), (2.0, 2.5), (2.5, 3.0), (3.0, 3.2)]
    assert [word.get("unaligned", False) for word in moved] == [False, True, False, True, False]
    assert [word.get("interpolated", False) for word in moved] == [False, False, False, True, False]


def test_an_aligner_of_another_language_is_not_asked(tmp_path):
    from ppi.speech import aligner_child

    path = write_wav(tmp_path / "sound.wav", np.ones(RATE_HZ, np.int16))
    only_russian = aligner_child.Refine(str(path), {"ru": None}, "")
    (moved,) = only_russian([segment_of(words_at((0.2, 0.4)), language="en")], 0.0, 1.0)
    assert [(word["start"], word["unaligned"]) for word in moved["words"]] == [(0.2, True)]


def hearing(classroom_models, folder, **variables):
    chosen = {"SPEECH_ENGINE": "faster-whisper", "WHISPER_MODEL_SIZE": classroom_models["faster-whisper"], **variables}
    return recognizer.create(settings_for(folder, **chosen).speech)


def test_a_transcript_says_which_aligner_found_its_words_and_a_resumed_one_is_the_same(classroom_models, tmp_path):
    need(find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    need(espeak.is_here(), "libespeak-ng")
    first, second = (espeak.spoken(SENTENCES[language][0], VOICES[language]) for language in ("en", "ru"))
    path = in_silence(tmp_path, (1.0, first.sound), (50.0, second.sound), length_s=60)
    plain = hearing(classroom_models, tmp_path)
    aligned = hearing(classroom_models, tmp_path, ALIGNER_MODEL=str(FOLDER))
    assert plain.identity() != aligned.identity()
    kept = []
    whole = aligned.transcribe(path, "", quiet, on_heard=kept.append)
    assert whole.hearing["aligner"] == str(FOLDER) and whole.hearing["aligner_device"] in ("cpu", "cuda")
    assert "aligner" not in plain.transcribe(path, "", quiet).hearing
    truth = [1.0 + start_s for _, start_s in first.words] + [50.0 + start_s for _, start_s in second.words]
    assert max(abs(word.start_s - start_s) for word, start_s in zip(whole.words, truth, strict=True)) < MOST_S
    assert sum(word.unaligned for word in whole.words) * 4 < len(whole.words) and len(kept) > 1
    assert aligned.transcribe(path, "", quiet, kept[0]) == whole


def test_a_word_that_was_not_found_says_so_in_the_transcript_and_after_a_correction():
    from ppi.speech import corrections, formats
    from ppi.speech.words import segments_from

    first, second = words_at((0, 0.5), (0.5, 1))
    raw = {"start": 0.0, "end": 1.0, "text": "0 1", "words": [first, {**second, "unaligned": True}]}
    (segment,) = segments_from([raw], 2.0)
    assert [word.unaligned for word in segment.words] == [False, True]
    assert formats.segment_from_dict(formats.segment_to_dict(segment)) == segment
    assert "unaligned" not in formats.segment_to_dict(segment)["words"][0]
    whole = formats.Transcript((segment,), "en", "whisper", "base", 2.0)
    assert corrections.correct(whole, 0, "0 seven").words[1] == Word("seven", 0.5, 1.0, unaligned=True)


@pytest.mark.parametrize("value", ["letters", "en=letters", "en=a/b, en", "a/b, c/d", "ENG=a/b"])
def test_a_setting_that_names_no_aligner_is_refused(value, tmp_path):
    with pytest.raises(SettingsError, match="ALIGNER_MODEL"):
        settings_for(tmp_path, ALIGNER_MODEL=value)


def test_aligners_are_named_for_all_languages_or_for_each(tmp_path):
    def named(value):
        speech = settings_for(tmp_path, ALIGNER_MODEL=value, WHISPER_MODEL_DIR=str(tmp_path)).speech
        return [(one.language, one.model, one.path, one.is_repository) for one in aligner.named(speech)]

    assert named("") == []
    assert named(str(FOLDER)) == [("", str(FOLDER), FOLDER, False)]
    assert named(f"en=a/b, ru={FOLDER}") == [("en", "a/b", tmp_path / "a--b", True), ("ru", str(FOLDER), FOLDER, False)]


def test_an_aligner_that_cannot_be_used_is_said_before_anything_is_heard(classroom_models, tmp_path, monkeypatch):
    path = in_silence(tmp_path, (0.5, np.full(RATE_HZ, 900, np.int16)), length_s=2)
    with pytest.raises(WeightsMissing, match="models fetch aligner"):
        hearing(classroom_models, tmp_path, ALIGNER_MODEL=str(tmp_path / "absent")).transcribe(path, "en", quiet)
    monkeypatch.setattr(aligner, "find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match="requirements-aligner.txt"):
        hearing(classroom_models, tmp_path, ALIGNER_MODEL=str(FOLDER)).transcribe(path, "en", quiet)
    chosen = {"SPEECH_ENGINE": "faster-whisper", "WHISPER_MODEL_SIZE": classroom_models["faster-whisper"]}
    with pytest.raises(WeightsMissing, match="ctc-segmentation"):
        recognizer.check(settings_for(tmp_path, ALIGNER_MODEL=str(FOLDER), **chosen).speech)


def test_a_folder_that_holds_no_aligner_is_named(tmp_path):
    need(find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    for name in aligner.PATTERNS:
        (tmp_path / name).write_text("Dear reader")
    from ppi.speech import aligner_child

    with pytest.raises(InputError, match="is not a usable aligner"):
        aligner_child.refine(print, "", [("ru", str(tmp_path), str(tmp_path))], "", "cpu")


def in_this_process(target, kwargs, on_report=lambda told: None):
    """A child would load torch anew, which is here already."""
    module, name = target.split(":")
    return getattr(import_module(module), name)(on_report, **kwargs)


def test_aligners_are_fetched_once_listed_checked_and_measured(tmp_path, monkeypatch):
    need(find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    files = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    hub = ModelsStub(REPOSITORY, files | {"README.md": b"not needed"}).start()
    try:
        wanted = {"ALIGNER_MODEL": REPOSITORY, "WHISPER_MODEL_DIR": str(tmp_path / "weights"), "HF_ENDPOINT": hub.url}
        settings = settings_for(tmp_path / "data", **wanted)
        with pytest.raises(WeightsMissing):
            models.measure_aligners(settings)
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")  # set again by what runs in a child otherwise
        monkeypatch.setattr(models, "run_in_child", in_this_process)
        told = []
        (path,) = models.fetch_aligners(settings, told.append)
        assert told == sorted(told) and told[-1] == 1.0 and any(0 < fraction < 1 for fraction in told)
        assert {name: (path / name).read_bytes() for name in files} == files and not (path / "README.md").exists()
        asked = len(hub.requests)
        assert models.fetch_aligners(settings, lambda fraction: None) == [path] and len(hub.requests) == asked
    finally:
        hub.stop()
    (listed,) = [one for one in models.all_weights(settings) if one.engine == models.ALIGNER]
    assert (listed.model, listed.path) == (REPOSITORY, path) and listed.size_bytes > 1e5
    (measured,) = models.measure_aligners(settings)
    assert measured["model"] == REPOSITORY and measured["pass_s"] > 0
    shutil.copy(FOLDER / "config.json", path / "vocab.json")
    with pytest.raises(InputError, match="vocab.json"):
        models.measure_aligners(settings)
    with pytest.raises(InputError, match="ALIGNER_MODEL"):
        models.fetch_aligners(settings_for(tmp_path / "other"), lambda fraction: None)


@pytest.mark.slow
def test_aligning_a_long_recording_takes_no_more_memory_than_a_short_one(refine, tmp_path):
    need(espeak.is_here(), "libespeak-ng")
    spoken = espeak.spoken(SENTENCES["ru"][0], "ru")
    truth = [(word, 600.0 + start_s) for word, start_s in spoken.words]
    path = in_silence(tmp_path, (600.0, spoken.sound), length_s=1200)
    segment, used = segment_of(spoiled(truth, np.random.default_rng(5))), []
    for _ in range(120):
        (moved,) = refine(path, [segment], until_s=1200.0)
        used.append(psutil.Process().memory_info().rss)
    assert abs(moved["words"][0]["start"] - truth[0][1]) < NEAR_S
    assert max(used[90:]) - max(used[10:30]) < 30 * 2**20
