"""Doubt: why a segment's text may be wrong. It is shown to readers; nothing is left out because of it.

The measures are Whisper's own (`whisper/transcribe.py`: log probability, compression ratio, probability of no speech), and
two that need no model: the same words again and again, and text where nobody speaks. As in Whisper, the probability of no
speech counts only where the text is unlikely, too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

LOW_CONFIDENCE, NO_SPEECH, REPETITION, COMPRESSION = "low_confidence", "no_speech", "repetition", "compression"
FLAGS = (LOW_CONFIDENCE, NO_SPEECH, REPETITION, COMPRESSION)
# A transcript keeps them, so that its flags can be understood later.
THRESHOLDS = {
    "avg_logprob_below": -1.0, "word_probability_below": 0.4, "no_speech_prob_above": 0.6, "speech_share_below": 0.3,
    "compression_ratio_above": 2.4, "repeats_from": 4,
}  # fmt: skip
# A phrase that is repeated has at most so many words.
LONGEST_PHRASE = 12


def flags(raw: Mapping[str, Any], before: Sequence[str] = ()) -> tuple[str, ...]:
    """The flags of a segment as an engine reports it; `before` are the texts of the segments before it.

    Measures that the engine does not give (`avg_logprob`, `no_speech_prob`, `compression_ratio`, and `speech_share`, the part
    of the segment in which somebody speaks) raise no flag.
    """
    text = raw["text"].strip()
    is_unlikely = raw.get("avg_logprob", 0.0) < THRESHOLDS["avg_logprob_below"]
    found = {
        LOW_CONFIDENCE: is_unlikely
        or _mean_probability(raw) < THRESHOLDS["word_probability_below"],
        NO_SPEECH: (is_unlikely and raw.get("no_speech_prob", 0.0) > THRESHOLDS["no_speech_prob_above"])
        or raw.get("speech_share", 1.0) < THRESHOLDS["speech_share_below"],
        REPETITION: _is_repeated([*before, text]) or _is_loop(text),
        COMPRESSION: max(compression(text), raw.get("compression_ratio", 0.0)) > THRESHOLDS["compression_ratio_above"],
    }
    return tuple(flag for flag in FLAGS if found[flag])


def compression(text: str) -> float:
    """How many times smaller zlib makes the text; what is above 2.4 repeats itself."""
    data = text.encode("utf-8", "surrogatepass")
    return len(data) / len(zlib.compress(data)) if data else 0.0


def _mean_probability(raw: Mapping[str, Any]) -> float:
    """Of the words; 1 where the engine gives none or means something else by it (only Whisper's have a log probability)."""
    known = [word["probability"] for word in raw.get("words") or () if word.get("probability") is not None]
    return sum(known) / len(known) if known and "avg_logprob" in raw else 1.0


def _is_repeated(texts: Sequence[str]) -> bool:
    """Whether the last segments all say the same, as a model does that hangs."""
    last = [tuple(_plain(text)) for text in texts[-THRESHOLDS["repeats_from"] :]]
    return len(last) == THRESHOLDS["repeats_from"] and len(set(last)) == 1 and bool(last[0])


def _is_loop(text: str) -> bool:
    """Whether a phrase comes several times in a row: "and then and then and then and then"."""
    words, repeats = _plain(text), THRESHOLDS["repeats_from"]
    for length in range(1, min(LONGEST_PHRASE, len(words) // repeats) + 1):
        for start in range(len(words) - length * repeats + 1):
            phrase = words[start : start + length]
            if words[start : start + length * repeats] == phrase * repeats:
                return True
    return False


def _plain(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
