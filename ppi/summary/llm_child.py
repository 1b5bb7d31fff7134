"""Runs inside the child process: a local chat model through transformers, the one importer of transformers and torch here.

Map: each chunk of whole segments gives points with times. Reduce: each chunk's points become a paragraph, and the most
telling points of all chunks the key points of the lesson.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ppi.errors import BackendError, WeightsMissing
from ppi.records import KeyPoint, Segment, Span, Summary, SummarySection, Transcript
from ppi.summary import prompts, ranking
from ppi.summary.answers import best_points, clock, read_points
from ppi.summary.chunks import LINE_TOKENS, chunks_of, lines_of
from ppi.summary.sections import title_of
from ppi.summary.sentences import sentences_of

CHUNK_TOKENS, ANSWER_TOKENS, LARGEST_CONTEXT = 2000, 400, 8192


def summarize(report: Callable[[float], None], transcript: Transcript, model: str) -> Summary:
    """Raises WeightsMissing when the model cannot be loaded, BackendError when it says nothing of use."""
    chat = _load(model)
    language = prompts.LANGUAGE_NAMES.get(transcript.language, "the language of the transcript")
    chunks = list(chunks_of(transcript.segments, chat.count, _budget(chat, language)))
    lesson = Counter(ranking.stems(transcript.text))
    points: list[KeyPoint] = []
    sections: list[SummarySection] = []
    for number, chunk in enumerate(chunks, start=1):
        span = Span(chunk[0].start_s, chunk[-1].end_s)
        asked = prompts.CHUNK.format(language=language, number=number, count=len(chunks), lines=lines_of(chunk))
        said = chat.answer(asked)
        report((number - 0.5) / len(chunks))
        found = read_points(said, span)
        listed = "\n".join(f"[{clock(point.time_s)}] {point.text}" for point in found)
        text = chat.answer(prompts.SECTION.format(language=language, points=listed)) if found else said
        if text:
            sections.append(SummarySection(_title(chunk, transcript, lesson), span, text))
        points += found
        report(number / len(chunks))
    if not sections:
        raise BackendError("The chat model {model} gave no answer. Try again, or leave SUMMARY_MODEL empty.", model=model)
    made_by = f"{model} (prompts {prompts.VERSION})"
    return Summary(transcript.language, "transformers", made_by, best_points(points), tuple(sections))


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
        """What the model says, without the question. Raises BackendError when the question leaves no room for it."""
        import torch

        asked = {name: tensor.to(self.model.device) for name, tensor in self.encode(question).items()}
        if asked["input_ids"].shape[1] + self.answer_tokens > self.context:
            raise BackendError("The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=self.context)
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

    try:
        tokenizer, model = _read(name)
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


def _read(name: str) -> tuple[Any, Any]:
    """(tokenizer, model). The network is asked only for a repository that is not on this machine yet."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def read(is_local: bool) -> tuple[Any, Any]:
        wanted = {"local_files_only": is_local, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(name, **wanted)
        return tokenizer, AutoModelForCausalLM.from_pretrained(name, use_safetensors=True, dtype="auto", **wanted)

    try:
        return read(is_local=True)
    except OSError:
        if Path(name).exists() or Path(name).is_absolute():
            raise
        return read(is_local=False)


def _budget(chat: _Chat, language: str) -> int:
    """Tokens for the lines of one chunk. Raises BackendError when the model is too small to read any."""
    empty = chat.encode(prompts.CHUNK.format(language=language, number=99, count=99, lines=""))["input_ids"].shape[1]
    budget = min(CHUNK_TOKENS, chat.context - empty - chat.answer_tokens - LINE_TOKENS)
    if budget < 2 * LINE_TOKENS:
        raise BackendError("The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=chat.context)
    return budget


def _title(chunk: list[Segment], transcript: Transcript, lesson: Counter[str]) -> str:
    return title_of(sentences_of(replace(transcript, segments=tuple(chunk))), lesson)
