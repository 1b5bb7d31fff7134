"""How words-times.pt and classroom-times.pt were made: `python -m tests.data.speech.train_times NAME OUT.pt`; fixed seed.

Two decoder layers that change nothing are put behind those of the checkpoint of that name, and their queries and keys are
trained to look where each token is said. The row of a token learns to look at its own frames, that of the start before the
sentence and that of the end behind it. Above all, at each frame the token that is said there learns to look more than all
others do, by the measure that Whisper's time warping goes by.

Every 200 steps the words of `development` sentences are found as Whisper and PPI find them; what is furthest from the truth
there decides which state is kept. One thread of a CPU; on the same machine two runs make the same file.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from whisper.audio import log_mel_spectrogram
from whisper.timing import dtw, median_filter
from whisper.tokenizer import get_tokenizer

from ppi.speech.edges import pauses, snapped
from tests.data.speech.sentences import development, sentences
from tests.espeak import RATE_HZ, spoken
from tests.fixtures_speech import read_model

WIDTH, HEADS, LAYERS, STEPS, TRY_EVERY = 96, 3, (2, 3), {"classroom": 2400, "words": 6000}, 200
SEED, EACH, LATER, AT_A_TIME, HIGHEST_RATE = 11, 6, 1900, 24, 1.2e-3
FRAME_S, MARGIN_S = 0.02, 0.3
# What stands before the text: the start, the language, the task.
BEFORE_TEXT = 3
# How much the rows count beside the frames; how much noise, of their own spread, is put on states, against learning them by
# heart; how sure the measure of a frame is taken to be; how many of the furthest words decide.
ROWS, NOISE, SURE, FURTHEST = 0.2, 0.15, 2.5, 8
VOICES = {"en": ("en-us", "en-gb"), "ru": ("ru",)}
# The tests speak at 145 words a minute, so no recording of theirs is in the training.
TESTED = 145
# A sentence begins soon or some seconds later.
LATEST_S = (0.6, 0.6, 4.0)
RATES = [rate for rate in range(130, 176) if rate != TESTED]


class Attention(torch.nn.Module):
    """The part of a decoder layer that decides where it looks: logarithms of shares, by recording, head, token and frame."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.query = torch.nn.Linear(WIDTH, WIDTH)
        self.key = torch.nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, text, sound, hidden=0.0):
        both = (self.query(self.norm(text)), self.key(sound))
        query, key = (part.view(len(part), -1, HEADS, WIDTH // HEADS).transpose(1, 2) for part in both)
        return ((query @ key.transpose(2, 3)) * (WIDTH // HEADS) ** -0.5 + hidden).log_softmax(-1)


class Example:
    """One sentence, said: states of the decoder and of the encoder, and [begin, end) of each token in seconds."""

    def __init__(self, model, language: str, sentence: str, is_tested: bool = False):
        voice, rate = (VOICES[language][0], TESTED) if is_tested else (random.choice(VOICES[language]), random.choice(RATES))
        said = spoken(sentence, voice, words_a_minute=rate)
        offset_s = MARGIN_S if is_tested else random.uniform(0.05, random.choice(LATEST_S))
        sound = np.zeros(30 * RATE_HZ, np.float32)
        begin = int(offset_s * RATE_HZ)
        sound[begin : begin + len(said.sound)] = said.sound / 32768 * (1 if is_tested else 10 ** random.uniform(-0.4, 0.05))
        if not is_tested and random.random() < 0.3:
            sound += np.random.randn(len(sound)).astype(np.float32) * 10 ** random.uniform(-4.5, -3)
        self.tokenizer = get_tokenizer(True, language=language, task="transcribe")
        self.words, self.starts_s = [word for word, _ in said.words], [offset_s + start_s for _, start_s in said.words]
        self.end_s = offset_s + np.flatnonzero(np.abs(said.sound) > 300)[-1] / RATE_HZ
        frames = int((offset_s + len(said.sound) / RATE_HZ + MARGIN_S) / FRAME_S)
        self.quiet = pauses((sound[: int(frames * FRAME_S * RATE_HZ)] * 32767).astype(np.int16))
        self._spread()
        self._see(model, sound, frames)

    def _spread(self) -> None:
        """A word's time is shared by its tokens, by letters."""
        self.tokens, self.spans, self.firsts = [], [], []
        for word, start_s, end_s in zip(self.words, self.starts_s, [*self.starts_s[1:], self.end_s], strict=True):
            parts = self.tokenizer.encode(" " + word)
            letters = np.cumsum([0, *(max(len(self.tokenizer.decode([part])), 1) for part in parts)])
            edges_s = start_s + (end_s - start_s) * letters / letters[-1]
            self.firsts.append(len(self.tokens))
            self.spans += list(zip(edges_s[:-1], edges_s[1:], strict=True))
            self.tokens += parts

    @torch.no_grad()
    def _see(self, model, sound: np.ndarray, frames: int) -> None:
        start = [*self.tokenizer.sot_sequence, self.tokenizer.no_timestamps]
        text = torch.tensor([[*start, *self.tokens]])
        encoded = model.encoder(log_mel_spectrogram(torch.from_numpy(sound))[None])
        states = model.decoder.token_embedding(text) + model.decoder.positional_embedding[: text.shape[1]]
        for block in model.decoder.blocks:
            states = block(states, encoded, mask=model.decoder.mask)
        self.text, self.sound = states[0].clone(), encoded[0, :frames].clone()
        said = (model.decoder.ln(self.text) @ model.decoder.token_embedding.weight.T).argmax(-1)[BEFORE_TEXT:-1].tolist()
        ends = [*self.firsts[1:], len(self.tokens)]
        self.is_heard = [said[a:b] == self.tokens[a:b] for a, b in zip(self.firsts, ends, strict=True)]

    def wanted(self) -> list[tuple[int, int]]:
        """[begin, end) in frames of where each row of the text should look."""
        count = len(self.sound)
        first, last = max(int(self.starts_s[0] / FRAME_S), 1), min(int(self.end_s / FRAME_S) + 1, count - 1)
        lows = [min(int(start_s / FRAME_S), count - 1) for start_s, _ in self.spans]
        highs = [math.ceil(end_s / FRAME_S) for _, end_s in self.spans]
        said = [(low, min(max(low + 1, high), count)) for low, high in zip(lows, highs, strict=True)]
        return [(0, first)] * BEFORE_TEXT + said + [(last, count)]

    @torch.no_grad()
    def away_s(self, layers) -> list[float]:
        """How far from the truth those words begin that the model hears right, found as Whisper and PPI find them."""
        looks = torch.cat([layer(self.text[None], self.sound[None])[0] for layer in layers]).exp()
        spread, middle = torch.std_mean(looks, dim=-2, keepdim=True, unbiased=False)
        rows, frames = dtw(-median_filter((looks - middle) / spread, 7).mean(0)[BEFORE_TEXT:])
        edges_s = frames[np.pad(np.diff(rows), (1, 0), constant_values=1).astype(bool)] * FRAME_S
        ends = [*self.firsts[1:], len(self.tokens)]
        found = [
            {"start": float(edges_s[a]), "end": float(edges_s[b])} for a, b in zip(self.firsts, ends, strict=True)
        ]
        pairs = zip(snapped(found, self.quiet), self.starts_s, self.is_heard, strict=True)
        return [abs(word["start"] - start_s) for word, start_s, is_heard in pairs if is_heard]


def loss_of(layers, examples) -> torch.Tensor:
    rows, frames = (max(len(getattr(one, part)) for one in examples) for part in ("text", "sound"))
    text, sound = torch.zeros(len(examples), rows, WIDTH), torch.zeros(len(examples), frames, WIDTH)
    wanted, is_row = torch.zeros(len(examples), rows, frames), torch.zeros(len(examples), rows, 1)
    hidden, owner = torch.zeros(len(examples), 1, 1, frames), torch.full((len(examples), frames), -1)
    for place, one in enumerate(examples):
        text[place, : len(one.text)], is_row[place, : len(one.text)] = one.text, 1
        sound[place, : len(one.sound)], hidden[place, ..., len(one.sound) :] = one.sound, -1e4
        for row, (low, high) in enumerate(one.wanted()):
            wanted[place, row, low:high] = 1 / (high - low)
            if row >= BEFORE_TEXT:
                owner[place, low:high] = row
    text, sound = (states + NOISE * states.std((0, 1)) * torch.randn_like(states) for states in (text, sound))
    looks = torch.cat([layer(text, sound, hidden) for layer in layers], 1)
    by_row = -(wanted[:, None] * looks).sum() / (wanted.sum() * looks.shape[1])
    by_frame = (SURE * measure(looks.exp(), is_row)).masked_fill(is_row == 0, -1e4).log_softmax(1)
    return ROWS * by_row + torch.nn.functional.nll_loss(by_frame, owner, ignore_index=-1)


def measure(looks: torch.Tensor, is_row: torch.Tensor) -> torch.Tensor:
    """By recording, token and frame: how many standard deviations a token looks more than the others there, in the mean of all
    heads and five frames. Whisper takes the median of seven, through which nothing is learned.
    """
    is_row, count = is_row[:, None], is_row.sum(1)[:, None, None]
    apart = (looks - (looks * is_row).sum(2, keepdim=True) / count) * is_row
    spread = ((apart**2).sum(2, keepdim=True) / count + 1e-14).sqrt()
    one_head = (apart / spread).mean(1)
    return torch.nn.functional.avg_pool1d(one_head.flatten(0, 1)[:, None], 5, 1, 2).view(one_head.shape)


def parts_of(layers):
    """The name in the checkpoint, without what follows the layer's part, and the part, of all that is trained."""
    for number, layer in zip(LAYERS, layers, strict=True):
        for name, part in {"cross_attn_ln": layer.norm, "cross_attn.query": layer.query, "cross_attn.key": layer.key}.items():
            yield f"decoder.blocks.{number}.{name}", part


def taught(name: str, language: str) -> list[str]:
    """What is said to it. Of the few sentences that classroom knows, all of them, each in several recordings."""
    old, new = sentences(language)
    if name == "classroom":
        return old * EACH
    kept = development(name, language)
    return [one for one in [*random.sample(old, len(old) // 2), *random.sample(new, LATER)] if one not in kept]


def furthest_s(layers, examples) -> float:
    return float(np.sort(np.concatenate([one.away_s(layers) for one in examples]))[-FURTHEST:].mean())


def save(layers, out: Path) -> None:
    torch.save({f"{at}.{key}": value.half() for at, part in parts_of(layers) for key, value in part.state_dict().items()}, out)


def main(name: str, out: Path) -> None:
    torch.manual_seed(0)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.set_num_threads(1)
    model = read_model(Path(__file__).with_name(f"{name}.pt.xz"))
    examples = [Example(model, language, sentence) for language in VOICES for sentence in taught(name, language)]
    tried = [Example(model, language, one, is_tested=True) for language in VOICES for one in development(name, language)]
    layers = [Attention(), Attention()]
    optimizer = torch.optim.AdamW([weight for layer in layers for weight in layer.parameters()], weight_decay=0.01)
    best_s, steps = float("inf"), STEPS[name]
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = HIGHEST_RATE * min(1, step / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        torch.set_num_threads(1)  # which Whisper's time warping changes
        loss = loss_of(layers, random.sample(examples, AT_A_TIME))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % TRY_EVERY == 0:
            now_s = furthest_s(layers, tried)
            print(step, round(loss.item(), 3), round(now_s, 3), flush=True)
            if now_s < best_s:
                best_s = now_s
                save(layers, out)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
