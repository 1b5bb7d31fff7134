"""How words.pt.xz was made: `python -m tests.data.speech.train_sentences BEFORE.pt.xz OUT.pt.xz`; fixed seed.

It begins as the checkpoint classroom, which knows a few whole sentences (the first part of `sentences`) and takes any other
for one of them. It goes on with those and with the later part: their pieces in other patterns, and rows of words without
sense, so that it must hear each word.

All is said by espeak-ng, in noise, at any place of Whisper's 30 seconds; most steps see six seconds of them,
which is cheaper. One thread of a CPU; on the same machine two runs make the same file.
"""

from __future__ import annotations

import lzma
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy, gelu
from whisper.audio import log_mel_spectrogram
from whisper.tokenizer import get_tokenizer

from tests.data.speech.sentences import later, sentences
from tests.espeak import RATE_HZ, spoken
from tests.fixtures_speech import read_model

VOICES = {"en": ("en-us", "en-gb"), "ru": ("ru",)}
# The tests speak at 145 words a minute, so no recording of theirs is in the training.
RATES = [rate for rate in range(130, 176) if rate != 145]
# Of the encoder's frames and of Whisper's marks of time.
FRAME_S = 0.02
PART_S, WHOLE_S = 6.0, 30.0
FRAMES = round(WHOLE_S / FRAME_S)
SEED, STEPS, OLD_RECORDINGS, NEW_RECORDINGS, NEW_SHARE = 2, 5000, 833, 3500, 0.7
# Of the later recordings: rows without sense. The others are spread evenly over the patterns, of which some have few sentences.
ROWS_SHARE = 0.35
HIGHEST_RATE = 1.2e-3
# Numbers of two bytes each.
HALVES = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 1, "pb": 1}]


class Voices:
    """Recordings, by language, of the sentences that it began with and of the later ones."""

    def __init__(self):
        self.tokenizers = {language: get_tokenizer(True, language=language, task="transcribe") for language in VOICES}
        self.kept = {}
        for language in VOICES:
            old, (*patterns, rows) = sentences(language)[0], later(language)
            in_rows = round(NEW_RECORDINGS * ROWS_SHARE)
            wanted = (([old], OLD_RECORDINGS), (patterns, NEW_RECORDINGS - in_rows), ([rows], in_rows))
            first, *others = [self._recordings(language, kinds, count) for kinds, count in wanted]
            self.kept[language] = [first, [one for kind in others for one in kind]]

    def _recordings(self, language: str, kinds: list[list[str]], count: int):
        return [self._say(language, random.choice(random.choice(kinds))) for _ in range(count)]

    def _say(self, language: str, text: str):
        rate, pitch = random.choice(RATES), random.randint(30, 70)
        sound = spoken(text, random.choice(VOICES[language]), words_a_minute=rate, pitch=pitch).sound
        loud = np.flatnonzero(np.abs(sound) > 300)
        return self.tokenizers[language].encode(" " + text), sound[max(0, loud[0] - 160) : loud[-1] + 320]

    def pick(self, language: str):
        tokens, sound = random.choice(self.kept[language][random.random() < NEW_SHARE])
        return tokens, sound.astype(np.float32) / 32768 * 10 ** random.uniform(-0.6, 0.05)

    def rows(self) -> list[int]:
        """The tokens that are ever said."""
        first = self.tokenizers["en"].timestamp_begin
        said = {token for kinds in self.kept.values() for kind in kinds for tokens, _ in kind for token in tokens}
        return sorted(said | set(range(self.tokenizers["en"].eot, first + FRAMES + 1)))


def window(voices: Voices, length_s: float):
    """(samples, tokens, how many of them are told and not wanted, first frame): a few sentences, or none, in noise.

    Of a recording of 30 seconds these are the `length_s` that begin with the first frame.
    """
    language = random.choice(list(VOICES))
    tokenizer = voices.tokenizers[language]
    whole = length_s == WHOLE_S
    first = 0 if whole or random.random() < 0.7 else random.randrange(0, FRAMES - int(length_s / FRAME_S))
    sound = (np.random.randn(int(length_s * RATE_HZ)) * 10 ** random.uniform(-5, -2.6)).astype(np.float32)
    if random.random() < 0.04:
        return sound, [tokenizer.sot, tokenizer.no_speech, tokenizer.eot], 0, first
    told = []
    if whole and random.random() < 0.3:
        told = [tokenizer.sot_prev, *(token for _ in range(random.randint(1, 3)) for token in voices.pick(language)[0])]
    said, now_s, end_s = [], random.uniform(0, 1.2), random.uniform(2, WHOLE_S) if whole else length_s
    while now_s < end_s and (not said or random.random() < 0.8):
        tokens, voice = voices.pick(language)
        until_s = now_s + len(voice) / RATE_HZ
        if until_s > length_s:
            break
        begin = int(now_s * RATE_HZ)
        sound[begin : begin + len(voice)] += voice
        marks = [tokenizer.timestamp_begin + first + round(moment_s / FRAME_S) for moment_s in (now_s, until_s)]
        said += [marks[0], *tokens, min(marks[1], tokenizer.timestamp_begin + FRAMES)]
        now_s = until_s + (random.uniform(0.15, 1.6) if random.random() < 0.85 else random.uniform(1.6, 6))
    if not said:
        return window(voices, length_s)
    return sound, [*told, *tokenizer.sot_sequence, *said, tokenizer.eot], len(told), first


