"""Runs inside the child process: a local chat model through transformers, the one importer of transformers and torch here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ppi.errors import InputError
from ppi.records import Summary, Transcript
from ppi.summary import mapreduce, weights

ENGINE = "transformers"
# Nothing is asked of the network, and no program that lies beside the weights is run.
HERE = {"local_files_only": True, "trust_remote_code": False}
LARGEST_CONTEXT = 8192
# Weights may take this share of the memory that is free.
MOST_OF_MEMORY = 0.7


def summarize(
    report: Callable[[Any], None], transcript: Transcript, model: str, folder: str, language: str, known: Mapping[str, str]
) -> Summary:
    """See `mapreduce.summarize`; `model` is how the model in `folder` is called. Raises WeightsMissing when it cannot be
    loaded, InputError when it is too small, BackendError when it says nothing of use.
    """
    return mapreduce.summarize(report, transcript, _load(model, folder), language, known)


def measure(report: Callable[[Any], None], model: str, folder: str, tokens: int = 32) -> dict[str, Any]:
    """Load the model and have it answer once: its name with how it runs, how much it reads at a time, tokens per second."""
    import time

    chat = _load(model, folder)
    asked = chat.encode("What is a lesson?")
    began_s = time.perf_counter()
    made = chat.answer(asked, tokens, min_new_tokens=tokens)
    spent_s = time.perf_counter() - began_s
    return {"model": chat.name, "context_tokens": chat.context_tokens, "tokens_per_s": made.shape[0] / spent_s}


@dataclass
class _Chat:
    """A `mapreduce.Chat` in this process."""

    tokenizer: Any
    model: Any
    context_tokens: int
    called: str
    folder: str
    engine: str = ENGINE
    has_lost_gpu: bool = False

    @property
    def name(self) -> str:
        """What the model is called, and how it runs where that is not the usual way."""
        ways = ["4-bit"] * bool(getattr(self.model, "is_loaded_in_4bit", False)) + ["GPU failed, on CPU"] * self.has_lost_gpu
        return f"{self.called} ({', '.join(ways)})" if ways else self.called

    def count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def ask(self, question: str, answer_tokens: int) -> str:
        """What the model says, without the question. Raises InputError when the question leaves no room for it."""
        asked = self.encode(question)
        if asked["input_ids"].shape[1] + answer_tokens > self.context_tokens:
            raise InputError(
                "The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=self.context_tokens
            )
        return self.tokenizer.decode(self.answer(asked, answer_tokens), skip_special_tokens=True).strip()

    def answer(self, asked: Mapping[str, Any], answer_tokens: int, **more: Any) -> Any:
        """The tokens of the answer. When a GPU fails, the model is read again for the processor, and stays there."""
        try:
            return self._generate(asked, answer_tokens, more)
        except RuntimeError:  # no memory left on it, or a library that is not there
            if self.model.device.type != "cuda":
                raise
        self.model = None  # its memory is given back before another is read
        self.model, self.has_lost_gpu = _read_model(self.folder, is_gpu=False), True
        return self._generate(asked, answer_tokens, more)

    def _generate(self, asked: Mapping[str, Any], answer_tokens: int, more: Mapping[str, Any]) -> Any:
        import torch

        given = {name: tensor.to(self.model.device) for name, tensor in asked.items()}
        pad = self.tokenizer.pad_token_id
        with torch.inference_mode():
            made = self.model.generate(
                **given, max_new_tokens=answer_tokens, do_sample=False, repetition_penalty=1.05,
                pad_token_id=self.tokenizer.eos_token_id if pad is None else pad, **more,
            )  # fmt: skip
        return made[0, given["input_ids"].shape[1] :]

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
def _load(called: str, folder: str) -> _Chat:
    try:
        return _read(called, folder)
    except MemoryError:
        raise
    except Exception as error:  # each file of a model is read by another library with errors of its own
        raise weights.unfit(called, (str(error) or type(error).__name__).splitlines()[0][:200]) from error


def _read(called: str, folder: str) -> _Chat:
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **HERE)
    is_gpu, has_lost_gpu = torch.cuda.is_available(), False
    try:
        model = _read_model(folder, is_gpu)
    except RuntimeError:
        if not is_gpu:
            raise
        has_lost_gpu = True
    if has_lost_gpu:
        model = _read_model(folder, is_gpu=False)
    known = getattr(model.config, "max_position_embeddings", LARGEST_CONTEXT) or LARGEST_CONTEXT
    context_tokens = min(known, tokenizer.model_max_length, LARGEST_CONTEXT)
    return _Chat(tokenizer, model, context_tokens, called, folder, has_lost_gpu=has_lost_gpu)


def _read_model(folder: str, is_gpu: bool) -> Any:
    from transformers import AutoModelForCausalLM

    placed = _placement(Path(folder), is_gpu)
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto", **placed, **HERE).eval()
    return model.to("cuda") if is_gpu and "device_map" not in placed else model


def _placement(folder: Path, is_gpu: bool) -> dict[str, Any]:
    """Four bits a weight, a third of the memory or less, where bitsandbytes and accelerate are: on a GPU always, on a processor
    for weights that would leave no room, since it then needs more time to load and to read.
    """
    import torch

    if not all(map(importlib.util.find_spec, ("bitsandbytes", "accelerate"))) or not (is_gpu or _is_too_large(folder)):
        return {}
    from transformers import BitsAndBytesConfig

    kind = torch.bfloat16 if not is_gpu or torch.cuda.is_bf16_supported() else torch.float16
    packed = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=kind)
    return {"quantization_config": packed, "device_map": {"": 0 if is_gpu else "cpu"}}


def _is_too_large(folder: Path) -> bool:
    """Whether the weights in this folder leave too little of the free memory for the work."""
    import psutil

    weights_bytes = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return weights_bytes > MOST_OF_MEMORY * psutil.virtual_memory().available
