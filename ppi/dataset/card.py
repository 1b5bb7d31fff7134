"""The dataset card: README.md with the YAML that loaders and the Hub read, and facts for people."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from ppi.dataset.card_words import LANGUAGES, WORDS, counted
from ppi.dataset.layout import SPLITS
from ppi.dataset.splits import group_of
from ppi.dataset.texts import NO_SPEECH, UNCERTAIN_BELOW
from ppi.errors import DatasetError, InputError
from ppi.notes import told
from ppi.records import Consent, Meaning

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
MAX_CELL_CHARACTERS = 500
MAX_OWN_CHARACTERS = 20_000
SHOWN_VERSIONS, SHOWN_MEANINGS = 20, 200
OWN_TEXT, END_OF_OWN_TEXT = "<!-- words of the makers -->", "<!-- end of the words of the makers -->"
FIGURE_TITLES = {
    "figures/patterns.png": "figure_patterns", "figures/durations.png": "figure_durations",
    "figures/timeline.png": "figure_timeline",
}  # fmt: skip
# (columns, type, meaning), the last two by their names in card_words.
COLUMNS = (
    ("`video`", "video", "video"), ("`image`", "image", "image"), ("`id`", "text", "id"),
    ("`source_video`", "text", "source"), ("`start_time`, `end_time`", "number", "times"),
    ("`patterns`", "list", "patterns"), ("`choices`, `comments`", "list", "answers"),
    ("`image_path`, `video_path`, `text_path`", "text", "paths"), ("`text`", "text", "text"), ("`words`", "list", "words"),
    ("`speakers`", "list", "speakers"), ("`text_flags`", "list", "flags"), ("`text_origin`", "text", "origin"),
    ("`annotator`", "text", "annotator"), ("`lesson`", "text", "lesson"), ("`teacher`", "text", "teacher"),
    ("`regions`", "list", "regions"), ("`split`", "text", "split"),
)  # fmt: skip
FIGURES_OF_AGREEMENT = ("kappa", "alpha", "f1")
# What report.json does not keep under "card": it may change, or stands there already.
NOT_KEPT = ("consent", "own_text", "language", "meanings")
_MARKDOWN = re.compile(r"([\\`*_\[\]()#~|!{}$])")
Row = dict[str, Any]
Words = Mapping[str, str]


@dataclass(frozen=True)
class Recording:
    """One lesson of the dataset. `language` is ISO 639-1 or ""."""

    lesson: str
    source_video: str
    duration_s: float
    frame_rate: float
    language: str = ""


@dataclass(frozen=True)
class CardFacts:
    """What a card says that rows do not know. `notes` are warnings for readers, `own_text` is Markdown of the makers.

    `has_empty_split` says that a split that was asked for got nothing. `corrected_segments` is None when no person corrected
    the text. `agreement` holds `annotators` (how many), `step_s` and `patterns`, each with its name and `kappa`, `alpha` and
    `f1`, None where not defined; of several lessons it holds `lessons`, such a mapping for each that can be compared.
    `meanings` are what people said that labels mean. The card is written in `language`.
    """

    pretty_name: str
    recordings: tuple[Recording, ...]
    consent: Consent = Consent()
    speech_engines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    dropped: int = 0
    has_empty_split: bool = False
    own_text: str = ""
    hides_pictures: bool = False
    corrected_segments: int | None = None
    agreement: Mapping[str, Any] | None = None
    meanings: tuple[Meaning, ...] = ()
    language: str = "en"


def kept(facts: CardFacts) -> dict[str, Any]:
    """The facts as report.json keeps them, without those that may change or stand beside them."""
    return {name: value for name, value in asdict(facts).items() if name not in NOT_KEPT}


def facts_of(told: Mapping[str, Any], consent: Consent, own_text: str, language: str) -> CardFacts:
    """The facts of a built dataset. Raises DatasetError when its report, of an earlier version of PPI, does not hold them."""
    try:
        given = {**told["card"], "recordings": tuple(Recording(**recording) for recording in told["card"]["recordings"])}
        lists = {name: tuple(given[name]) for name in ("speech_engines", "notes", "unmatched")}
        meanings = meanings_of(told)
        return CardFacts(**{**given, **lists}, meanings=meanings, consent=consent, own_text=own_text, language=language)
    except (KeyError, TypeError) as error:
        raise DatasetError("This card was made by an earlier version of PPI. Build the dataset again.") from error


def meanings_of(told: Mapping[str, Any]) -> tuple[Meaning, ...]:
    """What report.json says that labels were read as; reports of earlier versions of PPI say nothing."""
    return tuple(Meaning(**given) for given in told.get("meanings", ()))


def render(
    rows: Sequence[Row], facts: CardFacts, versions: Sequence[Mapping[str, Any]] = (), figures: Sequence[str] = ()
) -> str:
    """The whole README.md.

    Names, labels and descriptions are escaped: they cannot become markup. `own_text` is Markdown and stays it.
    """
    words = WORDS[facts.language]
    parts = (
        _front_matter(rows, facts),
        _intro(rows, facts, words),
        f"{OWN_TEXT}\n{_own(facts.own_text)}{END_OF_OWN_TEXT}",
        _patterns(rows, words),
        _meanings(facts.meanings, words),
        "\n\n".join(f"![{words[FIGURE_TITLES[path]]}]({path})" for path in figures),
        _structure(words),
        _splits(rows, facts, words),
        _agreement(facts, words),
        _made(facts, words),
        _licence(facts.consent, words),
        _limits(facts, words),
        _history(versions, words),
    )
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def own_text_of(card: str) -> str:
    """The makers' words in a card, "" when it has no place for them."""
    start, end = card.find(OWN_TEXT), card.find(END_OF_OWN_TEXT)
    return card[start + len(OWN_TEXT) : end].strip() if 0 <= start < end else ""


