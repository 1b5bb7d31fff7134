"""Runs inside the child process: a local chat model through transformers, the one importer of transformers and torch here.

Map: each chunk of whole segments gives points with times. Reduce: each chunk's points become a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ppi.errors import WeightsMissing
from ppi.records import KeyPoint, Segment, Span, Summary, SummarySection, Transcript
from ppi.summary import prompts

CHUNK_TOKENS, ANSWER_TOKENS, MARGIN_TOKENS = 2000, 400, 64
LARGEST_CONTEXT = 8192
POINT = re.compile(r"\[?(?:(\d+):)?(\d{1,3}):(\d\d)\]?\s*[-–—:.]*\s*(.+)")


def summarize(report: Callable[[float], None], transcript: Transcript, model: str) -> Summary:
    """Raises WeightsMissing when the model cannot be loaded."""
    chat = _load(model)
    language = prompts.LANGUAGE_NAMES.get(transcript.language, "the language of the transcript")
    chunks = list(_chunks(transcript.segments, chat))
    points: list[KeyPoint] = []
    sections: list[SummarySection] = []
    for number, chunk in enumerate(chunks, start=1):
        lines = "\n".join(f"[{_clock(segment.start_s)}] {segment.text}" for segment in chunk)
        span = Span(chunk[0].start_s, chunk[-1].end_s)
        said = chat.answer(language, prompts.CHUNK.format(number=number, count=len(chunks), lines=lines))
        found = read_points(said, span)
        report((number - 0.5) / len(chunks))
        listed = "\n".join(f"[{_clock(point.time_s)}] {point.text}" for point in found)
        text = chat.answer(language, prompts.SECTION.format(points=listed)) if found else said
        points += found
        sections.append(SummarySection(f"{_clock(span.start_s)} – {_clock(span.end_s)}", span, text))
        report(number / len(chunks))
    return Summary(transcript.language, "transformers", f"{model} (prompts {prompts.VERSION})", tuple(points), tuple(sections))


def read_points(said: str, span: Span) -> list[KeyPoint]:
    """Points of the form `[mm:ss] text`; what is not one, or lies outside the span, is left out."""
    points = []
    for line in said.splitlines():
        found = POINT.match(line.strip().lstrip("-*• "))
        if not found:
            continue
        hours, minutes, seconds, text = found.groups()
        time_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        if span.start_s - 1 <= time_s <= span.end_s + 1:
            points.append(KeyPoint(float(time_s), text.strip()))
    return sorted(points, key=lambda point: point.time_s)


@dataclass(frozen=True)
class _Chat:
    tokenizer: Any
    model: Any
    context: int

    def count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answer(self, language: str, question: str) -> str:
        import torch

        asked = self._encode(prompts.SYSTEM.format(language=language), question)
        asked = {name: tensor[:, -(self.context - ANSWER_TOKENS) :].to(self.model.device) for name, tensor in asked.items()}
        pad = self.tokenizer.pad_token_id
        with torch.inference_mode():
            made = self.model.generate(
                **asked, max_new_tokens=min(ANSWER_TOKENS, self.context // 2), do_sample=False, repetition_penalty=1.05,
                pad_token_id=self.tokenizer.eos_token_id if pad is None else pad,
            )  # fmt: skip
        return self.tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True).strip()

    def _encode(self, system: str, question: str) -> dict[str, Any]:
        if self.tokenizer.chat_template is None:
            return dict(self.tokenizer(f"{system}\n\n{question}\n\n", return_tensors="pt"))
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        return dict(
            self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
        )  # fmt: skip


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
    except (OSError, ValueError, ImportError) as error:
        raise WeightsMissing(
            "The chat model {model} cannot be loaded ({reason}). Put its folder (config, tokenizer, safetensors) on "
            "this machine and name it in SUMMARY_MODEL, or leave SUMMARY_MODEL empty for the extractive summary.",
            model=name, reason=str(error).splitlines()[0][:200],
        ) from error  # fmt: skip
    if torch.cuda.is_available():
        model = model.to("cuda")
    known = getattr(model.config, "max_position_embeddings", LARGEST_CONTEXT) or LARGEST_CONTEXT
    return _Chat(tokenizer, model.eval(), min(known, LARGEST_CONTEXT))


def _chunks(segments: tuple[Segment, ...], chat: _Chat):
    """Whole segments up to the budget; a segment larger than it stands alone and is cut by the context."""
    budget = min(CHUNK_TOKENS, max(chat.context - ANSWER_TOKENS - MARGIN_TOKENS - 200, chat.context // 4))
    chunk: list[Segment] = []
    used = 0
    for segment in segments:
        cost = chat.count(segment.text) + 8
        if chunk and used + cost > budget:
            yield chunk
            chunk, used = [], 0
        chunk.append(segment)
        used += cost
    if chunk:
        yield chunk


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(int(time_s), 60)
    return f"{minutes:02}:{seconds:02}"
