"""The dataset card: README.md with the YAML that loaders and the Hub read, and facts for people."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppi.dataset.layout import SPLITS
from ppi.errors import DatasetError, InputError
from ppi.records import Consent

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
MAX_CELL_CHARACTERS = 500
MAX_OWN_CHARACTERS = 20_000
SHOWN_VERSIONS = 20
OWN_TEXT, END_OF_OWN_TEXT = "<!-- words of the makers -->", "<!-- end of the words of the makers -->"
FIGURE_TITLES = {
    "figures/patterns.png": "Samples and time by pattern", "figures/durations.png": "How long samples are",
    "figures/timeline.png": "Where in the lessons patterns were marked",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_\[\]()#~|!{}$])")
Row = dict[str, Any]


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
    """What a card says that rows do not know. `notes` are warnings for readers, `own_text` is Markdown of the makers."""

    pretty_name: str
    recordings: tuple[Recording, ...]
    consent: Consent = Consent()
    speech_engines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    dropped: int = 0
    split_note: str = ""
    own_text: str = ""
    hides_pictures: bool = False


def render(
    rows: Sequence[Row], facts: CardFacts, versions: Sequence[Mapping[str, Any]] = (), figures: Sequence[str] = ()
) -> str:
    """The whole README.md.

    Names, labels and descriptions are escaped: they cannot become markup. `own_text` is Markdown and stays it.
    """
    parts = (
        _front_matter(rows, facts),
        _intro(rows, facts),
        f"{OWN_TEXT}\n{_own(facts.own_text)}{END_OF_OWN_TEXT}",
        _patterns(rows),
        _figures(figures),
        _STRUCTURE,
        _splits(rows, facts),
        _made(facts),
        _licence(facts.consent),
        _limits(facts),
        _history(versions),
    )
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def with_own_text(card: str, text: str) -> str:
    """The card with other words of its makers. Raises DatasetError when it has no place for them."""
    start, end = card.find(OWN_TEXT), card.find(END_OF_OWN_TEXT)
    if not 0 <= start < end:
        raise DatasetError("The card of this dataset has no place for your text. Build the dataset again.")
    return f"{card[:start]}{OWN_TEXT}\n{_own(text)}{card[end:]}"


def checked_own_text(text: str) -> str:
    """The makers' words as they go into a card. Raises InputError when they are too long."""
    if len(text) > MAX_OWN_CHARACTERS:
        raise InputError("The text of the card may have {most} characters at most.", most=MAX_OWN_CHARACTERS)
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


def _intro(rows: Sequence[Row], facts: CardFacts) -> str:
    marked_s = sum(_length_s(row) for row in rows)
    lessons_s = sum(recording.duration_s for recording in facts.recordings)
    rates = ", ".join(dict.fromkeys(f"{recording.frame_rate:.6g}" for recording in facts.recordings))
    languages = ", ".join(sorted({recording.language or "unknown" for recording in facts.recordings}))
    sources = ", ".join(dict.fromkeys(escaped(recording.source_video) for recording in facts.recordings[:20]))
    of = "one lesson" if len(facts.recordings) == 1 else f"{len(facts.recordings)} lessons"
    return f"""
# {escaped(facts.pretty_name) or "Pedagogical patterns"}

Clips of {of} in which annotators marked pedagogical patterns, each with a key frame and what was said.

| Fact | Value |
|---|---|
| Samples | {len(rows)} |
| Lessons | {len(facts.recordings)}, {_hours(lessons_s)} at {rates} frames a second |
| Marked, overlaps counted | {_hours(marked_s)} |
| Patterns | {len({pattern["type"] for row in rows for pattern in row["patterns"]})} |
| Annotators | {len({(row["annotator"]) for row in rows})} |
| Language of the speech | {languages} |
| Licence | {escaped(facts.consent.license)} |
| Source | {sources} |
"""


def _patterns(rows: Sequence[Row]) -> str:
    counts: dict[tuple[str, str], tuple[int, float]] = {}
    for row in rows:
        for pattern in row["patterns"]:
            key = pattern["type"], pattern["description"]
            count, duration_s = counts.get(key, (0, 0.0))
            counts[key] = count + 1, duration_s + _length_s(row)
    lines = [
        f"| {escaped(name)} | {count} | {_hours(duration_s)} | {escaped(description)} |"
        for (name, description), (count, duration_s) in sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    ]
    head = ["", "## Patterns", "", "| Pattern | Samples | Duration | Description |", "|---|---|---|---|"]
    return "\n".join([*head, *lines, ""])