def checked_language(language: str) -> str:
    """The language of a card, as it was given. Raises InputError when cards are not written in it."""
    if language not in LANGUAGES:
        raise InputError(
            "Cards are written in {known}, not in {language}. Choose one of these.",
            known=", ".join(LANGUAGES), language=language[:20]
        )  # fmt: skip
    return language


def checked_own_text(text: str) -> str:
    """The makers' words as they go into a card. Raises InputError when they are too long."""
    if len(text) > MAX_OWN_CHARACTERS:
        raise InputError("The text of the card may have {most} characters at most. Shorten it.", most=MAX_OWN_CHARACTERS)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("<!--", "").replace("-->", "")
    return "".join(char for char in lines if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs")).strip()


def _own(text: str) -> str:
    return f"\n{text.strip()}\n\n" if text.strip() else ""


def escaped(text: str) -> str:
    """`text` on one line, with HTML and Markdown taken out of force."""
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in text)
    shown = " ".join(shown.split())
    if len(shown) > MAX_CELL_CHARACTERS:
        shown = shown[: MAX_CELL_CHARACTERS - 1] + "…"
    return _MARKDOWN.sub(r"\\\1", html.escape(shown, quote=False))


def _front_matter(rows: Sequence[Row], facts: CardFacts) -> str:
    import yaml

    size = next((name for limit, name in SIZES if len(rows) < limit), "100K<n<1M")
    languages = sorted({recording.language for recording in facts.recordings if recording.language})
    found = {row["split"] for row in rows}
    fields = {
        "pretty_name": " ".join(facts.pretty_name.split()) or "Pedagogical patterns",
        "license": facts.consent.license,
        **({"language": languages} if languages else {}),
        "task_categories": ["video-classification"],
        "size_categories": [size],
        "tags": ["video", "education", "pedagogy", "classroom", "pedagogical-patterns"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in SPLITS if split in found],
            },
        ],
    }
    return f"---\n{yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1000)}---\n"


def _intro(rows: Sequence[Row], facts: CardFacts, words: Words) -> str:
    lessons_s = sum(recording.duration_s for recording in facts.recordings)
    rates = "; ".join(dict.fromkeys(_decimal(f"{recording.frame_rate:.6g}", words) for recording in facts.recordings))
    lessons = words["lessons_value"].format(count=len(facts.recordings), hours=_hours(lessons_s, words), rates=rates)
    languages = ", ".join(sorted({recording.language or words["unknown"] for recording in facts.recordings}))
    sources = ", ".join(dict.fromkeys(escaped(recording.source_video) for recording in facts.recordings[:20]))
    told = {
        "samples": len(rows), "lessons": lessons, "marked": _hours(sum(_length_s(row) for row in rows), words),
        "patterns": len({pattern["type"] for row in rows for pattern in row["patterns"]}),
        "annotators": len({(row["annotator"]) for row in rows}), "speech": languages,
        "licence": escaped(facts.consent.license), "source": sources,
    }  # fmt: skip
    lines = [f"| {words[name]} | {value} |" for name, value in told.items()]
    title = f"# {escaped(facts.pretty_name) or words['unnamed']}"
    head = counted(words, "intro", len(facts.recordings))
    return "\n".join([title, "", head, "", words["head_facts"], "|---|---|", *lines, ""])


