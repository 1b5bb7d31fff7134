"""The vocabulary as frozen records: what rooms hand to each other.

Times are seconds from the start of the recording as a player shows it; frames of Label Studio are 1-based.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True, order=True)
class Span:
    """The half-open interval [start_s, end_s)."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def holds(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s


@dataclass(frozen=True)
class Word:
    """One spoken word; `probability` is 0..1, or None when the engine gives none.

    `interpolated` says that nobody heard when it was said: it shares a time with its neighbours by their letters. `checked`
    says that a person has listened and found it right. `unaligned` says that an aligner looked for it and did not find it, so
    that its time is the recogniser's, while others were found more exactly.
    """

    text: str
    start_s: float
    end_s: float
    probability: float | None = None
    interpolated: bool = False
    checked: bool = False
    unaligned: bool = False

    @property
    def midpoint_s(self) -> float:
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True)
class Segment:
    """A stretch of speech with its words, in order of time.

    `speaker` is a name or a code, or "" when nobody knows who spoke; `language` as in Transcript, "" when it is that of the
    whole. `flags` are short stable words that say why the text is doubtful, such as "low_confidence". `checked` says that a
    person has listened to all of it and found it right, `speaker_given` that a person said who speaks, or that nobody knows.
    """

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    flags: tuple[str, ...] = ()
    checked: bool = False
    speaker_given: bool = False


@dataclass(frozen=True)
class Transcript:
    """What was said in one recording.

    `language` is an ISO 639-1 code ("ru"), or "" when nothing was said. `notes` are warnings for readers,
    such as that the engine is a rough one. `edited` says that a person corrected the text, in `edited_segments` segments.
    `hearing` says how it was heard: device, compute type, phrases given, aligner, and the thresholds of its flags.
    """

    segments: tuple[Segment, ...]
    language: str
    engine: str
    model: str
    duration_s: float
    notes: tuple[str, ...] = ()
    edited: bool = False
    edited_segments: int = 0
    hearing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join(segment.text.strip() for segment in self.segments if segment.text.strip())

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    def words_within(self, span: Span) -> tuple[Word, ...]:
        """The words whose midpoint lies in `span`."""
        return tuple(word for word in self.words if span.holds(word.midpoint_s))


@dataclass(frozen=True)
class KeyPoint:
    """One point of a summary. `cites` are the stretches of the recording that it comes from, at least one, in order.

    `kind` is "abstract", "point", "question", "decision" or "homework". `is_verified` is False when its words were not found
    in what was said there.
    """

    text: str
    cites: tuple[Span, ...]
    kind: str = "point"
    is_verified: bool = True

    @property
    def time_s(self) -> float:
        return self.cites[0].start_s


@dataclass(frozen=True)
class SummarySection:
    """A stretch of the lesson, what it is about, and its points. `is_verified` speaks of the title."""

    title: str
    span: Span
    points: tuple[KeyPoint, ...]
    is_verified: bool = True


@dataclass(frozen=True)
class Summary:
    """What a lesson was about. `engine` is "extractive", "transformers" or "chat"; `language` is that of its text.

    `points` of all kinds stand in order of time within a kind. `prompts` is the version of what a chat model was told, ""
    without one. `missed` are stretches for which the model gave nothing that could be used. `is_checked` is False when
    the points could not be compared with what was said, because they are in another language.
    """

    language: str
    engine: str
    model: str
    points: tuple[KeyPoint, ...]
    sections: tuple[SummarySection, ...]
    prompts: str = ""
    missed: tuple[Span, ...] = ()
    is_checked: bool = True

    @property
    def key_points(self) -> tuple[KeyPoint, ...]:
        return self.of_kind("point")

    def of_kind(self, kind: str) -> tuple[KeyPoint, ...]:
        return tuple(point for point in self.points if point.kind == kind)


@dataclass(frozen=True)
class LessonFacts:
    """What a document says about the lesson itself. `recorded_on` is an ISO date or "".

    `player` is the address of a page that plays the recording from `?t=` seconds, or "".
    """

    name: str
    source_video: str
    duration_s: float
    recorded_on: str = ""
    player: str = ""


@dataclass(frozen=True)
class VideoTrack:
    """The first video stream. `frame_rate` is the mean in frames per second; sizes are before rotation."""

    codec: str
    width_px: int
    height_px: int
    frame_rate: float
    is_variable_rate: bool
    rotation_deg: int = 0
    pixel_format: str = ""


