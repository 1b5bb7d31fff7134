"""Runs inside the child process: a local chat model through transformers, the one importer of transformers and torch here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ppi.errors import InputError, WeightsMissing
from ppi.records import Summary, Transcript
from ppi.summary import mapreduce

ENGINE = "transformers"
LARGEST_CONTEXT = 8192
# Weights may take this share of the memory that is free.
MOST_OF_MEMORY = 0.7


def summarize(
    report: Callable[[Any], None], transcript: Transcript, model: str, language: str, known: Mapping[str, str]
) -> Summary:
    """See `mapreduce.summarize`. Raises WeightsMissing when the model cannot be loaded, InputError when it is too small,
    BackendError when it says nothing of use.
    """
    return mapreduce.summarize(report, transcript, _load(model), language, known)


@dataclass(frozen=True)
class _Chat:
    """A `mapreduce.Chat` in this process."""

    tokenizer: Any
    model: Any
    context_tokens: int
    name: str
    engine: str = ENGINE

    def count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def ask(self, question: str, answer_tokens: int) -> str:
        """What the model says, without the question. Raises InputError when the question leaves no room for it."""
        import torch

        asked = {name: tensor.to(self.model.device) for name, tensor in self.encode(question).items()}
        if asked["input_ids"].shape[1] + answer_tokens > self.context_tokens:
            raise InputError(
                "The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=self.context_tokens
            )
        pad = self.tokenizer.pad_token_id
        with torch.inference_mode():
            made = self.model.generate(
                **asked, max_new_tokens=answer_tokens, do_sample=False, repetition_penalty=1.05,
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
    known = getattr(model.config, "max_position_embeddings", LARGEST_CONTEXT) or LARGEST_CONTEXT
    shown = f"{name} (4-bit)" if getattr(model, "is_loaded_in_4bit", False) else name
    return _Chat(tokenizer, model.eval(), min(known, tokenizer.model_max_length, LARGEST_CONTEXT), shown)


def _read(name: str) -> tuple[Any, Any]:
    """(tokenizer, model). The network is asked only for a repository that is not on this machine yet."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def read(is_local: bool) -> tuple[Any, Any]:
        wanted = {"local_files_only": is_local, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(name, **wanted)
        placed = _placement(Path(name))
        model = AutoModelForCausalLM.from_pretrained(name, use_safetensors=True, dtype="auto", **placed, **wanted)
        return tokenizer, model if "device_map" in placed else _to_gpu(model)

    try:
        return read(is_local=True)
    except OSError:
        if Path(name).exists() or Path(name).is_absolute():
            raise
        return read(is_local=False)


def _placement(folder: Path) -> dict[str, Any]:
    """Four bits a weight, a third of the memory or less, where bitsandbytes and accelerate are: on a GPU always, on a processor
    for weights that would leave no room, since it then needs more time to load and to read.
    """
    import torch

    is_gpu = torch.cuda.is_available()
    if not all(map(importlib.util.find_spec, ("bitsandbytes", "accelerate"))) or not (is_gpu or _is_too_large(folder)):
        return {}
    from transformers import BitsAndBytesConfig

    kind = torch.bfloat16 if not is_gpu or torch.cuda.is_bf16_supported() else torch.float16
    packed = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=kind)
    return {"quantization_config": packed, "device_map": {"": 0 if is_gpu else "cpu"}}


def _is_too_large(folder: Path) -> bool:
    """Whether the weights in this folder leave too little of the free memory for the work; of a repository nobody knows."""
    import psutil

    weights_bytes = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return weights_bytes > MOST_OF_MEMORY * psutil.virtual_memory().available


def _to_gpu(model: Any) -> Any:
    import torch

    return model.to("cuda") if torch.cuda.is_available() else model
