"""What each setting is called, and what it is for, in one line: the words of the settings page. docs/configuration.md explains
them with the same words, which a test compares.

"Not set" is what a setting without a value is called on both.
"""

from __future__ import annotations

from flask_babel import gettext

Words = dict[str, tuple[str, str]]  # variable -> its name for people, its explanation


def groups() -> dict[str, Words]:
    """The settings by what they are about, in the order of the page: heading -> variable -> (name, explanation)."""
    return {
        gettext("This server"): _server(), gettext("Lessons and uploads"): _lessons(), gettext("Object store"): _store(),
        gettext("Jobs"): _jobs(), gettext("Speech"): _speech(), gettext("Summaries"): _summaries(),
        gettext("Label Studio and the Hub"): _others(),
    }  # fmt: skip


def _server() -> Words:
    return {
        "PPI_DATA_DIR": (gettext("Data folder"), gettext("The data folder; must be on a local disk, for SQLite.")),
        "PPI_USERS_FILE": (gettext("File of accounts"), gettext("The file with the accounts.")),
        "APP_LOG_FILE": (gettext("File of the log"), gettext("The log; begun anew at 10 MB, five older files are kept.")),
        "PPI_AUDIT_DAYS": (
            gettext("Days of the audit log"),
            gettext("How many days rows of the audit log are kept; 0: for ever."),
        ),
        "SECRET_KEY": (
            gettext("Key of signatures"),
            gettext("Signs cookies and links; 16 characters or more. Not set: made once, kept in the data folder."),
        ),
        "PPI_HOST": (
            gettext("Address of the server"),
            gettext("The address the server listens at, unless started with --host; 0.0.0.0 is every address here."),
        ),
        "PPI_PORT": (
            gettext("Port of the server"),
            gettext("The port the server listens at, unless it was started with --port."),
        ),
        "PPI_PUBLIC_URL": (
            gettext("Address for people"),
            gettext(
                "The address people and Label Studio use, such as https://ppi.example.org. Not set: the one of each request."
            ),
        ),
        "PPI_BEHIND_PROXY": (
            gettext("Behind a reverse proxy"),
            gettext("true when exactly one reverse proxy sets X-Forwarded-For, -Proto and -Host."),
        ),
        "PPI_EVENT_STREAMS": (
            gettext("Pages told at once"),
            gettext(
                "How many open pages of one process are told at once what happens, each holding one of the 64 threads; the "
                "others ask every second or two. 0: all ask."
            ),
        ),
    }


def _lessons() -> Words:
    return {
        "MAX_UPLOAD_BYTES": (gettext("Largest video"), gettext("The largest video that is taken.")),
        "DL_USER_MAX_FILES": (
            gettext("Lessons of a DL-user"),
            gettext("How many lessons a DL-user may hold, unless the account has a limit of its own."),
        ),
        "PPI_UNFINISHED_UPLOAD_HOURS": (
            gettext("Hours for an interrupted upload"),
            gettext("For how many hours an interrupted upload can be continued."),
        ),
        "PPI_RETENTION_DAYS": (
            gettext("Days that lessons are kept"),
            gettext("Lessons are deleted with everything made of them so many days after their last change; 0: never."),
        ),
        "PPI_MAX_DURATION_HOURS": (gettext("Longest recording"), gettext("The longest recording that is taken, in hours.")),
        "PPI_MAX_PIXELS": (gettext("Largest picture"), gettext("The largest picture that is taken: width times height.")),
        "FFMPEG_BINARY": (
            gettext("Program ffmpeg"),
            gettext("The path of ffmpeg. Not set: the system's, else the one that came with imageio-ffmpeg."),
        ),
        "PPI_CLIPS_AT_ONCE": (
            gettext("Clips cut at a time"),
            gettext("How many clips of a dataset are cut at a time; 0: one for each processor core."),
        ),
    }


def _store() -> Words:
    return {
        "MINIO_ENDPOINT": (
            gettext("Address of the store"),
            gettext("HOST:PORT of an S3-compatible store. Not set: files are kept in the data folder."),
        ),
        "MINIO_ACCESS_KEY": (gettext("Name at the store"), gettext("The name of PPI at the store.")),
        "MINIO_SECRET_KEY": (gettext("Secret of the store"), gettext("The secret that belongs to this name.")),
        "MINIO_SECURE": (gettext("HTTPS to the store"), gettext("true for HTTPS between PPI and the store.")),
        "MINIO_PUBLIC_URL": (
            gettext("Address of the store for people"),
            gettext("The address that links to the store are signed for. Not set: MINIO_ENDPOINT."),
        ),
        "RAW_DATA_BUCKET": (gettext("Bucket of lessons"), gettext("The bucket with the lessons; made when it is missing.")),
        "FINAL_DATASET_BUCKET": (
            gettext("Bucket of datasets"),
            gettext("The bucket with the datasets; made when it is missing."),
        ),
        "PPI_CACHE_BYTES": (
            gettext("Room for copies"),
            gettext("How much of this machine's disk copies of stored files may take; with an S3 store only."),
        ),
    }


