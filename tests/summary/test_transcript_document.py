"""A transcript as a document: turns with their speakers, time codes that lead to the player, doubt that can be seen."""

from __future__ import annotations

from docx import Document

from ppi.notes import ON_PROCESSOR
from ppi.records import LessonFacts, Segment, Transcript
from ppi.summary import transcript_outline

FACTS = LessonFacts("Урок о дожде", "дождь.mp4", 64.0, "2026-02-01", "https://ppi.example/lessons/1/transcript")
SAID = Transcript(
    (
        Segment(0.0, 2.0, "Доброе утро!", (), "Учитель"), Segment(2.5, 4.0, "Почему идёт дождь?", (), "Учитель"),
        Segment(5.0, 6.0, "Вода  испарилась\x0b.", (), "Аня", "", ("low_confidence",)), Segment(6.5, 7.0, " ", (), "Аня"),
        Segment(20.0, 21.0, "И упала.", (), "Аня"),
    ),
    "ru", "whisper", "base", 64.0, ("Заметка.", ON_PROCESSOR), True, 2,
)  # fmt: skip


def document(tmp_path, said=SAID, language="ru"):
    path = tmp_path / "t.docx"
    transcript_outline.write_docx(lambda told: None, path, FACTS, said, language)
    return Document(str(path))


def test_the_document_has_facts_turns_and_time_codes_that_play(tmp_path):
    made = document(tmp_path)
    texts = [paragraph.text for paragraph in made.paragraphs if paragraph.text]
    assert texts[:2] == ["Расшифровка", "Урок о дожде"]
    facts = {row.cells[0].text: row.cells[1].text for row in made.tables[0].rows}
    assert facts["Расшифровка"].startswith("whisper, base; ") and "2" in facts["Расшифровка"]
    assert texts[3:] == [
        "Учитель", "00:00\tДоброе утро! Почему идёт дождь?", "Аня", "00:05\tВода испарилась . [сомнительно]", "00:20\tИ упала.",
    ]  # fmt: skip
    notes = [row.cells[1].text for row in made.tables[0].rows if row.cells[0].text == "Примечание"]
    assert notes == ["Заметка.", "Видеокартой воспользоваться не удалось, поэтому урок распознан на процессоре."]
    links = {part.target_ref for part in made.part.rels.values() if part.is_external}
    assert links == {f"https://ppi.example/lessons/1/transcript?t={second}" for second in (0, 5, 20)}


def test_doubt_is_explained_where_there_is_some_and_silence_is_said(tmp_path):
    assert "doubtful" in " ".join(paragraph.text for paragraph in document(tmp_path, language="en").paragraphs)
    silent = document(tmp_path, Transcript((), "", "whisper", "base", 64.0), "en")
    texts = [paragraph.text for paragraph in silent.paragraphs if paragraph.text]
    assert texts == ["Transcript", "Урок о дожде", "Nothing was said in this recording."]


def test_long_turns_are_broken_after_sentences():
    long = tuple(Segment(2.0 * n, 2.0 * n + 1.9, "Это предложение из нескольких слов." * 2) for n in range(30))
    found = list(transcript_outline.paragraphs(Transcript(long, "ru", "whisper", "base", 64.0)))
    assert len(found) > 3 and sum(map(len, found)) == 30
    assert all(sum(len(segment.text) for segment in one) < 600 for one in found)