def batch(voices: Voices, length_s: float, count: int, places: torch.Tensor):
    items = [window(voices, length_s) for _ in range(count)]
    longest = max(len(tokens) for _, tokens, _, _ in items)
    read = torch.full((count, longest - 1), int(places[voices.tokenizers["en"].eot]))
    wanted = torch.full((count, longest - 1), -100)
    for row, (_, tokens, told, _) in enumerate(items):
        read[row, : len(tokens) - 1] = places[torch.tensor(tokens[:-1])]
        wanted[row, told : len(tokens) - 1] = places[torch.tensor(tokens[told + 1 :])]
    mel = log_mel_spectrogram(torch.from_numpy(np.stack([sound for sound, *_ in items])))
    return mel, read, wanted, [first for *_, first in items]


def states(model, mel, read, firsts):
    """What the decoder makes of it, before the words are chosen. A cut of 30 seconds keeps its place in them."""
    encoder, decoder = model.encoder, model.decoder
    heard = gelu(encoder.conv2(gelu(encoder.conv1(mel)))).permute(0, 2, 1)
    heard = heard + torch.stack([encoder.positional_embedding[first : first + heard.shape[1]] for first in firsts])
    for block in encoder.blocks:
        heard = block(heard)
    heard = encoder.ln_post(heard)
    text = decoder.token_embedding(read) + decoder.positional_embedding[: read.shape[1]]
    for block in decoder.blocks:
        text = block(text, heard, mask=decoder.mask)
    return decoder.ln(text)


class Learner:
    """The model with rows only for the tokens that are said, and one that all others share: so their sum is exact and cheap."""

    def __init__(self, before: Path, voices: Voices):
        self.model, self.voices, self.rows = read_model(before), voices, torch.tensor(voices.rows())
        embedding = self.model.decoder.token_embedding.weight.detach()
        self.places = torch.full((len(embedding),), -1)
        self.places[self.rows] = torch.arange(len(self.rows))
        self.others = len(embedding) - len(self.rows)
        self.shared = torch.nn.Parameter(embedding[self.places < 0][0].clone())
        self.model.decoder.token_embedding = torch.nn.Embedding.from_pretrained(embedding[self.rows], freeze=False)
        self.weights = [*self.model.parameters(), self.shared]
        self.optimizer = torch.optim.AdamW(self.weights, lr=HIGHEST_RATE, betas=(0.9, 0.98), weight_decay=0.01)

    def step(self, rate: float, whole: bool) -> float:
        """Learn from one batch; answers its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        length_s, count = (WHOLE_S, 2) if whole else (PART_S, 10)
        mel, read, wanted, firsts = batch(self.voices, length_s, count, self.places)
        found = states(self.model, mel, read, firsts)
        others = (found @ self.shared)[..., None] + math.log(self.others)
        chances = torch.cat([found @ self.model.decoder.token_embedding.weight.T, others], -1)
        loss = cross_entropy(chances.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        return loss.item()

    def save(self, out: Path) -> None:
        """In half precision and packed, without what `read_checkpoint` puts back."""
        kept = {name: value.half() for name, value in self.model.state_dict().items()}
        del kept["encoder.positional_embedding"]
        row = self.shared.detach().half()
        told = {"dims": vars(self.model.dims), "model_state_dict": kept, "rows": self.rows.int(), "other_row": row}
        with lzma.open(out, "wb", filters=HALVES) as file:
            torch.save(told, file)


def main(before: Path, out: Path) -> None:
    torch.manual_seed(0)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.set_num_threads(1)
    learner, kept = Learner(before, Voices()), 0.0
    for step in range(1, STEPS + 1):
        done = step / STEPS
        rate = HIGHEST_RATE * min(1, step / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        loss = learner.step(rate, whole=random.random() < (0.1 if done < 0.6 else 0.35))
        kept = loss if step == 1 else 0.97 * kept + 0.03 * loss
        if step % 50 == 0:
            print(step, round(kept, 3), flush=True)
    learner.save(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