def _jobs() -> Words:
    return {
        "PPI_HEAVY_JOBS": (
            gettext("Heavy jobs at a time"),
            gettext("How many jobs of speech, summaries and datasets run at a time on one machine."),
        ),
        "PPI_LIGHT_JOBS": (
            gettext("Light jobs at a time"),
            gettext("How many jobs that take in, prepare or publish lessons run at a time on one machine."),
        ),
        "PPI_LEASE_S": (
            gettext("Wait for a silent runner"),
            gettext(
                "After how many silent seconds a runner on another machine loses its job; on the same machine it takes seconds."
            ),
        ),
        "PPI_JOBS_IN_WEB": (
            gettext("Jobs in the web server"),
            gettext("false when python -m ppi worker does the jobs in a process of its own."),
        ),
        "REDIS_ENABLED": (
            gettext("Redis for several machines"),
            gettext("true keeps jobs, lessons, log-in counters and upload locks in Redis, for several machines."),
        ),
        "REDIS_HOST": (gettext("Machine with Redis"), gettext("The machine with Redis.")),
        "REDIS_PORT": (gettext("Port of Redis"), gettext("The port of Redis.")),
        "REDIS_DB": (gettext("Database in Redis"), gettext("The number of the database in Redis.")),
        "REDIS_PASSWORD": (gettext("Password of Redis"), gettext("The password of Redis.")),
        "REDIS_SECURE": (gettext("TLS to Redis"), gettext("true for TLS between PPI and Redis.")),
    }


def _speech() -> Words:
    return {
        "SPEECH_ENGINE": (
            gettext("Engine"),
            gettext(
                "faster-whisper, whisper, or pocketsphinx (offline, rough, English only). Not set: the one that python -m ppi "
                "models check found to be the fastest, else faster-whisper where it is installed."
            ),
        ),
        "WHISPER_MODEL_SIZE": (
            gettext("Whisper model"),
            gettext(
                "tiny, base, small, medium, large-v2, large-v3 or turbo (large is large-v3); or a path: a folder for "
                "faster-whisper, a .pt file for whisper."
            ),
        ),
        "WHISPER_MODEL_DIR": (gettext("Folder of Whisper models"), gettext("The folder with the weights of these models.")),
        "WHISPER_DEVICE": (gettext("Processor or GPU"), gettext("cpu or cuda; auto takes a GPU when there is one.")),
        "WHISPER_COMPUTE_TYPE": (
            gettext("Precision"),
            gettext(
                "How exactly faster-whisper counts: int8, int8_float16, int8_float32, float16, bfloat16 or float32. Not set: "
                "what was measured, else int8 on a processor and float16 on a GPU."
            ),
        ),
        "PPI_SPEECH_LANGUAGE": (
            gettext("Language of lessons"),
            gettext("The lessons' language as ISO 639-1 code, such as ru. Not set: found out each time."),
        ),
        "PPI_SPEECH_PHRASES": (
            gettext("Names and subject words"),
            gettext("Names and subject words of all lessons, by commas, for Whisper to expect."),
        ),
        "PPI_SPEAKERS": (
            gettext("Speakers told apart"),
            gettext("true tells speakers apart after each transcription; needs requirements-speakers.txt."),
        ),
        "PPI_SPEAKERS_DIR": (
            gettext("Folder of speaker models"),
            gettext("The folder with the two models for that, segmentation.onnx and embedding.onnx."),
        ),
        "PPI_SPEAKERS_COUNT": (
            gettext("Number of speakers"),
            gettext("How many people speak in a lesson, where it is always the same, at most 50; 0: found out each time."),
        ),
        "ALIGNER_MODEL": (
            gettext("Aligner"),
            gettext(
                "An aligner, which finds the times of words more exactly: a folder or a repository of the Hub, or one a "
                "language: en=facebook/wav2vec2-base-960h, ru=/srv/models/russian. Needs requirements-aligner.txt."
            ),
        ),
    }


def _summaries() -> Words:
    return {
        "SUMMARY_MODEL": (
            gettext("Chat model on this machine"),
            gettext(
                "A chat model on this machine, for summaries: a folder, or a repository of the Hub (owner/name, "
                "owner/name@revision). Not set: none."
            ),
        ),
        "SUMMARY_MODEL_DIR": (gettext("Folder of the chat model"), gettext("The folder where such a repository is kept.")),
        "LLM_BASE_URL": (
            gettext("Address of the chat server"),
            gettext("Address of a chat server for summaries, such as http://127.0.0.1:11434/v1. Not set: none."),
        ),
        "LLM_MODEL": (gettext("Model of the chat server"), gettext("The name of the model there; needed with LLM_BASE_URL.")),
        "LLM_API_KEY": (gettext("Key of the chat server"), gettext("The key of the chat server, where it wants one.")),
        "LLM_CONTEXT_TOKENS": (
            gettext("Tokens in one call"),
            gettext("How much that model reads and writes in one call, in tokens; 2048 or more."),
        ),
        "LLM_TIMEOUT_S": (
            gettext("Wait for the chat server"),
            gettext("For how many seconds the chat server may say nothing."),
        ),
    }


def _others() -> Words:
    return {
        "LABEL_STUDIO_URL": (
            gettext("Address of Label Studio"),
            gettext("Label Studio as people reach it; its pages may read the links PPI gives."),
        ),
        "LABEL_STUDIO_TOKEN": (
            gettext("Token of Label Studio"),
            gettext(
                "A token of Label Studio; with it PPI sends lessons there and fetches annotations. Not set: not connected."
            ),
        ),
        "LABEL_STUDIO_DATA_DIR": (
            gettext("Folder of Label Studio"),
            gettext("The folder from which a Label Studio on this machine serves files. Not set: none."),
        ),
        "HF_TOKEN": (
            gettext("Token of the Hub"),
            gettext(
                "A token of the Hugging Face Hub with write access, for publishing; it also opens a closed repository that "
                "SUMMARY_MODEL names."
            ),
        ),
        "HF_ENDPOINT": (gettext("Address of the Hub"), gettext("The address of the Hugging Face Hub.")),
    }
