"""The words of documents about lessons, in both languages. A document is in one language, whatever its reader's page is in."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date
from babel.numbers import format_decimal

WORDS = {
    "en": {
        "locale": "en",
        "abstract_title": "Lesson abstract",
        "minutes_title": "Lesson minutes",
        "report_title": "Lesson report",
        "lesson": "Lesson",
        "video": "Video",
        "length": "Length",
        "date": "Added on",
        "words": "Words",
        "speech": "Transcript made by",
        "summary": "Summary made by",
        "language": "Language",
        "ru": "Russian",
        "en": "English",
        "extractive": "selection of the lesson's own sentences, no language model",
        "prompts": "prompts {version}",
        "edited": "corrected by a person in {count} places",
        "notes": "Note",
        "abstract": "Abstract",
        "points": "Key points",
        "topics": "Topics",
        "questions": "Questions",
        "decisions": "Decisions",
        "homework": "Homework",
        "sections": "Summary by section",
        "section": "Section",
        "nothing": "Nothing was said in this recording.",
        "none_found": "None found.",
        "frames": "Key frames",
        "unverified": "unverified",
        "checked": "{verified} of {count} points found in what was said; the rest are marked “unverified”: look at the "
        "recording before you quote them.",
        "all_checked": "The words of every point were found in what was said at its time.",
        "unchecked": "The summary is in another language than the lesson, so that no point could be compared with what "
        "was said.",
        "by_form": "Questions, decisions and homework were found by how they are said; look at the recording for what "
        "is missing.",
        "missed": "The model gave no usable answer for {periods}.",
        "budget": "Time budget",
        "what": "What",
        "speech_time": "Speech",
        "silence_time": "Without speech",
        "talk": "Talk share",
        "talk_figure": "How long each speaks",
        "speaker": "Who",
        "time": "Time",
        "share": "Share",
        "unknown": "not known who",
        "teacher": "Teacher",
        "student": "Students",
        "no_speakers": "The transcript does not say who spoke.",
        "patterns": "Patterns",
        "pattern": "Pattern",
        "times": "Times",
        "whole_time": "Time in all",
        "no_patterns": "This lesson has no annotations yet.",
        "quotes": "In their words",
        "quoted": "{pattern}: “{text}”",
        "roles": "Marked time by who acts",
        "timeline": "Timeline of patterns and speech",
        "overlaps": "Overlaps are counted once for each pattern.",
        "transcript": "Transcript",
    },
    "ru": {
        "locale": "ru",
        "abstract_title": "Аннотация урока",
        "minutes_title": "Протокол урока",
        "report_title": "Отчёт об уроке",
        "lesson": "Урок",
        "video": "Видео",
        "length": "Длительность",
        "date": "Добавлен",
        "words": "Слов",
        "speech": "Расшифровка",
        "summary": "Конспект",
        "language": "Язык",
        "ru": "русский",
        "en": "английский",
        "extractive": "отбор предложений самого урока, без языковой модели",
        "prompts": "версия указаний {version}",
        "edited": "исправлена человеком, мест: {count}",
        "notes": "Примечание",
        "abstract": "Коротко",
        "points": "Главное",
        "topics": "Темы",
        "questions": "Вопросы",
        "decisions": "Решения",
        "homework": "Домашнее задание",
        "sections": "Содержание по частям",
        "section": "Часть",
        "nothing": "В этой записи никто не говорит.",
        "none_found": "Не найдено.",
        "frames": "Ключевые кадры",
        "unverified": "не проверено",
        "checked": "Слова {verified} из {count} пунктов найдены в сказанном; остальные помечены «не проверено»: "
        "сверьтесь с записью, прежде чем цитировать.",
        "all_checked": "Слова каждого пункта найдены в сказанном в указанное время.",
        "unchecked": "Конспект на другом языке, чем урок, поэтому сравнить пункты со сказанным нельзя.",
        "by_form": "Вопросы, решения и домашнее задание найдены по форме высказывания; чего не хватает, смотрите в записи.",
        "missed": "Для этих мест модель не дала пригодного ответа: {periods}.",
        "budget": "Бюджет времени",
        "what": "Что",
        "speech_time": "Речь",
        "silence_time": "Без речи",
        "talk": "Доли речи",
        "talk_figure": "Кто сколько говорит",
        "speaker": "Кто",
        "time": "Время",
        "share": "Доля",
        "unknown": "неизвестно кто",
        "teacher": "Учитель",
        "student": "Ученики",
        "no_speakers": "В расшифровке не указано, кто говорит.",
        "patterns": "Паттерны",
        "pattern": "Паттерн",
        "times": "Раз",
        "whole_time": "Всего времени",
        "no_patterns": "Разметки этого урока пока нет.",
        "quotes": "Дословно",
        "quoted": "{pattern}: «{text}»",
        "roles": "Размеченное время по ролям",
        "timeline": "Лента паттернов и речи",
        "overlaps": "Наложения считаются для каждого паттерна.",
        "transcript": "Расшифровка",
    },
}


def shown_date(day: str, words: dict[str, str]) -> str:
    """An ISO date as people write it in the language of `words`: "November 29, 2026", "29 ноября 2026 г."."""
    return format_date(date.fromisoformat(day), "long", locale=words["locale"])


def shown_number(count: int, words: dict[str, str]) -> str:
    """A count as people write it in the language of `words`: "7,250", "7 250"."""
    return format_decimal(count, locale=words["locale"])


def words_of(language: str) -> dict[str, str]:
    """The words for an ISO 639-1 code: Russian or, for all others, English."""
    return WORDS["ru" if language == "ru" else "en"]


def clock(time_s: float) -> str:
    """Seconds as 1:02:03 or 02:03."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
