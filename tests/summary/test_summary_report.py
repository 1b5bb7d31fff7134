"""The lesson report: who spoke, how the time went, what was marked."""

from __future__ import annotations

import pytest
from PIL import Image

from ppi import palette
from ppi.dataset import lesson_figures
from ppi.errors import Cancelled
from ppi.records import KeyPoint, Segment, Span, Summary, Transcript, Word
from ppi.summary.report import Mark, blocks_of, covered_s, report_of

SPEAKERS = {"en": ("Teacher", "Student 3"), "ru": ("Учитель", "Ученик 3")}
SHOWN = {"en": ("Teacher", "Students"), "ru": ("Учитель", "Ученики")}


def lesson(language: str = "en", speakers: tuple[str, str] | None = None) -> Transcript:
    """A hundred seconds: the teacher speaks for 30, a student for 10, two seconds of them together."""
    teacher, student = speakers if speakers is not None else SPEAKERS[language]
    words = tuple(Word(word, 10.0 + n, 10.5 + n) for n, word in enumerate(("what", "happens", "to", "the", "water", "here")))
    segments = (
        Segment(10.0, 40.0, "What happens to the water here?", words, teacher), Segment(38.0, 48.0, "It rises.", (), student),
        Segment(60.0, 70.0, "  ", (), teacher),
    )  # fmt: skip
    return Transcript(segments, language, "whisper", "base", 100.0)


def summary(language: str) -> Summary:
    question = KeyPoint("What happens to the water here?", (Span(10.0, 40.0),), "question")
    return Summary(language, "extractive", "", (question,), ())


MARKS = (
    Mark("T: Open question", "teacher", Span(10.0, 18.0)), Mark("T: Open question", "teacher", Span(50.0, 52.0)),
    Mark("S: Explains", "student", Span(38.0, 43.0)),
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
def test_talk_time_and_questions_go_to_those_who_spoke(language):
    report = report_of(lesson(language), (), summary(language), language)
    teacher, student = SHOWN[language]
    assert report.shares == ((teacher, 30.0), (student, 10.0)) and report.questions == ((teacher, 1),)
    assert report.speech_s == 38.0
    [talk] = [block for block in blocks_of(report, language) if block.kind == "table" and len(block.rows[0]) == 4]
    assert talk.rows[1:] == ((teacher, "00:30", "75 %", "1"), (student, "00:10", "25 %", "0"))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_without_speakers_no_share_is_invented(language):
    report = report_of(lesson(language, ("", "")), (), summary(language), language)
    texts = [block.text for block in blocks_of(report, language)]
    assert not report.has_speakers
    assert {"en": "The transcript does not say who spoke.", "ru": "В расшифровке не указано, кто говорит."}[language] in texts


@pytest.mark.parametrize("language", ["en", "ru"])
def test_who_spoke_is_called_the_same_in_the_timeline_and_in_the_table(language):
    unknown = {"en": "not known who", "ru": "неизвестно кто"}[language]
    for speakers in (SPEAKERS[language], (SPEAKERS[language][0], "")):
        report = report_of(lesson(language, speakers), (), summary(language), language)
        [talk] = [block for block in blocks_of(report, language) if block.kind == "table" and len(block.rows[0]) == 4]
        assert {row[0] for row in talk.rows[1:]} == {who for who, _, _ in report.spoken}
    assert {who for who, _, _ in report.spoken} == {SHOWN[language][0], unknown}


def test_a_name_that_is_no_role_is_shown_as_it_is():
    report = report_of(lesson("en", ("SPEAKER_00", "Pavel Sergeevich")), (), summary("en"), "en")
    assert [name for name, _ in report.shares] == ["SPEAKER_00", "Pavel Sergeevich"]


def test_patterns_are_counted_timed_and_quoted():
    report = report_of(lesson(), MARKS, summary("en"), "en")
    assert report.patterns == (("T: Open question", 2, 10.0), ("S: Explains", 1, 5.0))
    assert report.roles == (("Teacher", 10.0), ("Students", 5.0))
    assert report.quotes == (("T: Open question", Span(10.0, 18.0), "what happens to the water here"),)


def test_a_quote_that_is_a_part_of_a_sentence_says_so():
    text = "It rises slowly. Then it cools down and falls."
    words = tuple(Word(word, n, n + 0.8) for n, word in enumerate(text.split()))
    said = Transcript((Segment(0, 9, text, words), Segment(9, 9.5, "Yes", (Word("Yes", 9, 9.5),))), "en", "x", "x", 10.0)
    quotes = [
        report_of(said, (Mark("A", "", Span(*span)),), summary("en"), "en").quotes[0][2]
        for span in ((3.0, 9.0), (1.0, 5.0), (0.0, 3.0), (5.0, 10.0))
    ]
    assert quotes == [
        "Then it cools down and falls.", "…rises slowly. Then it…", "It rises slowly.", "…cools down and falls. Yes",
    ]  # fmt: skip


def test_figures_stand_with_what_they_show():
    blocks = blocks_of(report_of(lesson(), MARKS, summary("en"), "en"), "en", "timeline.png", "talk.png")
    told = [block.pictures[0].source if block.pictures else block.text or block.rows[0][0] for block in blocks]
    assert told[:6] == ["Time budget", "What", "timeline.png", "Talk share", "Who", "talk.png"]


def test_overlapping_time_is_covered_once():
    assert covered_s([Span(5.0, 8.0), Span(0.0, 6.0), Span(1.0, 2.0), Span(20.0, 21.0)]) == 9.0
    assert covered_s([]) == 0.0


def test_figures_are_drawn_of_what_there_is_and_can_be_stopped(tmp_path):
    given = {"duration_s": 100.0, "on_tick": lambda: None}
    lanes = [("Учитель 🎓", [(10.0, 40.0)], None), ("x" * 300, [(0.0, 0.0)], 3)]
    drawn = lesson_figures.draw(tmp_path, lanes=lanes, shares=[("Учитель", 30.0), ("Ученики", 0.0)], **given)
    assert [path.name for path in drawn] == ["timeline.png", "talk.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    marked = lesson_figures.draw(tmp_path, lanes=[("Похвала", [(10.0, 40.0)], 4), lanes[0]], shares=[], **given)
    with Image.open(marked[0]) as timeline:
        colours = {bytes(colour) for _, colour in timeline.convert("RGB").getcolors(100_000)}
    assert {bytes.fromhex(colour[1:]) for colour in (palette.colour(4), palette.REST)} <= colours
    empty = tmp_path / "empty"
    empty.mkdir()
    assert lesson_figures.draw(empty, lanes=[], shares=[], **given) == []

    def stop() -> None:
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        lesson_figures.draw(tmp_path, lanes=lanes, shares=[], **given | {"on_tick": stop})
