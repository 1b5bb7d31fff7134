"""Corrections of a stored transcript: versions, undo, two editors at once, writers that die, and what is made of the text."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace

import pytest

from ppi.dataset import texts as dataset_texts
from ppi.errors import Conflict, NotFound
from ppi.records import Segment, Span, Transcript, Word
from ppi.services import Services
from ppi.settings import Settings
from ppi.speech import formats
from ppi.storage import keys
from ppi.workflows import corrections, lessons, transcribe, uploads
from tests.conftest import settings_for


def spoken(*texts: str) -> Transcript:
    """Segments of two seconds with words of half a second."""
    segments = tuple(
        Segment(2.0 * place, 2.0 * place + 2, text, tuple(
            Word(word, 2.0 * place + n / 2, 2.0 * place + (n + 1) / 2, 0.4) for n, word in enumerate(text.split())
        ))
        for place, text in enumerate(texts)
    )  # fmt: skip
    return Transcript(segments, "ru", "whisper", "base", 2.0 * len(texts))


HEARD = spoken("Сегодня мы узнаем вот", "почему идёт дощь", "и откуда вода")


def lesson_in(services: Services):
    """A stored lesson with that transcript, as if it had been heard."""
    anna = services.users.add("teacher", "admin-password-1", "DL-user")
    row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    row = services.lessons.get(row.id)
    services.store.put_bytes(services.raw, row.video_key, b"film")
    corrections.keep_new(services, row, HEARD)
    return row


@pytest.fixture
def services(tmp_path):
    return Services(settings_for(tmp_path / "data"))


@pytest.fixture
def row(services):
    return lesson_in(services)


def text_of(services, row, suffix=".txt") -> str:
    return b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, suffix))).decode()


def test_a_first_transcript_has_one_version_and_no_files_beside_its_own(services, row):
    found = corrections.load(services, row)
    assert (found.version, found.history.undo_to, found.history.redo_to) == (1, 0, 0)
    names = {item.key.removeprefix(row.prefix) for item in services.store.list(services.raw, row.prefix)}
    assert names == {"урок.mp4", "урок.txt", "урок.srt", "урок.vtt", "урок.transcript.json"}


def test_a_corrected_word_stands_in_every_file_and_keeps_its_time(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    assert all("дождь" in text_of(services, row, suffix) for suffix in (".txt", ".srt", ".vtt", ".transcript.json"))
    stored = transcribe.stored_transcript(services, row)
    assert stored.segments[1].words[2] == Word("дождь", 3.0, 3.5, None)
    assert (stored.edited, stored.edited_segments) == (True, 1)
    assert corrections.load(services, row).transcript == stored


def test_every_version_says_who_made_it_and_can_be_read_again(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    corrections.edit(services, row, who="boris", base=2, number=0, text="Сегодня мы узнаем,")
    found = corrections.load(services, row).history
    assert [(one.number, one.what, one.who) for one in found.versions] == [
        (1, "heard", ""), (2, "edited", "anna"), (3, "edited", "boris")
    ]  # fmt: skip
    assert corrections.text_at(services, row, 1) == HEARD
    assert corrections.text_at(services, row, 2).segments[1].text == "почему идёт дождь"
    assert corrections.text_at(services, row, 3) == transcribe.stored_transcript(services, row)
    with pytest.raises(NotFound):
        corrections.text_at(services, row, 4)


def test_undo_redo_and_restore_are_versions_too(services, row):
    for base, text in ((1, "почему идёт дождь"), (2, "почему идёт дождь?")):
        corrections.edit(services, row, who="anna", base=base, number=1, text=text)
    undone = corrections.undo(services, row, who="anna", base=3)
    assert undone.transcript.segments[1].text == "почему идёт дождь"
    assert corrections.undo(services, row, who="anna", base=4).transcript == HEARD
    again = corrections.redo(services, row, who="anna", base=5)
    assert again.transcript.segments[1].text == "почему идёт дождь"
    restored = corrections.restore(services, row, who="anna", base=6, number=3)
    assert restored.transcript.segments[1].text == "почему идёт дождь?"
    assert corrections.undo(services, row, who="anna", base=7).transcript.segments[1].text == "почему идёт дождь"
    assert [one.what for one in corrections.load(services, row).history.versions][3:] == [
        "undone", "undone", "redone", "restored", "undone"
    ]  # fmt: skip


def test_a_new_change_ends_what_could_be_redone(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    corrections.undo(services, row, who="anna", base=2)
    corrections.edit(services, row, who="anna", base=3, number=0, text="Сегодня")
    with pytest.raises(Conflict, match="nothing to undo or redo"):
        corrections.redo(services, row, who="anna", base=4)


def test_the_same_text_makes_no_version(services, row):
    assert corrections.edit(services, row, who="anna", base=1, number=1, text=" почему  идёт дощь\n").version == 1


def test_a_doubtful_word_is_ticked_off_for_downloads_and_datasets_and_the_tick_can_be_undone(services, row):
    doubtful = dataset_texts.said(HEARD, Span(2.0, 4.0))
    ticked = corrections.check(services, row, who="anna", base=1, number=1, word=2)
    assert (ticked.version, ticked.history.head.what, ticked.history.head.who) == (2, "checked", "anna")
    stored = json.loads(text_of(services, row, ".transcript.json"))
    assert [word.get("checked", False) for word in stored["segments"][1]["words"]] == [False, False, True]
    transcript = transcribe.stored_transcript(services, row)
    assert not transcript.edited and transcript.segments[1].words[2].probability == 0.4
    rows = dataset_texts.said(transcript, Span(2.0, 4.0)).words
    assert [word["is_uncertain"] for word in doubtful.words] == [True, True, True]
    assert [word["is_uncertain"] for word in rows] == [True, True, False]
    assert corrections.check(services, row, who="anna", base=2, number=1, word=2).version == 2, "it was ticked off before"
    assert corrections.undo(services, row, who="anna", base=2).transcript == HEARD


def test_a_doubtful_segment_is_ticked_off_and_its_flags_end(services, row):
    flagged = replace(HEARD, segments=(replace(HEARD.segments[0], flags=("low_confidence",)), *HEARD.segments[1:]))
    base = corrections.keep_new(services, row, flagged).version
    assert dataset_texts.said(flagged, Span(0.0, 2.0)).flags == ("low_confidence",)
    ticked = corrections.check(services, row, who="anna", base=base, number=0).transcript
    assert ticked.segments[0].checked and dataset_texts.said(ticked, Span(0.0, 2.0)).flags == ()
    with pytest.raises(Conflict, match="corrected this transcript"):
        corrections.ask_first(services, row)


def test_nobody_finds_right_what_somebody_changed_meanwhile_but_two_may_tick_off_words_of_one_segment(services, row):
    corrections.check(services, row, who="anna", base=1, number=1, word=0)
    both = corrections.check(services, row, who="boris", base=1, number=1, word=1)
    assert [word.checked for word in both.transcript.segments[1].words] == [True, True, False]
    corrections.edit(services, row, who="anna", base=both.version, number=1, text="почему идёт дождь")
    with pytest.raises(Conflict, match="anna changed this segment"):
        corrections.check(services, row, who="boris", base=both.version, number=1)


def test_two_editors_of_different_segments_both_keep_their_work(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    both = corrections.edit(services, row, who="boris", base=1, number=0, text="Сегодня мы узнаем,")
    assert [segment.text for segment in both.transcript.segments[:2]] == ["Сегодня мы узнаем,", "почему идёт дождь"]


def test_of_two_editors_of_one_segment_the_later_is_told_who_was_first_and_nothing_changes(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    corrections.edit(services, row, who="vera", base=2, number=0, text="Сегодня")
    with pytest.raises(Conflict, match="anna changed this segment meanwhile"):
        corrections.edit(services, row, who="boris", base=1, number=1, text="почему идут дожди")
    with pytest.raises(Conflict, match="changed meanwhile"):
        corrections.undo(services, row, who="boris", base=1)
    assert corrections.load(services, row).transcript.segments[1].text == "почему идёт дождь"


def test_a_new_recognition_asks_first_and_keeps_the_corrected_text_in_the_history(services, row):
    corrected = corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    assert corrections.has_corrections(services, row)
    fresh = spoken("Сегодня", "мы узнаем")
    found = corrections.keep_new(services, row, fresh)
    assert found.version == 3 and transcribe.stored_transcript(services, row) == fresh
    assert corrections.text_at(services, row, 2) == corrected.transcript
    assert corrections.undo(services, row, who="anna", base=3).transcript == corrected.transcript
    with pytest.raises(Conflict, match="changed this segment"):
        corrections.edit(services, row, who="boris", base=3, number=0, text="Вчера")


def test_the_same_transcript_stored_twice_is_one_version(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    fresh = spoken("Сегодня")
    assert corrections.keep_new(services, row, fresh).version == corrections.keep_new(services, row, fresh).version == 3


def test_files_of_versions_are_in_no_list_of_files(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    user = services.users.by_name("teacher")
    shown = lessons.view(services, row)
    assert shown.has_versions and shown.has_transcript
    assert not [suffix for suffix in shown.files if corrections.is_kept_beside(suffix)]
    assert not [found.key for found in lessons.list_files(services, user) if corrections.is_kept_beside(found.key)]


@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
def test_a_writer_that_dies_after_the_history_leaves_the_new_text_whole(services, row, dies_at, monkeypatch):
    """The history is what holds: the next one who asks brings the files up to date."""
    corrections.edit(services, row, who="anna", base=1, number=0, text="Сегодня")
    put, count = type(services.store).put_bytes, iter(range(9))

    def dying(store, *given, **more):
        if next(count) == dies_at:
            raise KeyboardInterrupt
        return put(store, *given, **more)

    monkeypatch.setattr(type(services.store), "put_bytes", dying)
    with pytest.raises(KeyboardInterrupt):
        corrections.edit(services, row, who="anna", base=2, number=1, text="почему идёт дождь")
    monkeypatch.undo()
    found = corrections.load(services, row)
    assert (found.version, found.transcript.segments[1].text) == (3, "почему идёт дождь")
    assert transcribe.stored_transcript(services, row) == found.transcript
    assert all("дождь" in text_of(services, row, suffix) for suffix in (".txt", ".srt", ".vtt"))


def test_a_transcript_that_was_replaced_by_hand_becomes_a_version(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    other = replace(HEARD, segments=HEARD.segments[:1])
    key = keys.derivative_key(row.video_key, ".transcript.json")
    services.store.put_bytes(services.raw, key, formats.to_json(other).encode())
    found = corrections.load(services, row)
    assert (found.version, found.transcript, found.history.head.what) == (3, other, "uploaded")
    assert corrections.undo(services, row, who="anna", base=3).transcript.segments[1].text == "почему идёт дождь"


def test_a_lesson_without_a_transcript_has_none_to_correct(services, row):
    services.store.delete(services.raw, keys.derivative_key(row.video_key, ".transcript.json"))
    for act in (corrections.load, lambda *given: corrections.edit(*given, who="a", base=1, number=0, text="b")):
        with pytest.raises(NotFound):
            act(services, row)
    assert not corrections.has_corrections(services, row)


def _correct_many(variables, lesson_id, who, number, count):
    """As one web process: corrects its own segment, again and again, from the version it saw first."""
    services = Services(Settings.from_env(variables))
    row, base = services.lessons.get(lesson_id), 1
    for turn in range(count):
        base = corrections.edit(services, row, who=who, base=base, number=number, text=f"{who} {turn}").version


def test_two_processes_that_save_at_once_lose_nothing(open_services, ground, tmp_path):
    services, turns = open_services(), 8
    row = lesson_in(services)
    variables = {"PPI_DATA_DIR": str(tmp_path / "data"), **ground}
    context = multiprocessing.get_context("spawn")
    editors = [
        context.Process(target=_correct_many, args=(variables, row.id, who, number, turns))
        for number, who in enumerate(("anna", "boris"))
    ]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(60)
    assert [editor.exitcode for editor in editors] == [0, 0]
    found = corrections.load(services, row)
    assert [segment.text for segment in found.transcript.segments[:2]] == [f"anna {turns - 1}", f"boris {turns - 1}"]
    assert found.version == 1 + 2 * turns
    saved = [(one.who, one.after.text) for one in found.history.versions[1:]]
    assert sorted(saved) == sorted((who, f"{who} {turn}") for who in ("anna", "boris") for turn in range(turns))


def test_while_somebody_saves_others_wait_and_are_told_when_it_takes_too_long(open_services, monkeypatch):
    services = open_services()
    row = lesson_in(services)
    monkeypatch.setattr(corrections, "WAIT_S", 0.2)
    with open_services().transcript_locks.hold(row.id), pytest.raises(Conflict, match="Somebody else is saving"):
        corrections.edit(services, row, who="anna", base=1, number=0, text="Сегодня")
    assert corrections.edit(services, row, who="anna", base=1, number=0, text="Сегодня").version == 2


def test_a_deleted_lesson_takes_its_versions_and_its_lock_along(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    lessons.delete_lesson(services, row)
    assert services.store.list(services.raw) == []
    assert list((services.settings.data_dir / "locks").iterdir()) == []


def test_the_history_is_json_that_a_person_can_read(services, row):
    corrections.edit(services, row, who="anna", base=1, number=1, text="почему идёт дождь")
    raw = json.loads(text_of(services, row, ".transcript.history.json"))
    assert raw["versions"][1]["who"] == "anna" and raw["versions"][1]["after"]["text"] == "почему идёт дождь"
