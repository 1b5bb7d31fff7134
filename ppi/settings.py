"""Settings: one frozen object read from the environment, which nothing else reads.

`Settings.from_env()` collects every fault and reports them together. docs/configuration.md lists all
variables; a test keeps the two equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ppi.errors import SettingsError
from ppi.records import Stated
from ppi.variables import Variables

GIB = 1024**3
HUB = "https://huggingface.co"
SPEECH_ENGINES = ("faster-whisper", "whisper", "pocketsphinx")
# "large" is the newest large one, large-v3.
WHISPER_SIZES = ("tiny", "base", "small", "medium", "large", "large-v2", "large-v3", "turbo")
WHISPER_DEVICES = ("auto", "cpu", "cuda")
MOST_SPEAKERS = 50
# A folder or owner/name; or one for each language: en=owner/name, ru=/srv/models/russian
ALIGNERS = r"|[^,=]*/[^,=]*|[a-z]{2,3}=[^,=]*/[^,=]*(,\s*[a-z]{2,3}=[^,=]*/[^,=]*)*"
COMPUTE_TYPES = ("int8", "int8_float16", "int8_float32", "float16", "bfloat16", "float32")


@dataclass(frozen=True)
class WebSettings:
    """`public_url` is the address people and Label Studio use, without a trailing slash; "" means that of the request.

    `secret_key` is "" when the one kept in the data folder is to be used. `event_streams` is how many pages of one process
    are told at once what happens, 0 for none; the others ask.
    """

    host: str
    port: int
    public_url: str
    is_behind_proxy: bool
    event_streams: int
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class UploadSettings:
    max_upload_bytes: int
    dl_user_max_files: int
    unfinished_expiry_s: int


@dataclass(frozen=True)
class StorageSettings:
    """An empty `endpoint` means the local store under the data folder."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    is_secure: bool = False
    public_url: str = ""
    raw_bucket: str = "raw-data"
    final_bucket: str = "final-dataset"
    cache_bytes: int = 20 * GIB


@dataclass(frozen=True)
class RedisSettings:
    """When enabled, jobs, lessons and counters live in Redis, and Celery workers do the work."""

    is_enabled: bool
    host: str
    port: int
    db: int
    password: str = field(repr=False)
    is_secure: bool = False


@dataclass(frozen=True)
class JobSettings:
    """`heavy` and `light` are how many jobs of the heavy and the light queues run at a time on one machine.

    `retention_s` is how long lessons are kept after their last change, 0 for ever.
    """

    heavy: int
    light: int
    lease_s: float
    renew_s: float
    max_attempts: int
    is_run_in_web: bool
    retention_s: int


@dataclass(frozen=True)
class MediaSettings:
    """`ffmpeg_binary` "" means the system's ffmpeg, else the one of the imageio-ffmpeg wheel.

    `cutters` is how many clips of a build are cut at a time, 0 for one on each processor core.
    """

    ffmpeg_binary: str
    max_duration_s: float
    max_pixels: int
    cutters: int = 0


@dataclass(frozen=True)
class SpeakersSettings:
    """Whether speakers are told apart after each transcription. `folder` holds the models; `count` is how many people speak
    in a lesson, 0 to have it found out.
    """

    is_on: bool
    folder: Path
    count: int


@dataclass(frozen=True)
class SpeechSettings:
    """`engine` is one of SPEECH_ENGINES, "" for the best that is installed; `model` a Whisper size or a path.

    `model_dir` holds the weights. `compute_type` "" means the one measured for this machine, else the device's usual one.
    `phrases` are names and subject words that lessons are full of. `choice_file` keeps what was measured, `lock_file` lets
    one process of the machine hear at a time; both lie in the data folder. `hub` is where weights are fetched. `aligner` names
    models that find when words are said, as ALIGNERS says; "" for none.
    """

    engine: str
    model: str
    language: str
    model_dir: Path
    device: str
    compute_type: str
    phrases: str
    aligner: str
    choice_file: Path
    lock_file: Path
    hub: str
    speakers: SpeakersSettings


