"""The only speller of object keys. Names stay readable; whatever could hurt a disk, a shell or a reader is taken out."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

MAX_NAME_BYTES = 200
USER_ID, USER_NAME, LESSON_ID = "user-id", "user-name", "lesson-id"

JOINER = "\u200d"  # holds emoji together
_SLASHES = re.compile(r"[/\\\u2044\u2215\u2216\u27cb\u27cd\u29f5\u29f8\u29f9\ufe68\uff0f\uff3c]")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_FALLBACK = "file"
# Endings of what is made from a video: one that is itself called so would be replaced by it.
_DERIVED = (".wav", ".txt", ".srt", ".vtt")


def clean_name(name: str) -> str:
    """A file or lesson name as one safe part of a key: NFC, no slashes, control or direction characters, 200 bytes.

    Cyrillic, spaces and emoji stay, the extension survives shortening, and the result is never empty.
    """
    name = _SLASHES.sub("_", name.encode("utf-8", "ignore").decode())
    name = "".join(letter for letter in name if letter == JOINER or unicodedata.category(letter)[0] != "C")
    # After the removals: letters and accents that they kept apart have met.
    name = re.sub(r"\s+", " ", unicodedata.normalize("NFC", name))
    name = _shorten(name.lstrip(" .-~" + JOINER).rstrip(" ." + JOINER) or _FALLBACK)
    return _shorten(f"_{name}") if _RESERVED.match(name) else name


def lesson_prefix(owner_name: str, role: str, task_name: str, day: date, serial: int = 1) -> str:
    """`task_YYYYMMDD/` for administrators, `username/task_YYYYMMDD/` for others; the 2nd lesson of a name gets `-2`."""
    mark = f"_{day:%Y%m%d}" + (f"-{serial}" if serial > 1 else "")
    lesson = _cut(clean_name(task_name), MAX_NAME_BYTES - len(mark)) + mark
    return f"{lesson}/" if role == "admin" else f"{clean_name(owner_name)}/{lesson}/"


def video_key(prefix: str, file_name: str) -> str:
    """Where the lesson's video lies; one that is called `lesson.wav` becomes `lesson.wav.video`."""
    name = clean_name(file_name)
    return prefix + (f"{name}.video" if name.lower().endswith(_DERIVED) else name)


def stem(key: str) -> str:
    """The file name without folders and extension."""
    name = key.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0] if "." in name[1:] else name


def extension(key: str) -> str:
    """What stands behind the last dot, or the whole key."""
    return key.rsplit(".", 1)[-1]


def derivative_key(video: str, suffix: str) -> str:
    """The key of what was made from a video: its own with another ending (".wav", ".summary.docx")."""
    return video[: len(video) - len(video.rsplit("/", 1)[-1])] + stem(video) + suffix


def dataset_prefix(prefix: str, name: str) -> str:
    """Where a dataset of the lesson lies in the final bucket."""
    return f"{prefix}{clean_name(name)}/"


# Before the keys of all that belongs to joined datasets; no lesson begins so.
JOINED = "~joined/"


def joined_record(dataset_id: str) -> str:
    """What is known of a joined dataset, in the final bucket; with "" the prefix of all of them.

    No lesson's key begins like this: `clean_name` takes the sign off.
    """
    return f"~joined/about/{dataset_id}.json" if dataset_id else "~joined/about/"


def joined_prefix(dataset_id: str, build: str = "") -> str:
    """Where the builds of a joined dataset lie in the final bucket, or one of them."""
    return f"~joined/data/{dataset_id}/" + (f"{build}/" if build else "")


def joined_pushes(dataset_id: str) -> str:
    """What was published of a joined dataset, in the final bucket; with "" the prefix of all of it."""
    return f"~joined/pushes/{dataset_id}.json" if dataset_id else "~joined/pushes/"


def joined_rows(dataset_id: str, name: str = "") -> str:
    """Where the rows of the versions of a joined dataset lie in the final bucket, or those of one."""
    return f"~joined/rows/{dataset_id}/{name}"


def kept_pushes(lesson_id: str) -> str:
    """What is kept of a deleted lesson that was published, in the final bucket; with "" the prefix of all of it."""
    return f"~pushes/{lesson_id}.json" if lesson_id else "~pushes/"


def joined_dry_run(dataset_id: str) -> str:
    """What the last dry run of a push found, in the final bucket."""
    return f"~joined/dry-runs/{dataset_id}.json"


def word_lists(user_id: str) -> str:
    """The lists of words that an account keeps, in the final bucket, where no list of files shows them."""
    return f"~words/{user_id}.json"


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    base, dot, extension = name.rpartition(".")
    if not base or len(extension) > 10:
        base, dot, extension = name, "", ""
    return _cut(base, MAX_NAME_BYTES - len((dot + extension).encode())) + dot + extension


def _cut(text: str, size_bytes: int) -> str:
    """Cut on a character, not leaving a joiner or a space at the end."""
    return text.encode()[:size_bytes].decode("utf-8", "ignore").rstrip(JOINER + " .")
