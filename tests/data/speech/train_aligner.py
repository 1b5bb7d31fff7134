"""How the folder aligner/ was made: `python -m tests.data.speech.train_aligner OUT [BEFORE]`; fixed seed, CPU minutes.

A Wav2Vec2 model with a CTC head, so small that it belongs to the tests. It learns from espeak-ng alone: random rows of words in
English and Russian, whose moments espeak-ng tells; the letters of a word share its time. The words are those of stop-word
lists and of Whisper's vocabulary, whose first are the commonest. No row is a sentence of the tests, and none is spoken at their
speed. The kept folder came of two runs: 1500 steps with all words, then STEPS with the commonest ones, going on from BEFORE.
"""

from __future__ import annotations

import json
import math
import random
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from stopwordsiso import stopwords
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC
from whisper.tokenizer import get_tokenizer

from tests.espeak import RATE_HZ, spoken

FRAME = 320  # samples
STEPS, BATCH, ROWS, COMMON = 450, 8, 1600, 2000
VOICES = {"en": ("en-us", "en-gb"), "ru": ("ru",)}
LETTERS = {"en": "abcdefghijklmnopqrstuvwxyz'", "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя"}
RATES = [rate for rate in range(120, 181) if rate != 145]
VOCABULARY = {name: place for place, name in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS["en"], *LETTERS["ru"]])}
FILTERS, CONSTANTS, CONV2, WIDTH = 40, 4, 96, 128


def words_of(language: str) -> list[str]:
    encoding = get_tokenizer(True).encoding
    tokens = [encoding.decode_single_token_bytes(token).decode("utf-8", "ignore") for token in range(50_000)]
    letters = LETTERS[language].replace("'", "") + ("ё" if language == "ru" else "")
    parts = [token[1:] for token in tokens if re.fullmatch(f" [{letters}]{{3,12}}", token)][:COMMON]
    listed = [word for word in stopwords(language) if re.fullmatch(f"[{letters}]{{1,12}}", word)]
    return sorted({*parts, *listed})


