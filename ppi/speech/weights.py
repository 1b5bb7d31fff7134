"""Weights on this machine: where they lie, whether they are whole, and what to do when they are not there.

`whisper` takes one file, `base.pt`, as openai-whisper keeps it; `faster-whisper` a folder, `faster-whisper-base`; speakers are
told apart by two models in a folder of their own. All may be copied from another machine.
"""

from __future__ import annotations

from pathlib import Path

from ppi.errors import WeightsMissing
from ppi.fetched import sha256
from ppi.settings import WHISPER_SIZES, SpeechSettings

# File names of the official weights of openai-whisper.
FILES = {
    **{size: f"{size}.pt" for size in WHISPER_SIZES}, "large": "large-v3.pt", "turbo": "large-v3-turbo.pt",
}  # fmt: skip
# Repositories of the same weights, converted for CTranslate2 by the makers of faster-whisper.
REPOSITORIES = {
    **{size: f"Systran/faster-whisper-{size}" for size in WHISPER_SIZES}, "large": "Systran/faster-whisper-large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}  # fmt: skip
# What a folder needs, and what is fetched besides.
NEEDED = ("model.bin", "config.json", "tokenizer.json")
PATTERNS = (*NEEDED, "preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
# The models that tell speakers apart, as sherpa-onnx takes them: name here -> (repository, name there). When somebody speaks
# (pyannote's segmentation 3.0), and what a voice is like (CAM++ of WeSpeaker). Neither repository asks for an account.
SPEAKER_FILES = {
    "segmentation.onnx": ("csukuangfj/sherpa-onnx-pyannote-segmentation-3-0", "model.onnx"),
    "embedding.onnx": ("csukuangfj/speaker-embedding-models", "wespeaker_en_voxceleb_CAM++.onnx"),
}


def place(settings: SpeechSettings, engine: str, model: str) -> Path:
    """Where the weights of a size are kept, or the path that `model` is."""
    if model not in WHISPER_SIZES:
        return Path(model).expanduser()
    name = FILES[model] if engine == "whisper" else REPOSITORIES[model].rsplit("/")[-1]
    return settings.model_dir / name


def is_complete(engine: str, path: Path) -> bool:
    if engine == "whisper":
        return path.is_file()
    return all((path / name).is_file() for name in NEEDED)


def required(settings: SpeechSettings, engine: str, model: str) -> Path:
    """The weights on this machine. Raises WeightsMissing."""
    path = place(settings, engine, model)
    if not is_complete(engine, path):
        raise missing(model, path)
    return path


def missing(model: str, path: Path) -> WeightsMissing:
    """What to do about weights that are not there."""
    return WeightsMissing(
        "The Whisper weights {path} are not on this machine and could not be fetched. Run “python -m ppi models fetch” where "
        "there is a network and copy them there, or set WHISPER_MODEL_SIZE to a model that is there, or choose the offline "
        "engine pocketsphinx (rough, English only).",
        path=str(path),
        model=model,
    )


def has_speakers(folder: Path) -> bool:
    return all((folder / name).is_file() for name in SPEAKER_FILES)


def speakers_missing(folder: Path) -> WeightsMissing:
    """What to do about models that are not there."""
    return WeightsMissing(
        "The models that tell speakers apart are not in {path}. Run “python -m ppi models fetch speakers” where there is a "
        "network and copy that folder here, or set PPI_SPEAKERS_DIR to a folder that has them.",
        path=str(folder),
    )


def identity(engine: str, model: str, path: Path) -> str:
    """Weights of one's own are known by their bytes; those of an official size are checked when they are fetched."""
    if model in WHISPER_SIZES:
        return path.name
    file = path if engine == "whisper" else path / NEEDED[0]
    return sha256(file) if file.is_file() else ""
