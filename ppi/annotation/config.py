"""The labelling configuration: what Label Studio shows annotators, made of the pattern table.

Tags and attributes are those of Label Studio 1.23 (https://labelstud.io/tags/). Names and hints of the table are text of
strangers: they get into the XML only as values that a library writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from ppi import palette
from ppi.annotation.label_studio import shown_rate
from ppi.annotation.patterns import folded
from ppi.errors import AnnotationError, InputError
from ppi.records import Pattern

VARIANTS = ("audio", "boxes", "speech_acts")
MAX_LABELS, MAX_NAME_CHARACTERS, MAX_HINT_CHARACTERS = 300, 200, 500
# Single keys that Label Studio gives labels by itself; r, u and h are its own.
HOTKEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
ROLES = ("teacher", "student", "")
FRAME_RATE_OF_TASK, MAX_FRAME_RATE = "$fps", 300
# What XML 1.0 cannot hold, and what makes text run backwards. Labels are matched as if control characters were spaces.
_CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f]")
_UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
# Label Studio takes $word for a field of the task. Something invisible between them, which labels are matched without,
# keeps the text as it is.
_VARIABLE = re.compile(r"\$(?=[\w\[{])")
_KEPT_DOLLAR = "$\u2060"

_TEACHER_OR_STUDENT = (("teacher", "Педагог", "Teacher"), ("student", "Ученик", "Student"), ("group", "Группа", "Group"))
# Searle's classes (1976), with questions, the directive of classrooms, apart.
_SPEECH_ACTS = (
    ("assertive", "Утверждение", "Assertive"), ("question", "Вопрос", "Question"), ("directive", "Побуждение", "Directive"),
    ("commissive", "Обязательство", "Commissive"), ("expressive", "Экспрессив", "Expressive"),
    ("declaration", "Декларация", "Declaration"),
)  # fmt: skip
_MODALITIES = (
    ("verbal", "Речь", "Speech"), ("prosody", "Интонация", "Prosody"), ("gesture", "Жест", "Gesture"),
    ("facial", "Мимика", "Facial expression"), ("gaze", "Взгляд", "Gaze"), ("movement", "Движение и поза", "Movement, posture"),
    ("object", "Предмет или доска", "Object, board"),
)  # fmt: skip
_SIGNIFICANCE = (("low", "Низкая", "Low"), ("medium", "Средняя", "Medium"), ("high", "Высокая", "High"))
_WORDS = {
    "patterns": ("Педагогические паттерны", "Pedagogical patterns"), "teacher": ("Педагог", "Teacher"),
    "student": ("Ученик", "Student"), "": ("Без указания роли", "Any role"), "initiator": ("Кто начинает", "Initiator"),
    "speech_act": ("Речевой акт", "Speech act"), "modality": ("Модальность общения", "Communicative modality"),
    "subcategory": ("Подкатегория", "Subcategory"), "description": ("Описание: что происходит?", "Description: what happens?"),
    "significance": ("Значимость", "Significance"),
}  # fmt: skip


@dataclass(frozen=True)
class Label:
    """One label as annotators see it. `role` is "teacher", "student" or ""; `hotkey` is "" when the keys have run out."""

    value: str
    role: str
    hint: str
    colour: str
    hotkey: str


def labels(patterns: Sequence[Pattern]) -> tuple[Label, ...]:
    """The labels that the patterns become, in the order of the configuration: by role, then as in the table.

    Raises AnnotationError when there are too many, or a name cannot be shown on a button.
    """
    if len(patterns) > MAX_LABELS:
        raise AnnotationError(
            "The pattern table has {count} patterns; Label Studio shows at most {limit} well. Split the table.",
            count=len(patterns), limit=MAX_LABELS,
        )  # fmt: skip
    keys = [*HOTKEYS, *[""] * MAX_LABELS]
    return tuple(
        Label(_name(pattern), _role(pattern), _fit(pattern.description)[:MAX_HINT_CHARACTERS], palette.colour(number), key)
        for (number, pattern), key in zip(enumerate(in_order(patterns)), keys, strict=False)
    )


def in_order(patterns: Iterable[Pattern]) -> list[Pattern]:
    """As annotators see them: by role, then as in the table. A pattern's place is the number of its colour."""
    return sorted(patterns, key=lambda pattern: ROLES.index(_role(pattern)))