def row(language: str, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(float32 samples, label of each frame) of a few words."""
    said = random.choices(words, k=random.randint(2, 5))
    text = " ".join(said) + random.choice([".", "?", "."])
    heard = spoken(
        text, random.choice(VOICES[language]), words_a_minute=random.choice(RATES), pitch=random.randint(30, 70)
    )
    before, after = (random.uniform(0.05, 0.6) for _ in range(2))
    sound = np.pad(heard.sound.astype(np.float32) / 32768, (int(before * RATE_HZ), int(after * RATE_HZ)))
    labels = np.zeros(len(sound) // FRAME, np.int64)
    last_s = np.flatnonzero(np.abs(heard.sound) > 300)[-1] / RATE_HZ
    starts_s = [start_s for _, start_s in heard.words]
    for (word, start_s), end_s in zip(heard.words, [*starts_s[1:], last_s], strict=True):
        columns = [VOCABULARY[letter] for letter in word.lower().replace("ё", "е") if letter in VOCABULARY]
        first, end = (round((before + moment_s) * RATE_HZ / FRAME) for moment_s in (start_s, end_s))
        if end_s != last_s:
            end -= 1
            labels[end : end + 1] = VOCABULARY["|"]
        edges = np.linspace(first, max(end, first + 1), len(columns) + 1).round().astype(int)
        for column, low, high in zip(columns, edges[:-1], edges[1:], strict=True):
            labels[low:high] = column
    return sound, labels


def made() -> Wav2Vec2ForCTC:
    """Its first layer begins as a bank of filters, each in two phases, and a few constants that tell how loud it is."""
    config = Wav2Vec2Config(
        vocab_size=len(VOCABULARY), hidden_size=WIDTH, num_hidden_layers=3, num_attention_heads=4, intermediate_size=2 * WIDTH,
        conv_dim=(2 * FILTERS + CONSTANTS, CONV2), conv_kernel=(FRAME, 8), conv_stride=(40, 8), conv_bias=True,
        feat_extract_norm="layer", num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=8, hidden_dropout=0.05,
        attention_dropout=0.05, activation_dropout=0.0, final_dropout=0.05, layerdrop=0.0, apply_spec_augment=False,
        pad_token_id=0,
    )  # fmt: skip
    model = Wav2Vec2ForCTC(config)
    first = model.wav2vec2.feature_extractor.conv_layers[0].conv
    mel = np.linspace(math.log(1 + 80 / 700), math.log(1 + 7500 / 700), FILTERS)
    tones_hz = 700 * (np.exp(mel) - 1)
    time_s = (np.arange(FRAME) - FRAME / 2) / RATE_HZ
    window = np.hanning(FRAME) / FRAME * 4
    waves = [turn(2 * np.pi * tone * time_s) * window for tone in tones_hz for turn in (np.cos, np.sin)]
    with torch.no_grad():
        first.weight.zero_()
        first.weight[: 2 * FILTERS, 0] = torch.tensor(np.array(waves), dtype=torch.float32)
        first.bias.zero_()
        first.bias[2 * FILTERS :] = torch.tensor([0.05, 0.2, -0.05, -0.2])
    return model


class Rest(torch.nn.Module):
    """What comes behind the first layer, which stays as it is: what it makes of the rows is worked out once."""

    def __init__(self, layers):
        super().__init__()
        self.conv_layers = layers

    def forward(self, found):
        for layer in self.conv_layers:
            found = layer(found)
        return found


def through(layer, sound: np.ndarray) -> torch.Tensor:
    """What the first layer makes of it in a room of some noise."""
    noisy = sound + np.random.normal(0, 10 ** random.uniform(-4.5, -1.7), len(sound)).astype(np.float32)
    with torch.no_grad():
        return layer(torch.from_numpy((noisy - noisy.mean()) / (noisy.std() + 1e-4))[None, None])[0].half()


def batch(rows) -> tuple[torch.Tensor, torch.Tensor]:
    chosen = random.sample(rows, BATCH)
    sounds = torch.nn.utils.rnn.pad_sequence([found.T for found, _ in chosen], batch_first=True).transpose(1, 2).float()
    wanted = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(labels) for _, labels in chosen], True, -100)
    return sounds, wanted


def main(folder: Path, before: Path | None = None) -> None:
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    words = {language: words_of(language) for language in VOICES}
    rows = [row(language, words[language]) for _ in range(ROWS // 2) for language in VOICES]
    print({language: len(found) for language, found in words.items()}, sum(len(labels) for _, labels in rows) / 50, "s")
    model = made()
    if before:
        model.load_state_dict({name: value.float() for name, value in load_file(before / "model.safetensors").items()})
    whole = model.wav2vec2.feature_extractor
    rows = [(through(whole.conv_layers[0], sound), labels) for sound, labels in rows]
    model.wav2vec2.feature_extractor = Rest(whole.conv_layers[1:])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS, pct_start=0.1)
    model.train()
    kept = 0.0
    for step in range(STEPS):
        sounds, wanted = batch(rows)
        frames = model(sounds).logits
        length = min(frames.shape[1], wanted.shape[1])
        loss = torch.nn.functional.cross_entropy(frames[:, :length].transpose(1, 2), wanted[:, :length])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        kept = 0.98 * kept + 0.02 * loss.item()
        if step % 100 == 99:
            print(step + 1, round(kept / (1 - 0.98 ** (step + 1)), 3), time.process_time(), flush=True)
    model.wav2vec2.feature_extractor = whole
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = ["Wav2Vec2ForCTC"]
    model.config.to_json_file(folder / "config.json")
    weights = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "vocab.json").write_text(json.dumps(VOCABULARY, ensure_ascii=False) + "\n", encoding="utf-8")
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "sampling_rate": RATE_HZ}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