def _patterns(rows: Sequence[Row], words: Words) -> str:
    counts: dict[tuple[str, str], tuple[int, float]] = {}
    for row in rows:
        for pattern in row["patterns"]:
            key = pattern["type"], pattern["description"]
            count, duration_s = counts.get(key, (0, 0.0))
            counts[key] = count + 1, duration_s + _length_s(row)
    lines = [
        f"| {escaped(name)} | {count} | {_hours(duration_s, words)} | {escaped(description)} |"
        for (name, description), (count, duration_s) in sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    ]
    return "\n".join([f"## {words['patterns']}", "", words["head_patterns"], "|---|---|---|---|", *lines, ""])


def _meanings(meanings: Sequence[Meaning], words: Words) -> str:
    if not meanings:
        return ""
    lines = [
        f"| {escaped(given.label)} | {escaped(given.pattern) or words['left_out']} | {given.marks} |"
        for given in meanings[:SHOWN_MEANINGS]
    ]
    if (rest := len(meanings) - SHOWN_MEANINGS) > 0:
        lines += ["", words["meanings_more"].format(count=rest)]
    head = [f"## {words['meanings']}", "", words["meanings_how"], "", words["head_meanings"], "|---|---|---|"]
    return "\n".join([*head, *lines])


def _structure(words: Words) -> str:
    lines = [f"| {names} | {words[f'type_{kind}']} | {words[f'column_{about}']} |" for names, kind, about in COLUMNS]
    load = f'```python\nfrom datasets import load_dataset\n\nrows = load_dataset("{words["load"]}", split="train")\n```'
    head = [f"## {words['structure']}", "", load, "", words["head_columns"], "|---|---|---|"]
    return "\n".join([*head, *lines, "", words["plain_files"]])


def _splits(rows: Sequence[Row], facts: CardFacts, words: Words) -> str:
    counts = Counter(row["split"] for row in rows)
    lines = [
        f"| {split} | {counts[split]} | {_hours(sum(_length_s(row) for row in rows if row['split'] == split), words)} |"
        for split in SPLITS
    ]
    head = [f"## {words['splits']}", "", words["head_splits"], "|---|---|---|"]
    return "\n".join([*head, *lines, "", _split_rule(rows, facts, words)])


def _split_rule(rows: Sequence[Row], facts: CardFacts, words: Words) -> str:
    if not facts.has_empty_split:
        return words["split_rule"]
    groups = {group_of(row) for row in rows}
    empty = [split for split in SPLITS if split not in {row["split"] for row in rows}]
    return words["one_group" if len(groups) == 1 else "few_groups"].format(splits=", ".join(empty), count=len(groups))


def _agreement(facts: CardFacts, words: Words) -> str:
    found = facts.agreement
    if not found:
        return ""
    if "lessons" in found:
        return _agreement_of_lessons(found["lessons"], len(facts.recordings), words)
    lines = [
        f"| {escaped(entry['pattern'])} | {' | '.join(_figure(entry[name], words) for name in FIGURES_OF_AGREEMENT)} |"
        for entry in found["patterns"]
    ]
    how = words["agreement_how"].format(count=found["annotators"], step=_decimal(f"{found['step_s']:g}", words))
    return "\n".join([f"## {words['agreement']}", "", how, "", words["head_agreement"], "|---|---|---|---|", *lines])


def _agreement_of_lessons(lessons: Sequence[Mapping[str, Any]], count: int, words: Words) -> str:
    lines = []
    for pattern, entries in _by_pattern(lessons).items():
        defined = sum(any(entry[name] is not None for name in FIGURES_OF_AGREEMENT) for entry in entries)
        cells = " | ".join(_figures([entry[name] for entry in entries], words) for name in FIGURES_OF_AGREEMENT)
        lines.append(f"| {escaped(pattern)} | {defined} | {cells} |")
    steps = "; ".join(_decimal(f"{step_s:g}", words) for step_s in sorted({lesson["step_s"] for lesson in lessons}))
    how = words["agreement_lessons"].format(told=len(lessons), count=count, step=steps)
    head = [f"## {words['agreement']}", "", how, "", words["head_agreement_lessons"], "|---|---|---|---|---|"]
    return "\n".join([*head, *lines])


