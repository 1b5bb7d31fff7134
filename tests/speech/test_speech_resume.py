"""A recogniser that was broken off goes on where it was, and finds what it would have found without a break."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace

import pytest

from ppi.errors import ServerAway
from ppi.speech import recognizer
from ppi.speech.recognizer import NOTHING
from ppi.storage import keys
from ppi.workflows import partial, uploads
from ppi.workflows.ingest import owner_metadata
from ppi.workflows.lessons import PARTIAL, list_files, view
from ppi.workflows.partial import Partial
from ppi.workflows.transcribe import hear as hear_lesson
from ppi.workflows.transcribe import stored_transcript
from tests.conftest import settings_for

MINUTE = replace(
    NOTHING, until_s=60.0, language="en", segments=({"start": 0, "end": 1, "text": "Look at the board.", "words": []},)
)
SLOW = "pocketsphinx", "whisper"  # heard among the long trials


class Broken(Exception):
    pass


def nothing(fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def lesson_wav(speak):
    """Some two and a half minutes: sentences among long silences."""
    sentences = ("Who can tell me the answer?", "Compare your results with your friends.", "Look at the board.")
    parts = [part for number in range(6) for part in (sentences[number % 3], 23.0)]
    return speak(*parts)


@pytest.fixture(scope="module", params=["faster-whisper", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def hear(request, classroom_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    model = classroom_models.get(request.param, "")
    settings = settings_for(folder, SPEECH_ENGINE=request.param, WHISPER_MODEL_SIZE=model)
    return recognizer.create(settings.speech)


@pytest.fixture(scope="module")
def whole(hear, lesson_wav):
    """The transcript of a run without a break, and what it kept on the way."""
    kept = []
    return hear.transcribe(lesson_wav, "", nothing, on_heard=kept.append), kept


def test_what_was_heard_is_kept_at_least_every_minute_of_sound(whole):
    transcript, kept = whole
    moments = [0.0, *(heard.until_s for heard in kept)]
    assert max(later - earlier for earlier, later in zip(moments, moments[1:], strict=False)) <= 60
    assert moments[-1] == transcript.duration_s and len(kept) >= 3


@pytest.mark.parametrize("broken_after", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_that_was_broken_off_finds_the_same_as_one_that_was_not(hear, lesson_wav, whole, broken_after):
    kept = []

    def keep(heard):
        kept.append(heard)
        if len(kept) == broken_after:
            raise Broken

    with pytest.raises(Broken):
        hear.transcribe(lesson_wav, "", nothing, on_heard=keep)
    heard = json.loads(json.dumps(kept[-1].segments))
    again, progress = [], []
    resumed = hear.transcribe(
        lesson_wav, "", progress.append, replace(kept[-1], segments=tuple(heard)), lambda more: again.append(more.until_s)
    )
    assert resumed == whole[0] and resumed.words
    assert again[0] > kept[-1].until_s, "nothing was heard twice"
    assert len(again) == len(whole[1]) - broken_after
    assert progress[0] == pytest.approx(kept[-1].until_s / resumed.duration_s), "progress begins where it was"


@pytest.mark.parametrize("engine", [pytest.param("whisper", marks=pytest.mark.slow), "faster-whisper"])
def test_a_model_unsure_of_everything_draws_the_same_lots_after_a_break(engine, speak, random_models, tmp_path):
    """Whisper tries again by lot what it is unsure of; the lots must not depend on what was drawn before."""
    settings = settings_for(tmp_path, SPEECH_ENGINE=engine, WHISPER_MODEL_SIZE=random_models[engine])
    hear, kept = recognizer.create(settings.speech), []
    wav = speak(*["Look at the board.", 23.0] * 4)
    whole = hear.transcribe(wav, "en", nothing, on_heard=kept.append)
    assert len(kept[0].segments) < len(kept[-1].segments), "something is drawn after the break"
    assert hear.transcribe(wav, "en", nothing, kept[0]) == whole


@pytest.fixture
def lesson(services):
    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="a.mp4", task_name="A", size_bytes=4)
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".wav"), b"sound")
    return row


def test_what_is_kept_is_given_back_only_for_the_same_sound_engine_model_and_language(services, lesson, hear):
    Partial(services, lesson, hear, "en").keep(MINUTE)
    assert Partial(services, lesson, hear, "en").load() == MINUTE
    assert Partial(services, lesson, hear, "").load() == NOTHING
    other = recognizer.create(services.settings.speech, "whisper", "tiny")
    assert Partial(services, lesson, other, "en").load() == NOTHING
    services.store.put_bytes(services.raw, keys.derivative_key(lesson.video_key, ".wav"), b"other")
    assert Partial(services, lesson, hear, "en").load() == NOTHING


def test_another_checkpoint_of_the_same_name_begins_anew(services, lesson, tmp_path):
    checkpoint = tmp_path / "mine.pt"
    checkpoint.write_bytes(b"first")
    hear = recognizer.create(services.settings.speech, "whisper", str(checkpoint))
    Partial(services, lesson, hear, "en").keep(MINUTE)
    assert Partial(services, lesson, hear, "en").load() == MINUTE
    checkpoint.write_bytes(b"other")
    assert Partial(services, lesson, hear, "en").load() == NOTHING


def test_another_compute_type_device_or_phrases_begin_anew(services, lesson, tmp_path):
    def hear(phrases="", **variables):
        speech = settings_for(tmp_path, SPEECH_ENGINE="faster-whisper", WHISPER_MODEL_SIZE="base", **variables).speech
        return recognizer.create(speech, phrases=phrases)

    Partial(services, lesson, hear(), "en").keep(MINUTE)
    assert Partial(services, lesson, hear(), "en").load() == MINUTE
    others = (hear(WHISPER_COMPUTE_TYPE="float32"), hear(WHISPER_DEVICE="cpu"), hear("Olga"))
    assert [Partial(services, lesson, other, "en").load() for other in others] == [NOTHING] * 3


def test_other_rules_of_hearing_begin_anew(services, lesson, hear, monkeypatch):
    Partial(services, lesson, hear, "en").keep(MINUTE)
    assert Partial(services, lesson, hear, "en").load() == MINUTE
    monkeypatch.setattr(partial, "RULES", partial.RULES + 1)
    assert Partial(services, lesson, hear, "en").load() == NOTHING


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "another shape": lambda data: b"[]",
    "too deep": lambda data: b"[" * 100_000,
    "no text": lambda data: data[:-9] + b"\xff" + data[-8:],
    "a letter": lambda data: data.replace(b"board", b"beard"),
    "a time before the beginning": lambda data: data.replace(b"60.0", b"-6.0"),
    "a time without end": lambda data: data.replace(b"60.0", b"1e999"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_begun_anew_and_the_log_says_so(services, lesson, hear, damage, caplog):
    kept, key = Partial(services, lesson, hear, "en"), keys.derivative_key(lesson.video_key, PARTIAL)
    kept.keep(MINUTE)
    assert kept.load() == MINUTE
    whole = b"".join(services.store.read(services.raw, key))
    damaged = DAMAGES[damage](whole)
    assert damaged != whole
    services.store.put_bytes(services.raw, key, damaged)
    caplog.set_level(logging.WARNING)
    assert kept.load() == NOTHING
    assert "cannot be read and is begun anew" in caplog.text


def test_a_fast_recogniser_does_not_flood_the_store(services, lesson, hear, monkeypatch):
    monkeypatch.setattr(partial, "EVERY_S", 0.3)
    kept, two = Partial(services, lesson, hear, "en"), replace(MINUTE, until_s=120.0)
    kept.keep(MINUTE)
    kept.keep(two)
    assert kept.load() == MINUTE
    time.sleep(0.35)
    kept.write_due()
    assert kept.load() == two


def test_what_could_not_be_kept_is_tried_again(services, lesson, hear, monkeypatch):
    monkeypatch.setattr(partial, "EVERY_S", 0.0)
    kept = Partial(services, lesson, hear, "en")

    def away(*args, **more):
        raise ServerAway("The store is away.")

    with monkeypatch.context() as broken:
        broken.setattr(services.store, "put_bytes", away)
        kept.keep(MINUTE)
    assert kept.load() == NOTHING
    kept.write_due()
    assert kept.load() == MINUTE


class Attempt:
    """A run of the job that is broken off as soon as `is_over` says so."""

    def __init__(self, is_over):
        self.fractions: list[float] = []
        self._is_over = is_over

    def step(self, phase, stage, low, high, **args):
        return (lambda fraction: None) if stage.startswith("Preparing") else self._at

    def check(self):
        pass

    def _at(self, fraction):
        self.fractions.append(fraction)
        if self._is_over():
            raise Broken


@pytest.mark.slow
def test_a_job_that_was_broken_off_goes_on_and_says_so(services, lesson, lesson_wav, tmp_path, caplog):
    key = keys.derivative_key(lesson.video_key, PARTIAL)
    services.store.put_file(services.raw, keys.derivative_key(lesson.video_key, ".wav"), lesson_wav)
    job = services.ledger.submit("transcribe", lesson.owner_id, lesson.id, {})
    caplog.set_level(logging.INFO)

    def attempt(is_over):
        run = Attempt(is_over)
        hear_lesson(services, lesson, job, run, tmp_path, 0.0, 1.0)
        return run.fractions, stored_transcript(services, lesson)

    def is_kept():
        return any(found.key == key for found in services.store.list(services.raw))

    whole_fractions, whole = attempt(lambda: False)
    assert whole_fractions[0] < 0.1 and "goes on" not in caplog.text and not is_kept()
    with pytest.raises(Broken):
        attempt(is_kept)
    assert services.store.stat(services.raw, key).metadata == owner_metadata(lesson)
    fractions, resumed = attempt(lambda: False)
    assert resumed == whole and resumed.words
    assert fractions[0] > 0.3 and "the transcription goes on at" in caplog.text and not is_kept()


def test_it_is_nobodys_to_look_at_and_goes_when_the_transcript_is_whole(services, lesson, hear):
    kept = Partial(services, lesson, hear, "en")
    kept.keep(MINUTE)
    assert ".transcript.partial.json" not in view(services, lesson).files
    anna = services.users.by_name("anna")
    assert [item.key for item in list_files(services, anna)] == [keys.derivative_key(lesson.video_key, ".wav")]
    kept.remove()
    assert kept.load() == NOTHING


class Quick:
    """Hears two minutes at once and then thinks for a while."""

    engine, model = "quick", "quick"

    def identity(self):
        return ""

    def transcribe(self, speech_wav, language, on_progress, heard=NOTHING, on_heard=nothing, on_fetched=nothing):
        on_heard(MINUTE)
        on_heard(replace(MINUTE, until_s=120.0))
        time.sleep(0.35)
        on_progress(0.5)
        raise Broken


def test_what_waits_to_be_kept_does_not_wait_for_the_next_minute(services, lesson, lesson_wav, tmp_path, monkeypatch):
    monkeypatch.setattr(partial, "EVERY_S", 0.3)
    monkeypatch.setattr(recognizer, "create", lambda *args: Quick())
    services.store.put_file(services.raw, keys.derivative_key(lesson.video_key, ".wav"), lesson_wav)
    job = services.ledger.submit("transcribe", lesson.owner_id, lesson.id, {})
    with pytest.raises(Broken):
        hear_lesson(services, lesson, job, Attempt(lambda: False), tmp_path, 0.0, 1.0)
    language = services.settings.speech.language
    assert Partial(services, lesson, Quick(), language).load().until_s == 120.0
