"""Runs inside the child process: the one importer of sherpa_onnx. Who speaks when, in memory that does not grow with the
recording.

The recording is looked through in blocks of a few minutes, each for itself: sherpa-onnx keeps a number for every pair of its
windows, which grows with the square of the time. A block's speakers are then recognised in the others by their voices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import InputError
from ppi.speech import wav

Report = Callable[[tuple[str, Any]], None]
Turn = tuple[float, float, int]
BLOCK_S = 300.0
# Voices further apart than this (1 - cosine of their embeddings) are two people.
DISTANCE = 0.5
# So much of a voice is enough to know it by.
VOICE_S = 30.0
# What is shorter is no turn; a pause so short does not end one.
SHORTEST_S, PAUSE_S = 0.3, 0.5
MAX_THREADS = 4


def find(report: Report, path: str, folder: str, count: int) -> list[Turn]:
    """[(start_s, end_s, speaker from 0)] of the WAV at `path`, in order of time. Reports ("at", fraction looked through).

    `count` is how many people speak, 0 when that is not known. Raises InputError for models that cannot be used.
    """
    total_s = max(wav.duration_s(Path(path)), 0.001)
    models = _load(Path(folder))
    turns: list[Turn] = []
    voices: list[np.ndarray] = []
    for start_s, samples in wav.stretches(Path(path), BLOCK_S):
        block_s = len(samples) / wav.RATE_HZ

        def at(done: int, of: int, start_s: float = start_s, block_s: float = block_s) -> int:
            report(("at", min((start_s + block_s * done / max(of, 1)) / total_s, 1.0)))
            return 0

        found, known = ([], []) if wav.is_quiet(samples) else _look_through(models, wav.as_float(samples), at)
        turns += [(start_s + begin_s, start_s + end_s, len(voices) + voice) for begin_s, end_s, voice in found]
        voices += known
        at(1, 1)
    people = _people(voices, count)
    return sorted((begin_s, end_s, people[voice]) for begin_s, end_s, voice in turns)


def _look_through(
    models: tuple[Any, Any], sound: np.ndarray, at: Callable[[int, int], int]
) -> tuple[list[Turn], list[np.ndarray]]:
    """(turns within this block, its voices); the third of a turn is the number of its voice."""
    diarizer, extractor = models
    found, turns, voices = _turns(diarizer, sound, at), [], []
    for speaker in sorted({turn[2] for turn in found}):
        voice = _voice(extractor, sound, found, speaker)
        if voice is not None:
            turns += [(begin_s, end_s, len(voices)) for begin_s, end_s, who in found if who == speaker]
            voices.append(voice)
    return turns, voices


def _load(folder: Path) -> tuple[Any, Any]:
    """What finds turns, and what makes an embedding of a voice."""
    import os

    import sherpa_onnx

    threads = min(os.cpu_count() or 1, MAX_THREADS)
    embedding = sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(folder / "embedding.onnx"), num_threads=threads)
    pyannote = sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(model=str(folder / "segmentation.onnx"))
    wanted = sherpa_onnx.OfflineSpeakerDiarizationConfig(
        segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(pyannote=pyannote, num_threads=threads),
        embedding=embedding, clustering=sherpa_onnx.FastClusteringConfig(num_clusters=-1, threshold=DISTANCE),
        min_duration_on=SHORTEST_S, min_duration_off=PAUSE_S,
    )  # fmt: skip
    try:
        diarizer = sherpa_onnx.OfflineSpeakerDiarization(wanted)
        extractor = sherpa_onnx.SpeakerEmbeddingExtractor(embedding)
        if diarizer.sample_rate != wav.RATE_HZ:
            raise ValueError(f"they want sound of {diarizer.sample_rate} Hz")
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "The models in {path} cannot tell speakers apart: {reason}. Fetch them again.", path=str(folder), reason=str(error)
        ) from error
    return diarizer, extractor


def _turns(diarizer: Any, sound: np.ndarray, at: Callable[[int, int], int]) -> list[Turn]:
    """(start_s, end_s, speaker) within the block, whose speakers are known by their numbers in it alone."""
    length_s = len(sound) / wav.RATE_HZ
    found = diarizer.process(sound, callback=at).sort_by_start_time()
    return [(max(one.start, 0.0), min(one.end, length_s), int(one.speaker)) for one in found if one.start < length_s]


def _voice(extractor: Any, sound: np.ndarray, turns: Sequence[Turn], speaker: int) -> np.ndarray | None:
    """The embedding of a speaker of this block, of length 1, from where nobody else speaks; None when there is too little."""
    alone = _alone(turns, speaker) or [(begin_s, end_s) for begin_s, end_s, who in turns if who == speaker]
    stream, left = extractor.create_stream(), int(VOICE_S * wav.RATE_HZ)
    for begin_s, end_s in sorted(alone, key=lambda span: span[0] - span[1]):
        piece = sound[int(begin_s * wav.RATE_HZ) : int(end_s * wav.RATE_HZ)][:left]
        stream.accept_waveform(wav.RATE_HZ, piece)
        left -= len(piece)
        if left <= 0:
            break
    stream.input_finished()
    if not extractor.is_ready(stream):
        return None
    voice = np.array(extractor.compute(stream), np.float32)
    return voice / max(float(np.linalg.norm(voice)), 1e-9)


def _alone(turns: Sequence[Turn], speaker: int) -> list[tuple[float, float]]:
    """Where this speaker speaks and nobody else does."""
    spans = [(begin_s, end_s) for begin_s, end_s, who in turns if who == speaker]
    for other_begin_s, other_end_s, who in turns:
        if who != speaker:
            spans = [
                part for begin_s, end_s in spans
                for part in ((begin_s, min(end_s, other_begin_s)), (max(begin_s, other_end_s), end_s)) if part[1] > part[0]
            ]  # fmt: skip
    return [span for span in spans if span[1] - span[0] >= SHORTEST_S]


def _people(voices: Sequence[np.ndarray], count: int) -> list[int]:
    """Which person each voice is, from 0."""
    if len(voices) < 2:
        return [0] * len(voices)
    import sherpa_onnx

    wanted = min(count, len(voices)) if count else -1
    config = sherpa_onnx.FastClusteringConfig(num_clusters=wanted, threshold=DISTANCE)
    return [int(person) for person in sherpa_onnx.FastClustering(config)(np.stack(voices))]
