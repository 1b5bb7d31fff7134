"""Runs inside the child process: a local chat model through transformers, the one importer of transformers and torch here.

Map: each chunk of whole segments gives points with times. Reduce: each chunk's points become a paragraph, and the most
telling points of all chunks the key points of the lesson.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ppi.errors import BackendError, WeightsMissing
from ppi.records import KeyPoint, Segment, Span, Summary, SummarySection, Transcript
from ppi.summary import prompts, ranking
from ppi.summary.answers import clock, read_points
from ppi.summary.sections import title_of
from ppi.summary.sentences import sentences_of

CHUNK_TOKENS, ANSWER_TOKENS, MOST_POINTS = 2000, 400, 20
# Tokens that a line of the prompt needs besides its text: the time in brackets and the end of the line.
LINE_TOKENS = 12
LARGEST_CONTEXT = 8192


def summarize(report: Callable[[float], None], transcript: Transcript, model: str) -> Summary:
    """Raises WeightsMissing when the model cannot be loaded, BackendError when it says nothing of use."""
    chat = _load(model)
    language = prompts.LANGUAGE_NAMES.get(transcript.language, "the language of the transcript")
    chunks = list(_chunks(transcript.segments, chat, _budget(chat, language)))
    lesson = Counter(ranking.stems(transcript.text))
    points: list[KeyPoint] = []
    sections: list[SummarySection] = []
    for number, chunk in enumerate(chunks, start=1):
        lines = "\n".join(_line(segment.start_s, segment.text) for segment in chunk)
        span = Span(chunk[0].start_s, chunk[-1].end_s)
        said = chat.answer(prompts.CHUNK.format(language=language, number=number, count=len(chunks), lines=lines))
        report((number - 0.5) / len(chunks))
        found = read_points(said, span)
        listed = "\n".join(_line(point.time_s, point.text) for point in found)
        text = chat.answer(prompts.SECTION.format(language=language, points=listed)) if found else said
        if text:
            sections.append(SummarySection(_title(chunk, transcript, lesson), span, text))
        points += found
        report(number / len(chunks))
    if not sections:
        raise BackendError("The chat model {model} gave no answer. Try again, or leave SUMMARY_MODEL empty.", model=model)
    return Summary(transcript.language, "transformers", f"{model} (prompts {prompts.VERSION})", _best(points), tuple(sections))


@dataclass(frozen=True)
class _Chat:
    tokenizer: Any
    model: Any
    context: int

    @property
    def answer_tokens(self) -> int:
        return min(ANSWER_TOKENS, self.context // 3)

    def count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answer(self, question: str) -> str:
        """What the model says, without the question; the question must leave room for `answer_tokens`."""
        import torch

        asked = {name: tensor.to(self.model.device) for name, tensor in self.encode(question).items()}
        pad = self.tokenizer.pad_token_id
        with torch.inference_mode():
            made = self.model.generate(
                **asked, max_new_tokens=self.answer_tokens, do_sample=False, repetition_penalty=1.05,
                pad_token_id=self.tokenizer.eos_token_id if pad is None else pad,
            )  # fmt: skip
        return self.tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True).strip()

    def encode(self, question: str) -> dict[str, Any]:
        """Tensors of the question in the model's own chat form. One user message: not every template knows a system."""
        if self.tokenizer.chat_template is None:
            asked = self.tokenizer(f"{question}\n\n", return_tensors="pt")
        else:
            asked = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
            )
        return {name: asked[name] for name in ("input_ids", "attention_mask")}


@lru_cache(maxsize=1)
def _load(name: str) -> _Chat:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    is_folder = Path(name).is_dir()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=is_folder, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            name, local_files_only=is_folder, trust_remote_code=False, use_safetensors=True, dtype="auto"
        )
    except MemoryError:
        raise
    except Exception as error:  # each file of a model is read by another library with errors of its own
        raise WeightsMissing(
            "The chat model {model} cannot be loaded ({reason}). Put its folder (config, tokenizer, safetensors) on "
            "this machine and name it in SUMMARY_MODEL, or leave SUMMARY_MODEL empty for the extractive summary.",
            model=name, reason=(str(error) or type(error).__name__).splitlines()[0][:200],
        ) from error  # fmt: skip
    if torch.cuda.is_available():
        model = model.to("cuda")
    known = getattr(model.config, "max_position_embeddings", LARGEST_CONTEXT) or LARGEST_CONTEXT
    return _Chat(tokenizer, model.eval(), min(known, tokenizer.model_max_length, LARGEST_CONTEXT))


def _budget(chat: _Chat, language: str) -> int:
    """Tokens for the lines of one chunk. Raises BackendError when the model is too small to read any."""
    empty = chat.encode(prompts.CHUNK.format(language=language, number=99, count=99, lines=""))["input_ids"].shape[1]
    budget = min(CHUNK_TOKENS, chat.context - empty - chat.answer_tokens - LINE_TOKENS)
    if budget < 2 * LINE_TOKENS:
        raise BackendError("The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=chat.context)
    return budget


def _chunks(segments: tuple[Segment, ...], chat: _Chat, budget: int) -> Iterator[list[Segment]]:
    """Runs of segments that fit the budget together."""
    chunk: list[Segment] = []
    used = 0
    for segment in segments:
        for piece in _pieces(segment, chat, budget - LINE_TOKENS):
            cost = chat.count(piece.text) + LINE_TOKENS
            if chunk and used + cost > budget:
                yield chunk
                chunk, used = [], 0
            chunk.append(piece)
            used += cost
    if chunk:
        yield chunk


def _pieces(segment: Segment, chat: _Chat, limit: int) -> Iterator[Segment]:
    """The segment itself, or its halves, and theirs, until each fits."""
    words = segment.text.split()
    if chat.count(segment.text) <= limit:
        yield segment
    elif len(words) > 1:
        half = len(words) // 2
        middle_s = segment.start_s + (segment.end_s - segment.start_s) * half / len(words)
        yield from _pieces(Segment(segment.start_s, middle_s, " ".join(words[:half])), chat, limit)
        yield from _pieces(Segment(middle_s, segment.end_s, " ".join(words[half:])), chat, limit)


def _title(chunk: list[Segment], transcript: Transcript, lesson: Counter[str]) -> str:
    return title_of(sentences_of(replace(transcript, segments=tuple(chunk))), lesson)


def _best(points: list[KeyPoint]) -> tuple[KeyPoint, ...]:
    """At most MOST_POINTS, those that say most and repeat least, in order of time."""
    matrix = ranking.vectors([point.text for point in points]) if len(points) > MOST_POINTS else None
    if matrix is None:
        return tuple(points[:MOST_POINTS])
    scores = ranking.weigh([point.text for point in points], ranking.text_rank(matrix))
    return tuple(points[row] for row in ranking.pick(matrix, scores, MOST_POINTS))


def _line(time_s: float, text: str) -> str:
    return f"[{clock(time_s)}] {text}"
