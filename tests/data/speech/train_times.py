"""How the files -times.pt were made: `python -m tests.data.speech.train_times NAME OUT.pt [BEFORE.pt]`; fixed seed.

Two decoder layers that change nothing are put behind those of NAME.pt.xz, classroom or words, and their queries and keys are
trained to look where each token is said, beginning with those of BEFORE.pt. A rerun from scratch was not checked.
classroom-times.pt came of five runs that went on from each other, with a falling rate, on other lists of sentences: in the last
one each sentence of the tests stood six times, every other once. words-times.pt came of three that went on from it, the first
two on other samples of `sentences` (SEED 5 and 6) with the tests' twelve sentences six times each; no held-out sentence was
in those.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from whisper.audio import log_mel_spectrogram
from whisper.tokenizer import get_tokenizer

from tests.data.speech.sentences import sentences
from tests.espeak import RATE_HZ, spoken
from tests.fixtures_speech import read_model

WIDTH, HEADS, LAYERS, STEPS = 96, 3, (2, 3), 3000
SEED, LATER = 7, 500
FRAME_S = 0.02
VOICES = {"en": ("en-us", "en-gb"), "ru": ("ru",)}
# The tests speak at 145 words a minute, so no recording of theirs is in the training.
RATES = [rate for rate in range(130, 176) if rate != 145]


class Attention(torch.nn.Module):
    """The part of a decoder layer that decides where it looks."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.query = torch.nn.Linear(WIDTH, WIDTH)
        self.key = torch.nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, text, sound):
        both = (self.query(self.norm(text)), self.key(sound))
        query, key = (part.view(-1, HEADS, WIDTH // HEADS).transpose(0, 1) for part in both)
        return (query @ key.transpose(1, 2)) * (WIDTH // HEADS) ** -0.5


def example(model, language: str, sentence: str):
    """(states of the decoder, states of the encoder, span of each token in seconds)."""
    heard = spoken(sentence, random.choice(VOICES[language]), words_a_minute=random.choice(RATES))
    offset_s = random.uniform(0.1, 0.5)
    begin = int(offset_s * RATE_HZ)
    sound = np.zeros(30 * RATE_HZ, np.float32)
    sound[begin : begin + len(heard.sound)] = heard.sound / 32768 * 10 ** random.uniform(-0.3, 0)
    last_s = np.flatnonzero(np.abs(heard.sound) > 300)[-1] / RATE_HZ
    tokenizer = get_tokenizer(True, language=language, task="transcribe")
    tokens, spans = [], []
    starts_s = [start_s for _, start_s in heard.words]
    for (word, start_s), end_s in zip(heard.words, [*starts_s[1:], last_s], strict=True):
        parts = tokenizer.encode(" " + word)
        letters = np.cumsum([0, *(max(len(tokenizer.decode([part])), 1) for part in parts)])
        edges_s = offset_s + start_s + (end_s - start_s) * letters / letters[-1]
        spans += list(zip(edges_s[:-1], edges_s[1:], strict=True))
        tokens += parts
    text = torch.tensor([[*tokenizer.sot_sequence, tokenizer.no_timestamps, *tokens, tokenizer.eot]])
    with torch.no_grad():
        encoded = model.encoder(log_mel_spectrogram(torch.from_numpy(sound))[None])
        states = model.decoder.token_embedding(text) + model.decoder.positional_embedding[: text.shape[1]]
        for block in model.decoder.blocks:
            states = block(states, encoded, mask=model.decoder.mask)
    frames = int((offset_s + len(heard.sound) / RATE_HZ + 0.3) / FRAME_S)
    return states[0, len(tokenizer.sot_sequence) : -1], encoded[0, :frames], spans


def loss_of(layers, text, sound, spans):
    wanted = torch.zeros(len(text), len(sound))
    for row, (start_s, end_s) in enumerate(spans):
        low = int(start_s / FRAME_S)
        high = min(max(low + 1, math.ceil(end_s / FRAME_S)), len(sound))
        wanted[row, low:high] = 1 / max(high - low, 1)
    return sum(-(wanted * layer(text, sound).log_softmax(-1)).sum(-1).mean() for layer in layers) / len(layers)


def parts_of(layers):
    """The name in the checkpoint, without what follows the layer's part, and the part, of all that is trained."""
    for number, layer in zip(LAYERS, layers, strict=True):
        for name, part in {"cross_attn_ln": layer.norm, "cross_attn.query": layer.query, "cross_attn.key": layer.key}.items():
            yield f"decoder.blocks.{number}.{name}", part


def lines():
    for language in VOICES:
        old, new = sentences(language)
        yield from ((language, one) for one in [*random.sample(old, len(old) // 2), *random.sample(new, LATER)])


def main(name: str, out: Path, before: Path | None = None) -> None:
    torch.manual_seed(0)
    random.seed(SEED)
    model = read_model(Path(__file__).with_name(f"{name}.pt.xz"))
    examples = [example(model, language, sentence) for language, sentence in lines()]
    layers = [Attention(), Attention()]
    if before:
        known = torch.load(before, weights_only=True)
        for place, part in parts_of(layers):
            part.load_state_dict({key: known[f"{place}.{key}"].float() for key in part.state_dict()})
    optimizer = torch.optim.AdamW([weight for layer in layers for weight in layer.parameters()], lr=2e-3, weight_decay=0.05)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (0.02 + 0.49 * (1 + math.cos(math.pi * step / STEPS)))
        loss = sum(loss_of(layers, *one) for one in random.sample(examples, 6)) / 6
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kept = {f"{place}.{key}": value.half() for place, part in parts_of(layers) for key, value in part.state_dict().items()}
    torch.save(kept, out)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
