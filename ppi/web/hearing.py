"""How a transcript was made, as its page tells it: recogniser, model, thresholds, aligner, words to listen for, speakers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import format_decimal, gettext

from ppi.records import Transcript, model_name


def hearing_of(said: Transcript) -> list[tuple[str, str]]:
    """[(name, value)]; where models lie stays private."""
    return [(name, value) for name, value in (*_recogniser(said), *_times(said), *_rest(said.hearing)) if value]


def _recogniser(said: Transcript) -> Iterator[tuple[str, str]]:
    if said.engine == "uploaded":
        return
    yield gettext("Recogniser"), said.engine
    yield gettext("Model"), model_name(said.model)
    yield gettext("Device"), ", ".join(str(said.hearing[name]) for name in ("device", "compute_type") if said.hearing.get(name))
    notes = (said.hearing.get("fallback", ""), said.hearing.get("aligner_fallback", ""))
    yield gettext("Note"), "; ".join(str(note) for note in notes if note)
    yield gettext("Names and subject words"), str(said.hearing.get("phrases", ""))
    yield gettext("From the list"), str(said.hearing.get("word_list", ""))


def _times(said: Transcript) -> Iterator[tuple[str, str]]:
    words, aligner = said.words, str(said.hearing.get("aligner", ""))
    unaligned, shared = sum(word.unaligned for word in words), sum(word.interpolated for word in words)
    if said.engine != "uploaded":
        yield gettext("Times of words refined by"), _aligners(aligner) or gettext("nothing: they are the recogniser's")
    if aligner:
        yield gettext("Words the aligner did not find"), _part(unaligned, len(words))
    if shared:
        yield gettext("Words whose time was shared out"), _part(shared, len(words))


def _rest(hearing: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    told = hearing.get("speakers") or {}
    if told:
        yield gettext("Speakers told apart by"), str(told.get("engine", ""))
    yield gettext("Doubtful is a segment"), "; ".join(_thresholds(hearing.get("thresholds") or {}))


def _part(part: int, count: int) -> str:
    return gettext("%(part)s of %(count)s", part=format_decimal(part), count=format_decimal(count))


def _aligners(told: str) -> str:
    """As the transcript's JSON names them, language=model, but a folder only by its name."""
    parts = (part.rpartition("=") for part in told.split(", ") if part)
    return ", ".join(f"{model_name(model)} ({language})" if language else model_name(model) for language, _, model in parts)


def _thresholds(values: Mapping[str, Any]) -> Iterator[str]:
    """What flags of `ppi.speech.doubt` go by, in words; what this page does not know is shown as it is."""
    known = {
        "avg_logprob_below": gettext("whose log probability is below {value}"),
        "word_probability_below": gettext("whose words have a mean certainty below {value}"),
        "no_speech_prob_above": gettext("that is improbable, and silent with a probability above {value}"),
        "speech_share_below": gettext("of which a part below {value} is speech"),
        "compression_ratio_above": gettext("whose text can be packed more than {value} times smaller"),
        "repeats_from": gettext("that says something {value} times in a row"),
    }
    for name, value in values.items():
        yield known.get(name, f"{name} {{value}}").replace("{value}", format_decimal(value))