def labelling_config(patterns: Sequence[Pattern], variant: str, frame_rate: float | None = None) -> str:
    """The configuration as XML, for Settings, Labeling Interface, Code. It reads `$video`, `$audio` and `$fps` of the task.

    `variant`: "audio" marks patterns on the sound, "boxes" draws rectangles on the picture, "speech_acts" asks besides
    for initiator, speech act, modality, subcategory, description and significance of each region. With `frame_rate` the
    rate is written into the configuration, for tasks without `fps`. `label_studio.parse` reads back what is marked with it.
    Its words are Russian when the table has Cyrillic letters, and English otherwise; answers that PPI offers are exported
    as the English words in lower case. Raises AnnotationError, and InputError for an unknown variant or rate.
    """
    if variant not in VARIANTS:
        raise InputError("There is no variant {name}. Choose audio, boxes or speech_acts.", name=variant[:40])
    if frame_rate is not None and not 1 <= frame_rate <= MAX_FRAME_RATE:
        raise InputError("The frame rate must lie between 1 and {limit}.", limit=MAX_FRAME_RATE)
    return _Config(patterns, variant).xml(FRAME_RATE_OF_TASK if frame_rate is None else str(shown_rate(frame_rate)))


def _role(pattern: Pattern) -> str:
    return folded(pattern.type)[0]


class _Config:
    def __init__(self, patterns: Sequence[Pattern], variant: str):
        self._patterns, self._variant = patterns, variant
        self._labels = labels(patterns)
        self._language = 0 if any(_CYRILLIC.search(label.value) for label in self._labels) else 1
        self._target = "video" if variant == "boxes" else "audio"
        self._root = ElementTree.Element("View")

    def xml(self, frame_rate: str) -> str:
        self._add("Header", value=self._word("patterns"))
        height = "600" if self._variant == "boxes" else "360"  # the waveform and the questions should fit below
        self._add(
            "Video", name="video", value="$video", sync="lesson", frameRate=frame_rate, muted="true", height=height
        )  # fmt: skip
        self._add_labels()
        if self._variant == "boxes":
            self._add("VideoRectangle", name="box", toName="video")
        self._add("Audio", name="audio", value="$audio", sync="lesson", height="100")
        if self._variant == "speech_acts":
            self._ask_about_acts()
        self._ask("description")
        if self._variant == "speech_acts":
            self._offer("significance", _SIGNIFICANCE)
        ElementTree.indent(self._root)
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"

    def _add_labels(self) -> None:
        control = self._add("Labels", name="patterns", toName=self._target, choice="multiple")
        roles = list(dict.fromkeys(label.role for label in self._labels))
        for role in roles:
            if roles != [""]:
                ElementTree.SubElement(control, "Header", value=self._word(role), size="5")
            for label in self._labels:
                if label.role == role:
                    given = {"value": label.value, "background": label.colour, "hotkey": label.hotkey, "hint": label.hint}
                    ElementTree.SubElement(control, "Label", {name: text for name, text in given.items() if text})

    def _ask_about_acts(self) -> None:
        self._offer("initiator", _TEACHER_OR_STUDENT)
        self._offer("speech_act", _SPEECH_ACTS)
        self._offer("modality", _MODALITIES, "multiple")
        known = dict.fromkeys(_fit(name) for pattern in self._patterns for name in pattern.subcategories)
        if known:
            self._offer("subcategory", [("", name, name) for name in known if name], "multiple")
        else:
            self._ask("subcategory")

    def _offer(self, name: str, offered: Sequence[tuple[str, str, str]], choice: str = "single") -> None:
        """Answers to choose from, as (what is exported, Russian, English); "" exports the words."""
        self._add("Header", value=self._word(name), size="5")
        control = self._add("Choices", name=name, toName=self._target, perRegion="true", choice=choice, showInline="true")
        for alias, *words in offered:
            given = {"value": words[self._language], "alias": alias}
            ElementTree.SubElement(control, "Choice", {key: text for key, text in given.items() if text})

    def _ask(self, name: str) -> None:
        self._add(
            "TextArea", name=name, toName=self._target, perRegion="true", maxSubmissions="1", editable="true",
            placeholder=self._word(name),
        )  # fmt: skip

    def _word(self, name: str) -> str:
        return _WORDS[name][self._language]

    def _add(self, tag: str, **attributes: str) -> ElementTree.Element:
        return ElementTree.SubElement(self._root, tag, attributes)


def _name(pattern: Pattern) -> str:
    name = _fit(pattern.type)
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise AnnotationError(
            "The name of the pattern {name} cannot stand on a button: it needs 1 to {limit} visible characters. Correct "
            "it in the table.",
            name=repr(pattern.type[:40]), limit=MAX_NAME_CHARACTERS,
        )  # fmt: skip
    return name


def _fit(text: str) -> str:
    """On one line, of what XML can hold, and with nothing in it that Label Studio would replace."""
    return _VARIABLE.sub(lambda found: _KEPT_DOLLAR, " ".join(_UNFIT.sub("", _CONTROL.sub(" ", text)).split()))
