"""The shape of a recording's sound, for drawing: the lowest and the highest sample of each of many short stretches.

The file is that of audiowaveform, version 2 with 8 bits
(https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md): a head of six 32-bit numbers, then for each stretch its
lowest and its highest sample, -128..127.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ppi.media.audio import OUTLINE_HZ

# version, flags (1: 8 bits), samples a second, samples in a stretch, stretches, channels
HEAD = struct.Struct("<iIiiIi")
VERSION, EIGHT_BITS = 2, 1
# 20 ms: syllables stand apart. Longer recordings get longer stretches, so that none has more than 128 KiB of them.
FINEST_SAMPLES = OUTLINE_HZ // 50
MOST_STRETCHES = 65_536
# How many are measured at once.
STRETCHES = 512


def measure(pcm: Path, target: Path) -> None:
    """Write the peaks of mono samples (16 bits, OUTLINE_HZ). The last stretch may hold fewer samples than the others."""
    samples = pcm.stat().st_size // 2
    length = max(FINEST_SAMPLES, -(-samples // MOST_STRETCHES))
    with pcm.open("rb") as source, target.open("wb") as out:
        out.write(HEAD.pack(VERSION, EIGHT_BITS, OUTLINE_HZ, length, -(-samples // length), 1))
        while block := source.read(STRETCHES * length * 2):
            heard = np.frombuffer(block, "<i2")
            stretches = np.pad(heard, (0, -len(heard) % length), mode="edge").reshape(-1, length)
            ends = np.stack((stretches.min(axis=1), stretches.max(axis=1)), axis=1)
            out.write((ends >> 8).astype(np.int8).tobytes())


def coarser(peaks: bytes, most: int) -> bytes:
    """The same file with at most `most` stretches, each as long as several of before; unchanged when it has no more."""
    version, flags, rate_hz, length, count, channels = HEAD.unpack_from(peaks)
    together = -(-count // most)
    if together <= 1:
        return peaks
    ends = memoryview(peaks)[HEAD.size :].cast("b")
    lows, highs = ends[::2].tolist(), ends[1::2].tolist()
    joined = [
        end
        for begin in range(0, count, together)
        for end in (min(lows[begin : begin + together]), max(highs[begin : begin + together]))
    ]
    head = HEAD.pack(version, flags, rate_hz, length * together, len(joined) // 2, channels)
    return head + struct.pack(f"{len(joined)}b", *joined)