@dataclass(frozen=True)
class SummarySettings:
    """`model` is a folder or repository of a local chat model, "" for none; `model_dir` holds repositories fetched from `hub`,
    which is shown `hub_token` when it gives one to nobody else.

    `base_url` is the address of a server that speaks OpenAI's chat protocol, without a trailing slash, "" for none;
    `chat_model` is its name there, `context_tokens` how much it reads and writes in one call, `timeout_s` how long it
    may say nothing.
    """

    model: str = ""
    base_url: str = ""
    chat_model: str = ""
    api_key: str = field(default="", repr=False)
    context_tokens: int = 8192
    timeout_s: float = 300.0
    model_dir: Path = Path("~/.cache/ppi/chat").expanduser()
    hub: str = HUB
    hub_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class LabelStudioSettings:
    """`url` is what annotators see in their browser, without a trailing slash; `token` "" means not connected.

    `data_dir` is the folder that a Label Studio on this machine serves local files from, "" for none.
    """

    url: str
    token: str = field(repr=False)
    data_dir: str = ""


@dataclass(frozen=True)
class HubSettings:
    endpoint: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """`stated` tells each variable as it is in force, for people to look at."""

    data_dir: Path
    users_file: Path
    log_file: Path
    audit_s: int
    web: WebSettings
    upload: UploadSettings
    storage: StorageSettings
    jobs: JobSettings
    redis: RedisSettings
    media: MediaSettings
    speech: SpeechSettings
    summary: SummarySettings
    label_studio: LabelStudioSettings
    hub: HubSettings
    stated: tuple[Stated, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environ` (the process environment with `.env` when None).

        Raises SettingsError that names every faulty variable with the form expected.
        """
        in_file: Mapping[str, str | None] = {}
        if environ is None:
            from dotenv import dotenv_values, load_dotenv

            in_file = dotenv_values(Path.cwd() / ".env")
            load_dotenv(Path.cwd() / ".env")
            environ = os.environ
        return _Reader(environ, in_file).settings()


VARIABLES = (
    "PPI_DATA_DIR", "PPI_USERS_FILE", "APP_LOG_FILE", "PPI_AUDIT_DAYS", "SECRET_KEY", "PPI_HOST", "PPI_PORT",
    "PPI_PUBLIC_URL", "PPI_BEHIND_PROXY", "PPI_EVENT_STREAMS", "LABEL_STUDIO_URL", "LABEL_STUDIO_TOKEN",
    "LABEL_STUDIO_DATA_DIR", "MAX_UPLOAD_BYTES", "DL_USER_MAX_FILES", "PPI_UNFINISHED_UPLOAD_HOURS", "MINIO_ENDPOINT",
    "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY",
    "MINIO_SECURE", "MINIO_PUBLIC_URL", "RAW_DATA_BUCKET", "FINAL_DATASET_BUCKET", "PPI_CACHE_BYTES", "REDIS_ENABLED",
    "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_PASSWORD", "REDIS_SECURE", "PPI_RETENTION_DAYS", "PPI_HEAVY_JOBS",
    "PPI_LIGHT_JOBS", "PPI_LEASE_S", "PPI_JOBS_IN_WEB", "FFMPEG_BINARY", "PPI_MAX_DURATION_HOURS", "PPI_MAX_PIXELS",
    "PPI_CLIPS_AT_ONCE", "SPEECH_ENGINE", "WHISPER_MODEL_SIZE", "WHISPER_MODEL_DIR", "WHISPER_DEVICE",
    "WHISPER_COMPUTE_TYPE", "PPI_SPEECH_LANGUAGE", "PPI_SPEECH_PHRASES", "PPI_SPEAKERS", "PPI_SPEAKERS_DIR",
    "PPI_SPEAKERS_COUNT", "SUMMARY_MODEL", "SUMMARY_MODEL_DIR", "LLM_BASE_URL", "LLM_MODEL",
    "LLM_API_KEY", "LLM_CONTEXT_TOKENS", "LLM_TIMEOUT_S", "HF_TOKEN", "HF_ENDPOINT",
    "ALIGNER_MODEL",
)  # fmt: skip


SECRETS = {
    "SECRET_KEY", "LABEL_STUDIO_TOKEN", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "REDIS_PASSWORD", "LLM_API_KEY", "HF_TOKEN",
}  # fmt: skip


class _Reader(Variables):
    """Reads all of them, section by section; `in_file` is what `.env` says."""

    def __init__(self, environ: Mapping[str, str], in_file: Mapping[str, str | None]):
        super().__init__(environ)
        self._in_file = in_file

    def settings(self) -> Settings:
        data_dir = self.path("PPI_DATA_DIR", "./data")
        hub = HubSettings(endpoint=self.url("HF_ENDPOINT", HUB), token=self.text("HF_TOKEN"))
        values = dict(
            data_dir=data_dir,
            users_file=self.path("PPI_USERS_FILE", str(data_dir / "users.json")),
            log_file=self.path("APP_LOG_FILE", str(data_dir / "logs" / "ppi.log")),
            audit_s=self.number("PPI_AUDIT_DAYS", 365, 0) * 86_400, web=self._web(), upload=self._upload(),
            storage=self._storage(), jobs=self._jobs(), redis=self._redis(), media=self._media(),
            speech=self._speech(data_dir, hub.endpoint), summary=self._summary(hub), label_studio=self._label_studio(),
            hub=hub,
        )  # fmt: skip
        if self._faults:
            raise SettingsError("The settings cannot be used:\n  {faults}", faults="\n  ".join(self._faults))
        return Settings(**values, stated=self._stated())

    def _stated(self) -> tuple[Stated, ...]:
        found = []
        for name in VARIABLES:
            given = self._environ.get(name, "").strip()
            source = "environment" if given else "default"
            if given and (self._in_file.get(name) or "").strip() == given:
                source = "file"
            # Addresses may name somebody and a password.
            value = "" if name in SECRETS else re.sub(r"//[^/@]*@", "//***@", self._values.get(name, given))
            found.append(Stated(name, value, source, self._defaults.get(name, ""), name in SECRETS))
        return tuple(found)

    def _web(self) -> WebSettings:
        given = self.text("SECRET_KEY")
        if given and len(given) < 16:
            self._faults.append("SECRET_KEY: expected at least 16 characters, or nothing to have one made")
        return WebSettings(
            host=self.text("PPI_HOST", "127.0.0.1"), port=self.number("PPI_PORT", 5000, 1, 65535),
            public_url=self.url("PPI_PUBLIC_URL"), is_behind_proxy=self.flag("PPI_BEHIND_PROXY", False),
            event_streams=self.number("PPI_EVENT_STREAMS", 16, 0, 48), secret_key=given,
        )  # fmt: skip

    def _label_studio(self) -> LabelStudioSettings:
        url = self.url("LABEL_STUDIO_URL", "http://localhost:8080")
        token = self.text("LABEL_STUDIO_TOKEN")
        if not all("!" <= letter <= "~" for letter in token):
            self._faults.append("LABEL_STUDIO_TOKEN: expected a token of Label Studio, without spaces")
        return LabelStudioSettings(url=url, data_dir=self.absolute_path("LABEL_STUDIO_DATA_DIR"), token=token)

    def _upload(self) -> UploadSettings:
        return UploadSettings(
            max_upload_bytes=self.number("MAX_UPLOAD_BYTES", 4 * GIB, 1),
            dl_user_max_files=self.number("DL_USER_MAX_FILES", 1, 0),
            unfinished_expiry_s=self.number("PPI_UNFINISHED_UPLOAD_HOURS", 24, 1) * 3600,
        )

    def _storage(self) -> StorageSettings:
        endpoint = self.text("MINIO_ENDPOINT")
        if "://" in endpoint or "/" in endpoint:
            self._faults.append("MINIO_ENDPOINT: expected HOST:PORT without http:// and without a path")
        for name in ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"):
            if endpoint and not self.text(name):
                self._faults.append(f"{name}: needed because MINIO_ENDPOINT is set")
        return StorageSettings(
            endpoint=endpoint, access_key=self.text("MINIO_ACCESS_KEY"), secret_key=self.text("MINIO_SECRET_KEY"),
            is_secure=self.flag("MINIO_SECURE", False), public_url=self.url("MINIO_PUBLIC_URL"),
            raw_bucket=self.text("RAW_DATA_BUCKET", "raw-data"),
            final_bucket=self.text("FINAL_DATASET_BUCKET", "final-dataset"),
            cache_bytes=self.number("PPI_CACHE_BYTES", 20 * GIB, 0),
        )  # fmt: skip

    def _jobs(self) -> JobSettings:
        lease_s = self.number("PPI_LEASE_S", 60, 2)
        return JobSettings(
            heavy=self.number("PPI_HEAVY_JOBS", 1, 1), light=self.number("PPI_LIGHT_JOBS", 4, 1),
            lease_s=lease_s, renew_s=lease_s / 4, max_attempts=3, is_run_in_web=self.flag("PPI_JOBS_IN_WEB", True),
            retention_s=self.number("PPI_RETENTION_DAYS", 0, 0) * 86_400,
        )  # fmt: skip

    def _media(self) -> MediaSettings:
        return MediaSettings(
            ffmpeg_binary=self.text("FFMPEG_BINARY"),
            max_duration_s=self.number("PPI_MAX_DURATION_HOURS", 12, 1) * 3600,
            max_pixels=self.number("PPI_MAX_PIXELS", 36_000_000, 1), cutters=self.number("PPI_CLIPS_AT_ONCE", 0, 0),
        )

    def _speech(self, data_dir: Path, hub: str) -> SpeechSettings:
        model = self.text("WHISPER_MODEL_SIZE", "base")
        if model not in WHISPER_SIZES and not is_path(model):
            sizes = ", ".join(WHISPER_SIZES)
            self._faults.append(f"WHISPER_MODEL_SIZE: expected one of {sizes}, or the path of a .pt file or a folder")
        if not re.fullmatch(ALIGNERS, self.text("ALIGNER_MODEL")):
            self._faults.append("ALIGNER_MODEL: expected a folder or owner/name, or one a language: en=owner/name, ru=/folder")
        return SpeechSettings(
            engine=self.one_of("SPEECH_ENGINE", SPEECH_ENGINES), model=model, language=self.text("PPI_SPEECH_LANGUAGE"),
            model_dir=self.path("WHISPER_MODEL_DIR", "~/.cache/whisper"), aligner=self.text("ALIGNER_MODEL"),
            device=self.one_of("WHISPER_DEVICE", WHISPER_DEVICES, "auto"),
            compute_type=self.one_of("WHISPER_COMPUTE_TYPE", COMPUTE_TYPES), phrases=self.text("PPI_SPEECH_PHRASES"),
            choice_file=data_dir / "speech-choice.json", lock_file=data_dir / "speech.lock",
            hub=hub, speakers=self._speakers(),
        )  # fmt: skip

    def _speakers(self) -> SpeakersSettings:
        return SpeakersSettings(
            is_on=self.flag("PPI_SPEAKERS", False), folder=self.path("PPI_SPEAKERS_DIR", "~/.cache/ppi/speakers"),
            count=self.number("PPI_SPEAKERS_COUNT", 0, 0, MOST_SPEAKERS),
        )

    def _summary(self, hub: HubSettings) -> SummarySettings:
        base_url, api_key = self.url("LLM_BASE_URL"), self.text("LLM_API_KEY")
        parts = urlsplit(base_url)
        if parts.username or parts.password or parts.query or parts.fragment:
            self._faults.append("LLM_BASE_URL: expected an address without a name, a key or a query; the key is LLM_API_KEY")
        if base_url and not self.text("LLM_MODEL"):
            self._faults.append("LLM_MODEL: needed because LLM_BASE_URL is set")
        if not all("!" <= letter <= "~" for letter in api_key):
            self._faults.append("LLM_API_KEY: expected a key without spaces")
        return SummarySettings(
            model=self.text("SUMMARY_MODEL"), base_url=base_url, chat_model=self.text("LLM_MODEL"), api_key=api_key,
            context_tokens=self.number("LLM_CONTEXT_TOKENS", 8192, 2048), timeout_s=self.number("LLM_TIMEOUT_S", 300, 5),
            model_dir=self.path("SUMMARY_MODEL_DIR", "~/.cache/ppi/chat"), hub=hub.endpoint, hub_token=hub.token,
        )  # fmt: skip

    def _redis(self) -> RedisSettings:
        return RedisSettings(
            is_enabled=self.flag("REDIS_ENABLED", False), host=self.text("REDIS_HOST", "127.0.0.1"),
            port=self.number("REDIS_PORT", 6379, 1, 65535), db=self.number("REDIS_DB", 0, 0),
            password=self.text("REDIS_PASSWORD"), is_secure=self.flag("REDIS_SECURE", False),
        )  # fmt: skip


def is_path(model: str) -> bool:
    """Whether a model of speech is named by its place and not by its size."""
    return "/" in model or model.endswith(".pt")


def tell_library(name: str, value: str) -> None:
    """Set a variable of this process for a library that can be told no other way. For child processes only."""
    os.environ[name] = value
