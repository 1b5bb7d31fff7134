"""Who said what: turns of speakers laid over a transcript, and the names that people give to speakers. Pure.

A turn is a stretch in which one person speaks; a word belongs to the turn that covers most of it. A segment in which several
people speak is split where the speaker changes: so each has one speaker, and everything made of segments says the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word

# Nobody's turn: a word so near to one belongs to it. Recognisers place words less exactly than voices are told apart.
NEAR_S = 1.0
# Less than this between two stretches of another speaker is a slip, not a turn.
SHORTEST_S = 0.25
MAX_NAME = 60
# Names that nobody gave.
NUMBERED = {"ru": "Говорящий {number}", "": "Speaker {number}"}
_NUMBERED = re.compile(r"(?:Говорящий|Speaker) \d+")


@dataclass(frozen=True)
class Turn:
    """`speaker` counts from 0, in any order; turns may overlap."""

    start_s: float
    end_s: float
    speaker: int


def tell(transcript: Transcript, turns: Sequence[Turn]) -> Transcript:
    """The transcript with a speaker on every segment near a turn; what was said and when stays as it is.

    Speakers are numbered as they first appear. A name that a person gave before goes on to the voice that says most of what
    it said, and stays where nobody's turn is near. A segment whose speaker a person gave keeps that one and is not split.
    """
    ordered = sorted(turns, key=lambda turn: turn.start_s)
    parts = [part for segment in transcript.segments for part in _parts(segment, ordered)]
    names = _names(parts, transcript.language)

    def named(segment: Segment, speaker: int | None) -> Segment:
        if segment.speaker_given:
            return segment
        return replace(segment, speaker=names[speaker] if speaker in names else _given(segment.speaker))

    return replace(transcript, segments=tuple(named(*part) for part in parts))


def give(transcript: Transcript, number: int, speaker: str, size: int = 1) -> Transcript:
    """The transcript once a person has said who speaks in `size` segments from `number` (from 0) on; "" when nobody knows.

    Raises InputError.
    """
    if not 0 <= number < len(transcript.segments):
        raise InputError("This transcript has no segment {number}. Reload the page.", number=number + 1)
    given = _clean(speaker) if speaker.strip() else ""
    before, behind = transcript.segments[:number], transcript.segments[number + size :]
    told = (replace(segment, speaker=given, speaker_given=True) for segment in transcript.segments[number : number + size])
    return replace(transcript, segments=(*before, *told, *behind))


def run_of(transcript: Transcript, number: int) -> int:
    """How many segments from `number` (from 0) on have the same speaker."""
    behind = transcript.segments[number:]
    return next((size for size, segment in enumerate(behind) if segment.speaker != behind[0].speaker), len(behind))


def shares(transcript: Transcript) -> dict[str, float]:
    """Seconds of speech by speaker, in the order in which they first appear; segments without a speaker count for nobody."""
    found: Counter[str] = Counter()
    for segment in transcript.segments:
        if segment.speaker and segment.text.strip():
            found[segment.speaker] += max(segment.end_s - segment.start_s, 0.0)
    return dict(found)


def rename(transcript: Transcript, speaker: str, name: str) -> Transcript:
    """Give a speaker another name; the name of another speaker makes one of the two. Raises InputError."""
    name = _clean(name)
    if speaker not in shares(transcript):
        raise InputError("Nobody is called {speaker} in this transcript. Reload the page.", speaker=speaker[:MAX_NAME])
    segments = (
        replace(segment, speaker=name) if segment.speaker == speaker else segment for segment in transcript.segments
    )
    return replace(transcript, segments=tuple(segments))


def _clean(name: str) -> str:
    """Raises InputError."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InputError("A speaker's name has 1 to {limit} characters. Give another one.", limit=MAX_NAME)
    return name