def mean_agreement(lessons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of every pattern the mean of each figure over the lessons in which it is defined, None where it is in none."""
    means = []
    for pattern, entries in _by_pattern(lessons).items():
        defined = {name: [entry[name] for entry in entries if entry[name] is not None] for name in FIGURES_OF_AGREEMENT}
        means.append({"pattern": pattern, **{name: fmean(values) if values else None for name, values in defined.items()}})
    return means


def _by_pattern(lessons: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """What lessons tell of their patterns, by its name."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in (entry for lesson in lessons for entry in lesson["patterns"]):
        found.setdefault(entry["pattern"], []).append(entry)
    return dict(sorted(found.items()))


def _figures(values: Sequence[float | None], words: Words) -> str:
    """The mean of those that are defined, with the least and the most when there are several."""
    defined = [value for value in values if value is not None]
    if len(defined) < 2:
        return _figure(defined[0] if defined else None, words)
    return _decimal(f"{fmean(defined):.2f} ({min(defined):.2f}–{max(defined):.2f})", words)


def _figure(value: float | None, words: Words) -> str:
    return words["not_defined"] if value is None else _decimal(f"{value:.2f}", words)


def _decimal(number: str, words: Words) -> str:
    """A number as it is written in the language of the card."""
    return number.replace(".", words["decimal_sign"])


def _made(facts: CardFacts, words: Words) -> str:
    told = [words["made_how"]]
    if facts.hides_pictures:
        told.append(words["hidden"])
    if facts.speech_engines:
        engines = escaped(", ".join(facts.speech_engines))
        threshold = _decimal(f"{UNCERTAIN_BELOW:g}", words)
        told.append(words["transcribed"].format(engines=engines, no_speech=NO_SPEECH, threshold=threshold))
    else:
        told.append(words["no_transcript"])
    if facts.corrected_segments is not None:
        told.append(words["corrected"].format(count=facts.corrected_segments))
    return "\n".join([f"## {words['made']}", "", " ".join([*told, words["listed"]])])


def _licence(consent: Consent, words: Words) -> str:
    told = [words[f"consent_{consent.state}"]]
    if consent.embargo_until:
        told.append(words["embargo"].format(date=consent.embargo_until))
    told.append(words["licence_is"].format(licence=escaped(consent.license)))
    return "\n".join([f"## {words['consent']}", "", " ".join(told)])


def _limits(facts: CardFacts, words: Words) -> str:
    lines = [words["overlap"]]
    if facts.dropped:
        lines.append(counted(words, "dropped", facts.dropped))
    if facts.unmatched:
        shown = ", ".join(escaped(label) for label in facts.unmatched[:20])
        lines.append(words["unmatched"].format(labels=shown))
    lines += [escaped(told(text, words["code"])) for text in facts.notes]
    lines.append(words["people"])
    return "\n".join([f"## {words['limits']}", "", *(f"- {line}" for line in lines), ""])


def _history(versions: Sequence[Mapping[str, Any]], words: Words) -> str:
    if not versions:
        return ""
    lines = []
    for version in list(reversed(versions))[:SHOWN_VERSIONS]:
        told = [f"{words[kind]} {count}" for kind, count in version["counts"].items()]
        told += [words["other_input"].format(role=role) for role in version["inputs"]]
        what = ", ".join(told) or (words["first_build"] if version["version"] == 1 else words["no_change"])
        shown = counted(words, "version", version["samples"], number=version["version"], what=what)
        lines.append(f"- {shown}")
    return "\n".join([f"## {words['history']}", "", *lines])


def _length_s(row: Row) -> float:
    return row["end_time"] - row["start_time"]


def _hours(duration_s: float, words: Words) -> str:
    whole = round(duration_s)
    if whole < 60:
        return words["seconds"].format(seconds=_decimal(f"{duration_s:.1f}", words))
    hours, rest = divmod(whole, 3600)
    if hours:
        return words["hours"].format(hours=hours, minutes=rest // 60)
    return words["minutes"].format(minutes=rest // 60, seconds=rest % 60)
