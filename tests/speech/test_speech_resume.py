"""A recogniser that was broken off goes on where it was, and finds what it would have found without a break."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ppi.speech import recognizer
from ppi.speech.recognizer import NOTHING
from ppi.storage import keys
from ppi.workflows import uploads
from ppi.workflows.lessons import PARTIAL, list_files, view
from ppi.workflows.partial import Partial
from tests.conftest import settings_for


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


@pytest.fixture(scope="module", params=["pocketsphinx", "whisper", "whisper that guesses"])
def hear(request, classroom_model, random_model, tmp_path_factory):
    """The last one is unsure of everything, so it draws its words by lot."""
    settings = settings_for(tmp_path_factory.mktemp("resume"))
    model = random_model if request.param.endswith("guesses") else classroom_model
    return recognizer.create(settings.speech, request.param.split()[0], model)


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


@pytest.mark.parametrize("broken_after", [1, 2])
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


def test_a_model_unsure_of_everything_draws_the_same_lots_after_a_break(speak, random_model, tmp_path):
    """Whisper tries again by lot what it is unsure of; the lots must not depend on what was drawn before."""
    settings = settings_for(tmp_path, SPEECH_ENGINE="whisper", WHISPER_MODEL_SIZE=random_model)
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
    heard = replace(NOTHING, until_s=60.0, language="en", segments=({"start": 0, "end": 1, "text": "a", "words": []},))
    Partial(services, lesson, hear, "en").keep(heard)
    assert Partial(services, lesson, hear, "en").load() == heard
    assert Partial(services, lesson, hear, "").load() == NOTHING
    other = recognizer.create(services.settings.speech, "whisper", "tiny")
    assert Partial(services, lesson, other, "en").load() == NOTHING
    services.store.put_bytes(services.raw, keys.derivative_key(lesson.video_key, ".wav"), b"other")
    assert Partial(services, lesson, hear, "en").load() == NOTHING


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"of": 1}'])
def test_a_damaged_one_is_begun_anew(services, lesson, hear, damage):
    kept = Partial(services, lesson, hear, "en")
    kept.keep(replace(NOTHING, until_s=60.0))
    services.store.put_bytes(services.raw, keys.derivative_key(lesson.video_key, PARTIAL), damage)
    assert kept.load() == NOTHING


def test_it_is_nobodys_to_look_at_and_goes_when_the_transcript_is_whole(services, lesson, hear):
    kept = Partial(services, lesson, hear, "en")
    kept.keep(replace(NOTHING, until_s=60.0))
    assert ".transcript.partial.json" not in view(services, lesson).files
    anna = services.users.by_name("anna")
    assert [item.key for item in list_files(services, anna)] == [keys.derivative_key(lesson.video_key, ".wav")]
    kept.remove()
    assert kept.load() == NOTHING