def _parts(segment: Segment, turns: Sequence[Turn]) -> Iterator[tuple[Segment, int | None]]:
    """(segment of one speaker, who) in order: the segment itself, or what it is split into."""
    near = [turn for turn in turns if turn.start_s < segment.end_s + NEAR_S and turn.end_s > segment.start_s - NEAR_S]
    runs = _runs(segment.words, near)
    cuts = _cuts(segment, [len(run) for run, _ in runs])
    if segment.speaker_given or len(runs) < 2 or cuts is None:
        yield segment, _most(segment.words or [segment], near)
        return
    since_s = segment.start_s
    for number, ((words, speaker), (begin, end)) in enumerate(zip(runs, cuts, strict=True)):
        is_last = number == len(runs) - 1
        until_s = segment.end_s if is_last else runs[number + 1][0][0].start_s
        yield replace(
            segment, start_s=since_s, end_s=until_s if is_last else max(min(words[-1].end_s, until_s), since_s),
            text=segment.text[begin:end].strip(), words=tuple(words),
        ), speaker  # fmt: skip
        since_s = until_s


def _runs(words: Sequence[Word], turns: Sequence[Turn]) -> list[tuple[list[Word], int | None]]:
    """Words that follow each other and have one speaker; slips, and words of nobody, belong to the run before."""
    told: list[tuple[list[Word], int | None]] = []
    for speaker, found in groupby(words, key=lambda word: _speaker_at(word.start_s, word.end_s, turns)):
        run = list(found)
        is_slip = speaker is None or run[-1].end_s - run[0].start_s < SHORTEST_S
        if told and (is_slip or speaker == told[-1][1]):
            told[-1][0].extend(run)
        elif told and told[-1][1] is None:
            told[-1] = (told[-1][0] + run, speaker)
        else:
            told.append((run, speaker))
    return told


def _cuts(segment: Segment, counts: list[int]) -> list[tuple[int, int]] | None:
    """Where in the segment's text each run of so many words stands; None when a word is not found in the text."""
    begins, place = [], 0
    for word in segment.words:
        found = segment.text.find(word.text.strip(), place)
        if found < 0:
            return None
        begins.append(found)
        place = found + len(word.text.strip())
    firsts = [sum(counts[:number]) for number in range(len(counts))]
    edges = [0, *(begins[first] for first in firsts[1:]), len(segment.text)]
    return list(zip(edges, edges[1:], strict=False))


def _most(spoken: Sequence[Word | Segment], turns: Sequence[Turn]) -> int | None:
    """Who speaks most of it."""
    times_s: Counter[int] = Counter()
    for one in spoken:
        speaker = _speaker_at(one.start_s, one.end_s, turns)
        if speaker is not None:
            times_s[speaker] += max(one.end_s - one.start_s, 0.001)
    return times_s.most_common(1)[0][0] if times_s else None


def _speaker_at(start_s: float, end_s: float, turns: Sequence[Turn]) -> int | None:
    """Who speaks longest in this stretch, else who speaks nearest to it; None when nobody is near."""

    def closeness(turn: Turn) -> float:
        return min(end_s, turn.end_s) - max(start_s, turn.start_s)

    nearest = max(turns, key=closeness, default=None)
    return nearest.speaker if nearest is not None and closeness(nearest) > -NEAR_S else None


def _given(name: str) -> str:
    """The name when a person gave it, else ""."""
    return "" if _NUMBERED.fullmatch(name) else name


def _names(parts: Sequence[tuple[Segment, int | None]], language: str) -> dict[int | None, str]:
    """Name by speaker. Names that stay because a person gave them to a segment are nobody else's."""
    before: dict[int, Counter[str]] = {}
    for segment, speaker in parts:
        if speaker is not None and segment.text.strip():
            before.setdefault(speaker, Counter())[segment.speaker] += max(segment.end_s - segment.start_s, 0.001)
    taken = {segment.speaker for segment, _ in parts if segment.speaker_given}
    given = _kept(before, taken)
    pattern = NUMBERED.get(language, NUMBERED[""])
    numbered = (pattern.format(number=number) for number in count(1))
    free = (name for name in numbered if name not in taken)
    names: dict[int | None, str] = {}
    for speaker in before:
        kept = given.get(speaker, "")
        fresh = "" if _NUMBERED.fullmatch(kept) else next(free)  # who has a name of their own is counted, too
        names[speaker] = kept or fresh
    return names


def _kept(before: dict[int, Counter[str]], taken: set[str]) -> dict[int, str]:
    """Names that people gave and that stay: each with the speaker who says most of what that name said."""
    found: dict[int, str] = {}
    for name in {name for said in before.values() for name in said if name and (_given(name) or name in taken)}:
        speaker = max(before, key=lambda one: before[one][name])
        if before[speaker].most_common(1)[0][0] == name:
            found[speaker] = name
    return found
