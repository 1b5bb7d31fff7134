"""What was said during a sample."""

from __future__ import annotations

import re

from ppi.records import Span, Transcript

_BEFORE_PUNCTUATION = re.compile(r"\s+([,.;:!?…%)\]}»”])")


def text_of(transcript: Transcript | None, span: Span) -> str:
    """The words whose midpoint lies in `span`, joined; "" when nothing was said or there is no transcript.

    Engines that keep the space before each word are taken at their word: a part without one belongs to the word before.
    """
    if transcript is None:
        return ""
    words = [word.text for word in transcript.words_within(span)]
    keeps_spaces = any(text[:1].isspace() for text in words)
    joined = ("" if keeps_spaces else " ").join(words)
    return _BEFORE_PUNCTUATION.sub(r"\1", " ".join(joined.split()))
