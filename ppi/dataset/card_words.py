"""The sentences of the dataset card in the languages it can be written in. A test holds both to the same names and fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EN = {
    "code": "en",
    "unnamed": "Pedagogical patterns",
    "intro_one": (
        "Clips of {count} lesson in which annotators marked pedagogical patterns, each with a key frame and what was said."
    ),
    "intro": (
        "Clips of {count} lessons in which annotators marked pedagogical patterns, each with a key frame and what was said."
    ),
    "head_facts": "| Fact | Value |",
    "samples": "Samples",
    "lessons": "Lessons",
    "lessons_value": "{count} ({hours}, {rates} frames a second)",
    "marked": "Marked, overlaps counted",
    "patterns": "Patterns",
    "annotators": "Annotators",
    "speech": "Language of the speech",
    "licence": "Licence",
    "source": "Source",
    "unknown": "unknown",
    "head_patterns": "| Pattern | Samples | Duration | Description |",
    "meanings": "Labels and what they were read as",
    "meanings_how": "The pattern table does not have these labels of the annotations. The makers said what they mean.",
    "head_meanings": "| Label | Read as | Marks |",
    "left_out": "left out",
    "meanings_more": "Further labels in `report.json`: {count}.",
    "figure_patterns": "Samples and time by pattern",
    "figure_durations": "How long samples are",
    "figure_timeline": "Where in the lessons patterns were marked",
    "axis_samples": "samples",
    "axis_minutes": "minutes, overlaps counted",
    "axis_length": "length of a sample, seconds",
    "axis_lesson": "minutes of the lesson",
    "decimal_sign": ".",
    "structure": "Structure",
    "load": "path or repository",
    "head_columns": "| Column | Type | Meaning |",
    "plain_files": (
        "The Parquet files in `data/` hold all of it. `videos/`, `images/`, `texts/` and `metadata.jsonl` are the same "
        "as plain files."
    ),
    "splits": "Splits",
    "head_splits": "| Split | Samples | Duration |",
    "split_rule": "Lessons, and all lessons of a teacher, are never divided between splits.",
    "one_group": (
        "Everything is in train: there is one lesson, or one teacher only. Its moments overlap and its people are the "
        "same, so a part of it would be no honest test."
    ),
    "few_groups": "Nothing is in {splits}: there are only {count} groups of lessons, and none is divided.",
    "agreement": "Agreement of the annotators",
    "agreement_how": (
        "{count} annotators, compared on a grid of {step} s; intervals match from a temporal IoU of 0.5. Kappa is "
        "Cohen's, the mean over pairs; alpha is Krippendorff's, nominal."
    ),
    "head_agreement": "| Pattern | Kappa | Alpha | F1 |",
    "agreement_lessons": (
        "Compared in each lesson for itself, where it has several annotators (lessons: {told} of {count}). A row gives the "
        "mean over the lessons in which a figure is defined, in brackets the least and the most; nothing is pooled. Grid of "
        "{step} s; intervals match from a temporal IoU of 0.5. Kappa is Cohen's, the mean over pairs; alpha is "
        "Krippendorff's, nominal."
    ),
    "head_agreement_lessons": "| Pattern | Lessons | Kappa | Alpha | F1 |",
    "not_defined": "not defined",
    "made": "How it was made",
    "made_how": (
        "Annotators marked spans of the lesson. Marks of one annotator over the same span are one sample with several "
        "patterns; marks of different annotators stay apart. Clips hold the frames of the source inside the span, cut "
        "exactly."
    ),
    "hidden": (
        "Clips were copied without encoding: players show the span only, but files also keep pictures from before it, "
        "which an edit list hides."
    ),
    "no_transcript": "There is no transcript: the texts are empty.",
    "transcribed": (
        "Whole lessons were transcribed with {engines}; the text of a sample is the words whose middle lies in its span, "
        "`{no_speech}` when nothing was said. Words with a probability below {threshold} are marked as uncertain."
    ),
    "corrected": "The text was corrected by a person (segments corrected: {count}).",
    "listed": "`manifest.json` holds the checksums of all inputs and files, `report.json` what was left out.",
    "consent": "Consent and licence",
    "consent_public": "The people in the lesson, or those who answer for them, agreed that it is published.",
    "consent_withdrawn": "The people in the lesson took their consent back. Do not use it and do not pass it on.",
    "consent_internal": "The people in the lesson agreed to use inside the research group only. Do not pass it on.",
    "consent_unknown": "Nobody has recorded what the people in the lesson agreed to. Do not pass it on.",
    "embargo": "Nothing may be public before {date}.",
    "licence_is": "Licence: {licence}.",
    "limits": "Limits",
    "overlap": "Spans of a lesson may overlap, so a random split would put the same moments on both sides.",
    "dropped_one": "{count} mark or answer was left out; `report.json` gives the reason.",
    "dropped": "{count} marks or answers were left out; `report.json` gives the reasons.",
    "unmatched": "These labels are not in the pattern table and have no description: {labels}.",
    "people": "People can be seen and heard. Use it only as they, and the licence, allow.",
    "history": "Changes",
    "version_one": "Version {number}: {count} sample; {what}.",
    "version": "Version {number}: {count} samples; {what}.",
    "first_build": "first build",
    "no_change": "no sample changed",
    "other_input": "other {role}",
    "added": "added",
    "removed": "removed",
    "moved": "moved",
    "relabelled": "relabelled",
    "edited": "edited",
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "hours": "{hours} h {minutes} min",
    "type_video": "Video",
    "type_image": "Image",
    "type_text": "text",
    "type_number": "number",
    "type_list": "list",
    "column_video": "the clip",
    "column_image": "the key frame",
    "column_id": "`pattern_1`, `pattern_2`, ... in order of time",
    "column_source": "the recording the clip is from",
    "column_times": "the span in that recording, in seconds",
    "column_patterns": "`type` and `description` of each pattern marked",
    "column_answers": "`name` and `values` of what annotators answered about the span",
    "column_paths": "files in `images/`, `videos/`, `texts/`",
    "column_text": "what was said",
    "column_words": "each word with its times in the recording (and whether these were heard or shared out by letters), its "
    "probability, whether it is uncertain, and its speaker",
    "column_speakers": "who spoke, as far as the transcript says",
    "column_flags": "why the text is doubtful",
    "column_origin": "`none`, `recognized` by a program, or `corrected` by a person",
    "column_annotator": "a number, no name",
    "column_lesson": "the lesson's name",
    "column_teacher": "a code, no name; may be empty",
    "column_regions": "the regions in Label Studio",
    "column_split": "`train`, `validation` or `test`",
}

RU = {
    "code": "ru",
    "unnamed": "Педагогические паттерны",
    "intro_one": (
        "Клипы из {count} урока, в котором разметчики отметили педагогические паттерны; к каждому есть ключевой кадр и "
        "сказанный текст."
    ),
    "intro": (
        "Клипы из {count} уроков, в которых разметчики отметили педагогические паттерны; к каждому есть ключевой кадр и "
        "сказанный текст."
    ),
    "head_facts": "| Сведения | Значение |",
    "samples": "Примеры",
    "lessons": "Уроки",
    "lessons_value": "{count} ({hours}, кадров в секунду: {rates})",
    "marked": "Размечено, с учётом наложений",
    "patterns": "Паттерны",
    "annotators": "Разметчики",
    "speech": "Язык речи",
    "licence": "Лицензия",
    "source": "Источник",
    "unknown": "неизвестен",
    "head_patterns": "| Паттерн | Примеры | Длительность | Описание |",
    "meanings": "Метки и то, как они прочитаны",
    "meanings_how": "Этих меток разметки нет в таблице паттернов. Что они значат, указали авторы датасета.",
    "head_meanings": "| Метка | Прочитана как | Отметки |",
    "left_out": "не вошла",
    "meanings_more": "Остальные метки — в `report.json`: {count}.",
    "figure_patterns": "Примеры и время по паттернам",
    "figure_durations": "Какой длины примеры",
    "figure_timeline": "Где на уроках отмечены паттерны",
    "axis_samples": "примеры",
    "axis_minutes": "минуты, с учётом наложений",
    "axis_length": "длина примера, секунды",
    "axis_lesson": "минуты урока",
    "decimal_sign": ",",
    "structure": "Структура",
    "load": "путь или репозиторий",
    "head_columns": "| Столбец | Тип | Значение |",
    "plain_files": (
        "Файлы Parquet в `data/` содержат всё. `videos/`, `images/`, `texts/` и `metadata.jsonl` — то же самое обычными "
        "файлами."
    ),
    "splits": "Выборки",
    "head_splits": "| Выборка | Примеры | Длительность |",
    "split_rule": "Уроки и все уроки одного учителя никогда не делятся между выборками.",
    "one_group": (
        "Всё лежит в train: урок один или учитель один. Моменты урока пересекаются, и люди те же самые, поэтому часть "
        "его не была бы честной проверкой."
    ),
    "few_groups": "Пусто: {splits}. Групп уроков всего {count}, и ни одна не делится.",
    "agreement": "Согласие разметчиков",
    "agreement_how": (
        "Разметчиков: {count}; сравнение на сетке с шагом {step} с; интервалы совпадают при IoU по времени от 0,5. Каппа "
        "— Коэна, среднее по парам; альфа — Криппендорфа, номинальная."
    ),
    "head_agreement": "| Паттерн | Каппа | Альфа | F1 |",
    "agreement_lessons": (
        "Сравнение в каждом уроке отдельно, где разметчиков несколько (уроков: {told} из {count}). В строке — среднее по "
        "урокам, в которых показатель определён, в скобках наименьшее и наибольшее; отметки разных уроков не смешиваются. "
        "Шаг сетки {step} с; интервалы совпадают при IoU по времени от 0,5. Каппа — Коэна, среднее по парам; альфа — "
        "Криппендорфа, номинальная."
    ),
    "head_agreement_lessons": "| Паттерн | Уроки | Каппа | Альфа | F1 |",
    "not_defined": "не определено",
    "made": "Как это сделано",
    "made_how": (
        "Разметчики отмечали интервалы урока. Отметки одного разметчика на одном интервале — это один пример с "
        "несколькими паттернами; отметки разных разметчиков хранятся отдельно. В клипах ровно те кадры исходной "
        "записи, которые лежат внутри интервала."
    ),
    "hidden": (
        "Клипы скопированы без перекодирования: проигрыватели показывают только интервал, но в файлах остаются кадры "
        "до него, скрытые списком монтажа."
    ),
    "no_transcript": "Расшифровки нет: тексты пустые.",
    "transcribed": (
        "Уроки распознаны целиком программой {engines}; текст примера — слова, середина которых лежит в его интервале, "
        "`{no_speech}`, если ничего не сказано. Слова с вероятностью ниже {threshold} помечены как ненадёжные."
    ),
    "corrected": "Текст исправлен человеком (исправлено фрагментов: {count}).",
    "listed": "В `manifest.json` — контрольные суммы всех исходных данных и файлов, в `report.json` — то, что не вошло.",
    "consent": "Согласие и лицензия",
    "consent_public": "Участники урока или те, кто за них отвечает, согласились на публикацию.",
    "consent_withdrawn": "Участники урока отозвали согласие. Не используйте датасет и не передавайте его дальше.",
    "consent_internal": (
        "Участники урока согласились на использование только внутри исследовательской группы. Не передавайте другим."
    ),
    "consent_unknown": "Никто не записал, на что согласились участники урока. Не передавайте другим.",
    "embargo": "До {date} ничего нельзя делать общедоступным.",
    "licence_is": "Лицензия: {licence}.",
    "limits": "Ограничения",
    "overlap": "Интервалы урока могут пересекаться: при случайном делении одни и те же моменты попали бы в обе выборки.",
    "dropped_one": "Не вошло отметок или ответов: {count}; причины — в `report.json`.",
    "dropped": "Не вошло отметок или ответов: {count}; причины — в `report.json`.",
    "unmatched": "Этих меток нет в таблице паттернов, у них нет описания: {labels}.",
    "people": "Людей видно и слышно. Используйте данные только так, как разрешают они и лицензия.",
    "history": "Изменения",
    "version_one": "Версия {number}: примеров {count}; {what}.",
    "version": "Версия {number}: примеров {count}; {what}.",
    "first_build": "первая сборка",
    "no_change": "примеры не изменились",
    "other_input": "другой файл: {role}",
    "added": "добавлено",
    "removed": "удалено",
    "moved": "сдвинуто",
    "relabelled": "переразмечено",
    "edited": "исправлено",
    "seconds": "{seconds} с",
    "minutes": "{minutes} мин {seconds} с",
    "hours": "{hours} ч {minutes} мин",
    "type_video": "видео",
    "type_image": "изображение",
    "type_text": "текст",
    "type_number": "число",
    "type_list": "список",
    "column_video": "клип",
    "column_image": "ключевой кадр",
    "column_id": "`pattern_1`, `pattern_2`, … по времени",
    "column_source": "запись, из которой взят клип",
    "column_times": "интервал в этой записи, в секундах",
    "column_patterns": "`type` и `description` каждого отмеченного паттерна",
    "column_answers": "`name` и `values`: что разметчики ответили об интервале",
    "column_paths": "файлы в `images/`, `videos/`, `texts/`",
    "column_text": "что было сказано",
    "column_words": "каждое слово: время в записи (и не распределено ли оно по буквам), вероятность, ненадёжно ли слово, "
    "кто говорит",
    "column_speakers": "кто говорил, если это есть в расшифровке",
    "column_flags": "почему текст вызывает сомнения",
    "column_origin": "`none` — нет, `recognized` — распознан программой, `corrected` — исправлен человеком",
    "column_annotator": "номер, не имя",
    "column_lesson": "название урока",
    "column_teacher": "код, не имя; может быть пустым",
    "column_regions": "области в Label Studio",
    "column_split": "`train`, `validation` или `test`",
}

WORDS = {"en": EN, "ru": RU}
LANGUAGES = tuple(WORDS)


def counted(words: Mapping[str, str], name: str, count: int, **values: Any) -> str:
    """The sentence `name` in the form that the language has for so many."""
    is_one = count % 10 == 1 and count % 100 != 11 if words["code"] == "ru" else count == 1
    return words[f"{name}_one" if is_one else name].format(count=count, **values)
