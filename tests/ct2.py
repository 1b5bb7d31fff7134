"""A checkpoint of openai-whisper as a folder for faster-whisper: transformers' names, then CTranslate2's own converter."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

# Parts of names, openai-whisper -> transformers, in the order in which they are replaced.
NAMES = {
    r"\bblocks\b": "layers", r"mlp\.0": "fc1", r"mlp\.2": "fc2", r"mlp_ln": "final_layer_norm",
    r"cross_attn_ln": "encoder_attn_layer_norm", r"\battn_ln": "self_attn_layer_norm",
    r"cross_attn\.": "encoder_attn.", r"\battn\.": "self_attn.", r"\.query\b": ".q_proj", r"\.key\b": ".k_proj",
    r"\.value\b": ".v_proj", r"attn\.out\b": "attn.out_proj", r"decoder\.ln\b": "decoder.layer_norm",
    r"ln_post": "layer_norm", r"token_embedding": "embed_tokens", r"positional_embedding": "embed_positions.weight",
}  # fmt: skip
FIRST_LANGUAGE = 50259


def convert(checkpoint: str, folder: Path) -> str:
    """Convert; answers the path of the folder. Heads of alignment are those openai-whisper takes for such a checkpoint."""
    import ctranslate2
    from transformers import WhisperForConditionalGeneration

    between = folder.with_name(folder.name + ".transformers")
    config, weights = _read(checkpoint)
    model = WhisperForConditionalGeneration(config)
    model.load_state_dict(weights, strict=True)
    layers, heads = config.decoder_layers, config.decoder_attention_heads
    model.generation_config.alignment_heads = [[layer, head] for layer in range(layers // 2, layers) for head in range(heads)]
    model.save_pretrained(between)
    languages = config.vocab_size - 51766
    write_tokenizer(between, languages, config.vocab_size)
    ctranslate2.converters.TransformersConverter(str(between), copy_files=["tokenizer.json"]).convert(str(folder))
    told = json.loads((folder / "config.json").read_text())
    told["lang_ids"] = list(range(FIRST_LANGUAGE, FIRST_LANGUAGE + languages))
    (folder / "config.json").write_text(json.dumps(told))
    return str(folder)


def _read(checkpoint: str):
    import torch
    from transformers import WhisperConfig

    kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
    dims, weights = kept["dims"], {}
    for name, value in kept["model_state_dict"].items():
        for old, new in NAMES.items():
            name = re.sub(old, new, name)
        weights["model." + name] = value.float()
    weights["proj_out.weight"] = weights["model.decoder.embed_tokens.weight"]
    config = WhisperConfig(
        vocab_size=dims["n_vocab"], num_mel_bins=dims["n_mels"], encoder_layers=dims["n_audio_layer"],
        encoder_attention_heads=dims["n_audio_head"], decoder_layers=dims["n_text_layer"],
        decoder_attention_heads=dims["n_text_head"], encoder_ffn_dim=4 * dims["n_audio_state"],
        decoder_ffn_dim=4 * dims["n_text_state"], d_model=dims["n_audio_state"],
        max_source_positions=dims["n_audio_ctx"], max_target_positions=dims["n_text_ctx"],
    )  # fmt: skip
    return config, weights


def write_tokenizer(folder: Path, languages: int, vocabulary: int) -> None:
    """Whisper's multilingual vocabulary as tokenizer.json, made of the ranks that come with openai-whisper."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from whisper.tokenizer import get_tokenizer

    encoding = get_tokenizer(True, num_languages=languages).encoding
    ranks, letters = encoding._mergeable_ranks, _letters()
    written = {token: "".join(letters[byte] for byte in token) for token in ranks}
    merges = [
        (written[parts[0]], written[parts[1]])
        for token, rank in sorted(ranks.items(), key=lambda item: item[1])
        if len(token) > 1 and len(parts := _parts(token, rank, ranks)) == 2
    ]
    made = Tokenizer(models.BPE(vocab={written[token]: rank for token, rank in ranks.items()}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = sorted(encoding._special_tokens.items(), key=lambda item: item[1])
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name, rank in special if rank < vocabulary])
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "WhisperTokenizer"}')


def _letters() -> dict[int, str]:
    """The printable letter that GPT-2's byte-level tokenizers write for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + number) for number, byte in enumerate(others)}


def _parts(token: bytes, rank: int, ranks: dict[bytes, int]) -> list[bytes]:
    """The two tokens that were merged into this one: all merges of lower rank, in their order."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        lowest, place = min((ranks.get(first + second, rank), place) for place, (first, second) in enumerate(pairwise(parts)))
        if lowest >= rank:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts
