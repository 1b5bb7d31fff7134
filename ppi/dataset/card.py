"""The dataset card: README.md with the YAML that loaders and the Hub read, and facts for people."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ppi.dataset.layout import SPLITS
from ppi.records import Sample

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
MAX_CELL_CHARACTERS = 500
_MARKDOWN = re.compile(r"([\\`*_\[\]()#~|!{}$])")


@dataclass(frozen=True)
class CardFacts:
    """What a card says that samples do not know. `language` is ISO 639-1 or ""; `notes` are warnings for readers."""

    pretty_name: str
    source_video: str
    duration_s: float
    frame_rate: float
    language: str = ""
    license: str = "other"
    speech_engine: str = ""
    notes: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    dropped: int = 0


def render(samples: Sequence[Sample], facts: CardFacts) -> str:
    """The whole README.md. Text that people wrote is escaped: it cannot become markup."""
    parts = (
        _front_matter(samples, facts),
        _intro(samples, facts),
        _patterns(samples),
        _STRUCTURE,
        _made(facts),
        _limits(facts),
    )
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def escaped(text: str) -> str:
    """`text` on one line, with HTML and Markdown taken out of force."""
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in text)
    shown = " ".join(shown.split())
    if len(shown) > MAX_CELL_CHARACTERS:
        shown = shown[: MAX_CELL_CHARACTERS - 1] + "…"
    return _MARKDOWN.sub(r"\\\1", html.escape(shown, quote=False))


def _front_matter(samples: Sequence[Sample], facts: CardFacts) -> str:
    import yaml

    size = next((name for limit, name in SIZES if len(samples) < limit), "100K<n<1M")
    fields = {
        "pretty_name": " ".join(facts.pretty_name.split()) or "Pedagogical patterns",
        "license": facts.license,
        **({"language": [facts.language]} if facts.language else {}),
        "task_categories": ["video-classification"],
        "size_categories": [size],
        "tags": ["video", "education", "pedagogy", "classroom", "pedagogical-patterns"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in _splits(samples)],
            },
        ],
    }
    return f"---\n{yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1000)}---\n"


def _splits(samples: Sequence[Sample]) -> list[str]:
    found = {sample.split for sample in samples}
    return [split for split in SPLITS if split in found]


def _intro(samples: Sequence[Sample], facts: CardFacts) -> str:
    marked_s = sum(sample.span.duration_s for sample in samples)
    annotators = sorted({sample.annotator for sample in samples})
    return f"""
# {escaped(facts.pretty_name) or "Pedagogical patterns"}

Clips of one lesson in which annotators marked pedagogical patterns, each with a key frame and what was said.

| Fact | Value |
|---|---|
| Samples | {len(samples)} |
| Lesson | {_hours(facts.duration_s)} at {facts.frame_rate:.6g} frames a second |
| Marked, overlaps counted | {_hours(marked_s)} |
| Annotators | {len(annotators)} |
| Source | {escaped(facts.source_video)} |
"""


def _patterns(samples: Sequence[Sample]) -> str:
    counts: dict[tuple[str, str], tuple[int, float]] = {}
    for sample in samples:
        for pattern in sample.patterns:
            count, duration_s = counts.get((pattern.type, pattern.description), (0, 0.0))
            counts[pattern.type, pattern.description] = count + 1, duration_s + sample.span.duration_s
    lines = [
        f"| {escaped(name)} | {count} | {_hours(duration_s)} | {escaped(description)} |"
        for (name, description), (count, duration_s) in sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    ]
    head = ["", "## Patterns", "", "| Pattern | Samples | Duration | Description |", "|---|---|---|---|"]
    return "\n".join([*head, *lines, ""])


def _made(facts: CardFacts) -> str:
    texts = "There is no transcript: the texts are empty."
    if facts.speech_engine:
        texts = (
            f"The whole lesson was transcribed once with {escaped(facts.speech_engine)}; the text of a sample is the "
            "words whose middle lies in its span."
        )
    return f"""
## How it was made

Annotators marked spans of the lesson in Label Studio. Marks of one annotator over the same span are one sample with
several patterns; marks of different annotators stay apart. Clips hold the frames of the source inside the span, cut
exactly. {texts} `manifest.json` holds the checksums of all inputs and files, `report.json` what was left out.
"""


def _limits(facts: CardFacts) -> str:
    lines = ["One lesson: spans of its samples may overlap, so a random split would put the same moments on both sides."]
    if facts.dropped:
        lines.append(f"{facts.dropped} marks or answers were left out; `report.json` gives the reasons.")
    if facts.unmatched:
        shown = ", ".join(escaped(label) for label in facts.unmatched[:20])
        lines.append(f"These labels are not in the pattern table and have no description: {shown}.")
    lines += [escaped(note) for note in facts.notes]
    lines.append("People can be seen and heard. Use it only as they, and the licence, allow.")
    return "\n".join(["", "## Limits", "", *(f"- {line}" for line in lines), ""])


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
