"""A person's corrections of a transcript, where the words keep their times. Nothing here reads or writes files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word

MAX_CHARS = 5_000


def correct(transcript: Transcript, number: int, text: str) -> Segment:
    """What becomes of segment `number` (from 0) with another text; "" means that nothing was said.

    Words that stay, but for case and punctuation, keep their times and probabilities. Where as many words stand as before,
    each takes its predecessor's time; others share, by their letters, the time of those they replace, or where they replace
    none the gap between the words that stayed. New words have no probability, and the recogniser's doubts end: somebody has
    listened. Raises InputError.
    """
    segment, tokens = _at(transcript, number), text.split()
    if len(text) > MAX_CHARS:
        raise InputError("A segment holds at most {limit} characters. Shorten the text.", limit=MAX_CHARS)
    words = tuple(_aligned(segment, tokens))
    return replace(segment, text=" ".join(tokens), words=words, flags=())


def check(transcript: Transcript, number: int, word: int | None = None) -> Segment:
    """What becomes of segment `number` (from 0) when a person finds it right as it is, or only its word `word` (from 0).

    Probabilities stay; the recogniser's doubts of a segment end with it. Raises InputError.
    """
    segment = _at(transcript, number)
    if word is None:
        return replace(segment, words=tuple(replace(one, checked=True) for one in segment.words), flags=(), checked=True)
    if not 0 <= word < len(segment.words):
        raise InputError("This segment has no word {number}. Reload the page.", number=word + 1)
    words = list(segment.words)
    words[word] = replace(words[word], checked=True)
    return replace(segment, words=tuple(words))


def is_worked_on(transcript: Transcript) -> bool:
    """Whether a person has corrected it, found any of it right, or said who speaks."""
    is_checked = any(word.checked for word in transcript.words)
    return transcript.edited or is_checked or any(one.checked or one.speaker_given for one in transcript.segments)


def with_segment(transcript: Transcript, number: int, segment: Segment) -> Transcript:
    """The transcript with one segment in place of another; `edited` is left to `mark`."""
    segments = transcript.segments
    return replace(transcript, segments=(*segments[:number], segment, *segments[number + 1 :]))


def mark(transcript: Transcript, original: Transcript) -> Transcript:
    """Say in how many segments the text differs from what was first heard or uploaded."""
    pairs = zip(transcript.segments, original.segments, strict=True)
    changed = original.edited_segments + sum(now.text != then.text for now, then in pairs)
    return replace(transcript, edited=original.edited or changed > 0, edited_segments=changed)


def spread(tokens: list[str], start_s: float, end_s: float) -> Iterator[Word]:
    """Words that share the time from `start_s` to `end_s` by their letters, in whole milliseconds, and say so."""
    letters, done, since_s = sum(map(len, tokens)), 0, round(start_s, 3)
    for token in tokens:
        done += len(token)
        until_s = round(start_s + (end_s - start_s) * done / letters, 3)
        yield Word(token, since_s, until_s, interpolated=True)
        since_s = until_s


def _at(transcript: Transcript, number: int) -> Segment:
    if not 0 <= number < len(transcript.segments):
        raise InputError("This transcript has no segment {number}. Reload the page.", number=number + 1)
    return transcript.segments[number]


def _aligned(segment: Segment, tokens: list[str]) -> Iterator[Word]:
    old = segment.words
    matcher = SequenceMatcher(None, [_key(word.text) for word in old], [_key(token) for token in tokens], autojunk=False)
    since_s = segment.start_s
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        given = tokens[new_from:new_to]
        if kind == "equal":
            kept = [replace(word, text=token) for word, token in zip(old[old_from:old_to], given, strict=True)]
        elif len(given) == old_to - old_from:
            pairs = zip(old[old_from:old_to], given, strict=True)
            kept = [replace(word, text=token, probability=None, checked=False) for word, token in pairs]
        else:
            start_s, until_s = _room(segment, old_from, old_to)
            kept = list(spread(given, max(since_s, start_s), max(since_s, until_s)))
        yield from kept
        if kind == "equal":
            since_s = max(since_s, old[old_to - 1].end_s)
        elif kept:
            since_s = max(since_s, kept[-1].end_s)


def _room(segment: Segment, old_from: int, old_to: int) -> tuple[float, float]:
    """The time of the words that are replaced; where none are, what lies between their neighbours."""
    old = segment.words
    if old_from < old_to:
        return old[old_from].start_s, old[old_to - 1].end_s
    before_s = old[old_from - 1].end_s if old_from else segment.start_s
    return before_s, old[old_to].start_s if old_to < len(old) else segment.end_s


def _key(text: str) -> str:
    """What makes two words the same: letters and digits without case; punctuation alone is itself."""
    plain = "".join(letter for letter in text.casefold().replace("ё", "е") if letter.isalnum())
    return plain or text
