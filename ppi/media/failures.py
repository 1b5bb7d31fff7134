"""What a program's end means: its exit code and last words as an error of PPI, without the server's paths."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ppi.errors import DiskFull, PpiError, ToolFailed, UnsupportedMedia, in_place_of, message, translatable

TAIL_BYTES = 2000
CANNOT_START, UNREADABLE = 127, 3
# A signal that ended the program itself, or as bubblewrap passes it on.
OVER_LIMIT = tuple(code for sent in (signal.SIGXCPU, signal.SIGKILL, signal.SIGXFSZ) for code in (-sent, 128 + sent))
NOT_STARTED = in_place_of(
    "The program that reads recordings cannot be started. Tell the administrator, who finds the reason in the log and "
    "checks FFMPEG_BINARY.",
    "The program cannot be started ({reason}). Check FFMPEG_BINARY.",
)
STOPPED = in_place_of(
    "ffmpeg stopped with an error at this recording. Try again with another copy of it, or convert it to MP4 (H.264 and "
    "AAC). The administrator finds in the log what ffmpeg said.",
    "ffmpeg stopped with an error ({reason}). Convert the file to MP4 and try again.",
)
NO_STREAM = translatable("it has no picture or no sound where one is needed")
# Words of ffmpeg about a source, as against words about itself, and what they mean; the first that fit count.
BAD_SOURCE = {
    "moov atom not found": translatable("its end is missing: it was not recorded or not copied whole"),
    "whitelist": translatable("it is of a kind that PPI does not open"),
    "matches no streams": NO_STREAM,
    "does not contain any stream": NO_STREAM,
    "could not find codec parameters": translatable("it does not say how picture or sound are kept in it"),
    "Error while decoding": translatable("a part of it is damaged"),
    "Invalid data found": translatable("it is damaged, or no recording"),
}


def last_words(words: IO[bytes], hidden: Sequence[Path]) -> str:
    """The program's last words. Paths of the server are nobody's business, nor are addresses in memory."""
    words.seek(max(0, words.seek(0, os.SEEK_END) - TAIL_BYTES))
    tail = words.read().decode("utf-8", "replace")
    for path in sorted({str(path) for path in hidden}, key=len, reverse=True):
        tail = tail.replace(path, "the file")
    tail = re.sub(r"(the file|file:)?/[^\s:'\"]+", "the file", tail)
    return re.sub(r" @ 0x[0-9a-f]+", "", tail).strip()


def failure(code: int, tail: str) -> PpiError:
    """The error to raise; exit codes below zero are signals, 3 is the inspector's, 127 the launcher's.

    The error says what happened in words of PPI; the program's own, which are English and often mean nothing to who reads, it
    keeps as `words`.
    Bubblewrap ends with 1 when it cannot do what it is for, and begins its last words with its name.
    """
    words = tail.splitlines()[-1][:300] if tail else f"exit code {code}"
    if "No space left on device" in tail:
        return DiskFull("There is no room left on the disk. Free some space and try again.")
    if code in OVER_LIMIT or re.search(r"Cannot allocate memory|MemoryError", tail):
        return ToolFailed(
            "Reading this recording needed more time, memory or space than is allowed. Convert it to MP4 (H.264 and "
            "AAC) and try again."
        )
    if code == CANNOT_START or tail.startswith("bwrap: "):
        return ToolFailed(NOT_STARTED, words=words)
    if known := next((meaning for found, meaning in BAD_SOURCE.items() if found in tail), ""):
        return UnsupportedMedia(
            "The file could not be read as a recording ({reason}). Convert it to MP4 (H.264 and AAC) and try again.",
            reason=message(known, {}), words=words,
        )  # fmt: skip
    if code == UNREADABLE:
        return UnsupportedMedia(
            "The file could not be read as a recording. Try another copy of it, or convert it to MP4 (H.264 and AAC).",
            words=words,
        )
    return ToolFailed(STOPPED, words=words)