@dataclass(frozen=True)
class AudioTrack:
    """One audio stream."""

    codec: str
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True)
class MediaInfo:
    """What a recording holds. `start_s` is the container's first time stamp, which players count as zero.

    `picture_s` and `sound_s` are how far the first tracks of each reach from there, 0 when that is not known.
    """

    container: str
    duration_s: float
    start_s: float
    size_bytes: int
    video: VideoTrack | None
    audio: tuple[AudioTrack, ...]
    picture_s: float = 0.0
    sound_s: float = 0.0


@dataclass(frozen=True)
class TrackPoint:
    """One drawn box of a video rectangle: `x y width height` in percent of the frame (0..100)."""

    frame: int
    x_pct: float
    y_pct: float
    width_pct: float
    height_pct: float
    rotation_deg: float
    is_enabled: bool


@dataclass(frozen=True)
class Region:
    """One thing an annotator marked: a span with labels and what was answered about it.

    `kind` is "audio" (labels), "timeline" (timelinelabels) or "box" (videorectangle), or "mark" in files of other
    tools; `choices` and `texts` map the control's name to the answers.
    """

    id: str
    kind: str
    span: Span
    labels: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    track: tuple[TrackPoint, ...] = ()


@dataclass(frozen=True)
class Consent:
    """What the people in a lesson agreed to. `state` is "unknown", "internal" or "public".

    `license` is a name that the Hub knows; before `embargo_until`, an ISO date or "", nothing may be public; `teacher` is
    a code, no name.
    """

    state: str = "unknown"
    license: str = "other"
    embargo_until: str = ""
    teacher: str = ""

    def is_under_embargo(self, today: date) -> bool:
        return bool(self.embargo_until) and today < date.fromisoformat(self.embargo_until)


@dataclass(frozen=True)
class Dropped:
    """Something that was left out, and why. `reason` is a stable word listed in docs/benchmarks_creating.md."""

    where: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Meaning:
    """What a person chose that a label means: the name of a pattern in the table, "" for "left out". `marks` carry it."""

    label: str
    pattern: str
    marks: int


@dataclass(frozen=True)
class Annotation:
    """One annotator's finished work on one task."""

    id: str
    task_id: str
    annotator: str
    source_video: str
    lesson_id: str
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class Export:
    """What a file of annotations holds. `dropped` names everything that was left out; `tasks` counts all tasks."""

    annotations: tuple[Annotation, ...]
    dropped: tuple[Dropped, ...]
    tasks: int


@dataclass(frozen=True)
class Pattern:
    """One row of the codebook. `type` is the pattern's name; `subcategories` are what its table offers to choose from."""

    type: str
    description: str
    subcategories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One row of the dataset before its files are cut.

    `choices` and `comments` map a control's name to what was answered about the regions; `teacher` is a code, no name.
    """

    id: str
    span: Span
    patterns: tuple[Pattern, ...]
    annotator: str
    lesson: str
    source_video: str
    split: str
    region_ids: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    teacher: str = ""


@dataclass(frozen=True)
class Clip:
    """A cut file that was checked: it shows `frame_count` frames, the source's frames inside `span`.

    `mode` is how it was made: "smart" (encoded up to a key frame, copied from there), "encoded" as a whole, or "copied"
    with what lies around hidden in it; `reason` why not in the cheapest way that was asked for. `sound_offset_s` is how
    much too late the sound was found to be, None when there was nothing to compare. `key_frame` says why that picture.
    """

    span: Span
    path: str
    key_frame_path: str
    frame_count: int
    first_frame_s: float
    key_frame_s: float
    last_frame_s: float = 0.0
    mode: str = "encoded"
    reason: str = ""
    sound_offset_s: float | None = None
    key_frame: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object. `metadata` has lower-case keys without the `x-amz-meta-` prefix, values decoded."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    last_modified_s: float
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stated:
    """One setting as it is in force. `source` is default, file (`.env`) or environment; `default` is what holds without it.

    Of secrets `value` holds nothing: only whether they are set is told.
    """

    name: str
    value: str
    source: str
    default: str = ""
    is_secret: bool = False

    @property
    def is_set(self) -> bool:
        return self.source != "default"


def model_name(model: str) -> str:
    """A model as people are told of it: a size or repository as it is, of a folder only its name, as its place is private."""
    return PurePath(model).name if model.startswith(("/", "~", ".")) else model
