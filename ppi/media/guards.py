"""What may be opened, and how: white lists, and a scratch folder in which a program finds one file.

A file of a hundred bytes named lesson.mp4 can be a playlist that makes a plain ffmpeg read somebody else's video, and a
protocol white list alone does not stop it. So formats and codecs are listed too, and the program sees one file under a
random name without an extension in a folder of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppi.errors import NotFound

# Demuxers of MP4/MOV/3GP/M4A, MKV/WebM, AVI and the transport streams of camcorders, and of plain sound files.
FORMATS = "mov,matroska,avi,mpegts,wav,w64,mp3,flac,ogg,aac,aiff"
# Decoders by their ffmpeg names: what cameras, phones, browsers and editors write. Phones and old cameras add AMR,
# ADPCM, the PCM kinds and Motion JPEG. Rare decoders stay out: one of them (magicyuv) had a hole that a 50 KB file
# could use.
CODECS = (
    "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,mpeg2video,mpeg1video,mjpeg,h263,prores,dvvideo,"
    "msmpeg4,msmpeg4v2,msmpeg4v3,wmv1,wmv2,wmv3,vc1,rawvideo,"
    "aac,mp3,mp3float,mp2,mp2float,ac3,eac3,flac,alac,opus,libopus,vorbis,libvorbis,wmav1,wmav2,amrnb,amrwb,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,"
    "pcm_mulaw,pcm_alaw"
)
LISTS = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "codec_whitelist": CODECS}
SCRATCH = "ppi-media-"


def sweep_scratch() -> int:
    """Remove the scratch folders of processes that were killed; answers how many there were."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        owner = folder.name.removeprefix(SCRATCH).split("-")[0]
        if owner.isdecimal() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    return swept


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        return True
    return True


@contextmanager
def scratch_input(source: Path) -> Iterator[Path]:
    """The source under a random name without extension, alone in a fresh folder that goes away afterwards.

    Raises NotFound when there is no such file.
    """
    if not source.is_file():
        raise NotFound("The file {name} is not there any more. Upload it again.", name=source.name)
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    name = folder / secrets.token_hex(8)
    try:
        os.symlink(source.resolve(), name)
        yield name
    finally:
        shutil.rmtree(folder, ignore_errors=True)