def _figures(figures: Sequence[str]) -> str:
    return "\n\n".join(f"![{FIGURE_TITLES[path]}]({path})" for path in figures)


def _splits(rows: Sequence[Row], facts: CardFacts) -> str:
    counts = Counter(row["split"] for row in rows)
    lines = [
        f"| {split} | {counts[split]} | {_hours(sum(_length_s(row) for row in rows if row['split'] == split))} |"
        for split in SPLITS
    ]
    rule = "Lessons, and all lessons of a teacher, are never divided between splits."
    return "\n".join(["## Splits", "", "| Split | Samples | Duration |", "|---|---|---|", *lines, "", facts.split_note or rule])


def _made(facts: CardFacts) -> str:
    texts = "There is no transcript: the texts are empty."
    if facts.speech_engines:
        texts = (
            f"Whole lessons were transcribed with {escaped(', '.join(facts.speech_engines))}; the text of a sample is the "
            "words whose middle lies in its span."
        )
    return f"""
## How it was made

Annotators marked spans of the lesson in Label Studio. Marks of one annotator over the same span are one sample with
several patterns; marks of different annotators stay apart. Clips hold the frames of the source inside the span, cut
exactly. {_clips(facts)}{texts} `manifest.json` holds the checksums of all inputs and files, `report.json` what was left out.
"""


def _clips(facts: CardFacts) -> str:
    if not facts.hides_pictures:
        return ""
    return (
        "Clips were copied without encoding: players show the span only, but files also keep pictures from before it, "
        "which an edit list hides. "
    )


def _licence(consent: Consent) -> str:
    agreed = {
        "public": "The people in the lesson, or those who answer for them, agreed that it is published.",
        "internal": "The people in the lesson agreed to use inside the research group only. Do not pass it on.",
    }.get(consent.state, "Nobody has recorded what the people in the lesson agreed to. Do not pass it on.")
    until = f" Nothing may be public before {consent.embargo_until}." if consent.embargo_until else ""
    return f"## Consent and licence\n\n{agreed}{until} Licence: {escaped(consent.license)}."


def _limits(facts: CardFacts) -> str:
    lines = ["Spans of a lesson may overlap, so a random split would put the same moments on both sides."]
    if facts.dropped:
        lines.append(f"{facts.dropped} marks or answers were left out; `report.json` gives the reasons.")
    if facts.unmatched:
        shown = ", ".join(escaped(label) for label in facts.unmatched[:20])
        lines.append(f"These labels are not in the pattern table and have no description: {shown}.")
    lines += [escaped(note) for note in facts.notes]
    lines.append("People can be seen and heard. Use it only as they, and the licence, allow.")
    return "\n".join(["", "## Limits", "", *(f"- {line}" for line in lines), ""])


def _history(versions: Sequence[Mapping[str, Any]]) -> str:
    if not versions:
        return ""
    lines = []
    for version in list(reversed(versions))[:SHOWN_VERSIONS]:
        told = [f"{kind} {count}" for kind, count in version["counts"].items()]
        told += [f"other {role}" for role in version["inputs"]]
        what = ", ".join(told) or ("first build" if version["version"] == 1 else "no sample changed")
        lines.append(f"- Version {version['version']}: {version['samples']} samples; {what}.")
    return "\n".join(["## Changes", "", *lines])


def _length_s(row: Row) -> float:
    return row["end_time"] - row["start_time"]


def _hours(duration_s: float) -> str:
    whole = round(duration_s)
    if whole < 60:
        return f"{duration_s:.1f} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


_STRUCTURE = """
## Structure

```python
from datasets import load_dataset

rows = load_dataset("path or repository", split="train")
```

| Column | Type | Meaning |
|---|---|---|
| `video` | Video | the clip |
| `image` | Image | the key frame |
| `id` | text | `pattern_1`, `pattern_2`, ... in order of time |
| `source_video` | text | the recording the clip is from |
| `start_time`, `end_time` | number | the span in that recording, in seconds |
| `patterns` | list | `type` and `description` of each pattern marked |
| `choices`, `comments` | list | `name` and `values` of what annotators answered about the span |
| `image_path`, `video_path`, `text_path` | text | files in `images/`, `videos/`, `texts/` |
| `text` | text | what was said |
| `annotator` | text | a number, no name |
| `lesson` | text | the lesson's name |
| `teacher` | text | a code, no name; may be empty |
| `regions` | list | the regions in Label Studio |
| `split` | text | `train`, `validation` or `test` |

The Parquet files in `data/` hold all of it. `videos/`, `images/`, `texts/` and `metadata.jsonl` are the same as plain files.
"""
