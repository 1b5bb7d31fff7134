"""The arrows of docs/architecture.md, read from the source: who may import whom, who owns what, how large things get."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "ppi").rglob("*.py"))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
MAX_START_CPU_S = 1.5

ROOMS = {"accounts", "storage", "jobs", "media", "speech", "summary", "annotation", "dataset", "publishing"}
BASE = {"ppi.records", "ppi.notes", "ppi.errors", "ppi.settings", "ppi.processes", "ppi.fetched", "ppi.fetching",
        "ppi.palette"}  # fmt: skip
# The base layer has an order of its own.
BASE_ARROWS = {
    "ppi.errors": set(),
    "ppi.records": set(),
    "ppi.notes": set(),
    "ppi.settings": {"ppi.errors", "ppi.records", "ppi.variables"},
    "ppi.variables": set(),
    "ppi.processes": {"ppi.errors"},
    "ppi.fetched": set(),
    "ppi.palette": set(),
    "ppi.fetching": {"ppi.errors", "ppi.fetched", "ppi.settings"},
    "ppi.logs": {"ppi.settings"},
    "ppi.server": set(),
}
# What the pages may know besides workflows: who asks by which session, what a job or a lesson is, and what is secret.
WEB_MAY = {
    "ppi", "ppi.errors", "ppi.logs", "ppi.notes", "ppi.records", "ppi.services", "ppi.workflows", "ppi.web",
    "ppi.accounts.users", "ppi.accounts.sessions", "ppi.jobs.ledger", "ppi.jobs.lessons",
}  # fmt: skip
# The ways in. None of them reaches into a room, but for the record of a job.
ENTRIES_MAY = {
    "ppi": {"ppi.services", "ppi.settings", "ppi.web"},
    "ppi.__main__": {"ppi.cli"},
    "ppi.cli": {
        "ppi.errors", "ppi.logs", "ppi.server", "ppi.worker", "ppi.workflows", "ppi.jobs.ledger", "ppi.console",
        "ppi.cli_users", "ppi.cli_datasets", "ppi.cli_label_studio", "ppi.cli_transcripts",
        "ppi.cli_models",
    },
    "ppi.cli_users": {"ppi.console", "ppi.workflows"},
    "ppi.cli_transcripts": {"ppi.console", "ppi.workflows"},
    "ppi.cli_datasets": {"ppi.console", "ppi.workflows"},
    "ppi.cli_label_studio": {"ppi.console", "ppi.workflows"},
    "ppi.cli_models": {"ppi.console", "ppi.workflows"},
    "ppi.console": {"ppi.errors", "ppi.settings", "ppi.services", "ppi.workflows"},
    "ppi.worker": {"ppi.services", "ppi.workflows", "ppi.jobs.celery_queue"},
    "ppi.seed": {"ppi.console", "ppi.errors", "ppi.settings", "ppi.services", "ppi.workflows", "ppi.jobs.ledger"},
}
WEB = {"ppi.web.*"}
# Foreign thing -> the modules that may import it. A library that is not here has no owner yet.
OWNERS = {
    "flask": {"ppi", *WEB}, "flask_login": WEB, "flask_wtf": WEB, "flask_limiter": WEB, "flask_babel": WEB, "wtforms": WEB,
    "werkzeug": {*WEB, "ppi.accounts.users"}, "limits": {"ppi.web.limits_sqlite"}, "apispec": {"ppi.web.openapi"},
    "prometheus_client": {"ppi.web.system"}, "babel": {"ppi.summary.wording", "ppi.web.words"},
    "gunicorn": {"ppi.server"}, "dotenv": {"ppi.settings"},
    "click": {
        "ppi.cli", "ppi.cli_transcripts", "ppi.cli_models",
        "ppi.cli_users", "ppi.cli_datasets", "ppi.cli_label_studio", "ppi.console", "ppi.seed",
    },
    "subprocess": {"ppi.media.ffmpeg"}, "ffmpeg": {"ppi.media.ffmpeg"}, "imageio_ffmpeg": {"ppi.media.ffmpeg"},
    "av": {"ppi.media.inspector", "ppi.media.cutter.*"},
    "ctypes": {"ppi.media.launch", "ppi.storage.s3"}, "resource": {"ppi.media.launch", "ppi.processes"},
    "multiprocessing": {"ppi.processes"},
    "minio": {"ppi.storage.s3"}, "urllib3": {"ppi.storage.s3"},
    "filelock": {"ppi.accounts.users", "ppi.storage.cache", "ppi.jobs.database", "ppi.speech.model_child", "ppi.fetching"},
    "redis": {"ppi.jobs.redis_db", "ppi.jobs.locks"}, "celery": {"ppi.jobs.celery_queue", "ppi.worker"},
    "kombu": {"ppi.jobs.celery_queue"}, "tenacity": {"ppi.jobs.work", "ppi.summary.chat"},
    "zipstream": {"ppi.workflows.stored_datasets", "ppi.workflows.texts"}, "webvtt": {"ppi.speech.uploaded"},
    "defusedxml": {"ppi.annotation.elan"}, "pympi": {"ppi.annotation.elan"},
    "sqlite3": {
        "ppi.jobs.database", "ppi.jobs.ledger_sqlite", "ppi.jobs.lessons_sqlite", "ppi.accounts.audit",
        "ppi.accounts.sessions",
        "ppi.web.limits_sqlite",
    },
    "psutil": {"ppi.jobs.hosts", "ppi.speech.model_child", "ppi.summary.llm_child"},
    "whisper": {"ppi.speech.whisper_child"}, "tqdm": {"ppi.speech.whisper_child", "ppi.fetching"},
    "sherpa_onnx": {"ppi.speech.speakers_child"},
    "faster_whisper": {"ppi.speech.faster_whisper_child", "ppi.speech.vad"}, "ctranslate2": {"ppi.speech.faster_whisper_child"},
    "pocketsphinx": {"ppi.speech.pocketsphinx_child"},
    "torch": {"ppi.speech.whisper_child", "ppi.speech.aligner_child", "ppi.summary.llm_child"},
    "transformers": {"ppi.summary.llm_child", "ppi.summary.llm_fetch", "ppi.speech.aligner_child"},
    "ctc_segmentation": {"ppi.speech.aligner_child"},
    "sklearn": {"ppi.annotation.agreement"}, "krippendorff": {"ppi.annotation.agreement"},
    "scipy": {"ppi.annotation.moments", "ppi.summary.ranking"}, "snowballstemmer": {"ppi.summary.ranking"},
    "stopwordsiso": {"ppi.summary.ranking"},
    "razdel": {"ppi.summary.sentences"}, "pysbd": {"ppi.summary.sentences"},
    "docx": {"ppi.summary.documents", "ppi.summary.docx_look"},
    "openpyxl": {"ppi.annotation.tables"}, "yaml": {"ppi.dataset.card"}, "markdown_it": {"ppi.dataset.card_page"},
    "huggingface_hub": {"ppi.publishing.hub_child", "ppi.fetching"},
    "label_studio_sdk": {"ppi.annotation.label_studio_server"},
    "httpx": {"ppi.annotation.label_studio_server", "ppi.summary.chat"}, "httpx2": {"ppi.fetching"},
    "pyarrow": {"ppi.dataset.parquet"}, "matplotlib": {"ppi.dataset.figures"},
    "PIL": {"ppi.dataset.keyframes", "ppi.media.cutter.sheet"},
    "numpy": {"ppi.media.*", "ppi.media.cutter.*", "ppi.speech.*", "ppi.summary.*", "ppi.annotation.*"},
}  # fmt: skip
# Folders that run as programs of their own, whose modules know each other by their bare names and nothing of ppi.
PROGRAMS = {"ppi.media.cutter"}
# Parts of the standard library that need an owner as much as a foreign library does.
OWNED_PARTS_OF_PYTHON = {"subprocess", "multiprocessing", "ctypes", "resource", "sqlite3"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module imported anywhere in the file, also inside functions; `from ppi.web import jobs` is ppi.web.jobs."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if node.module.startswith("ppi") and is_module(inner) else node.module)
    return frozenset(found)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def is_allowed(name: str, allowed: set[str]) -> bool:
    """The root package is allowed only by its own name, every other entry with all that lies below it."""
    return any(name == entry or (entry != "ppi" and name.startswith(entry + ".")) for entry in allowed)


def may_of(module: str) -> set[str]:
    """What this module of ppi may import of ppi."""
    if module in BASE_ARROWS:
        return BASE_ARROWS[module]
    if module in ENTRIES_MAY:
        return ENTRIES_MAY[module]
    rooms = {f"ppi.{room}" for room in ROOMS}
    place = module.split(".")[1]
    if place in ROOMS:
        return BASE | {f"ppi.{place}"}
    workflows = BASE | rooms | {"ppi", "ppi.services", "ppi.workflows"}
    return {"services": BASE | rooms, "workflows": workflows, "web": WEB_MAY}[place]


def own_imports(path: Path) -> Iterator[str]:
    return (name for name in imports_of(path) if name == "ppi" or name.startswith("ppi."))


def test_every_arrow_points_down():
    wrong = [
        f"{module_of(path)} imports {name}"
        for path in SOURCES
        for name in own_imports(path)
        if not is_allowed(name, may_of(module_of(path)))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_program_of_its_own_imports_nothing_of_ppi():
    inside = [path for path in SOURCES if module_of(path).rpartition(".")[0] in PROGRAMS]
    assert len(inside) > len(PROGRAMS)
    assert not [f"{path} imports {name}" for path in inside for name in own_imports(path)]


def test_every_room_exists():
    assert {path.name for path in (ROOT / "ppi").iterdir() if (path / "__init__.py").exists()} == (
        ROOMS | {"web", "workflows"}
    )


def test_every_foreign_library_has_its_owners_and_no_others():
    wrong = []
    for path in SOURCES:
        module = module_of(path)
        for name in {name.split(".")[0] for name in imports_of(path)} - {"ppi"}:
            if name in sys.stdlib_module_names and name not in OWNED_PARTS_OF_PYTHON:
                continue
            if module.rpartition(".")[0] in PROGRAMS and path.with_name(f"{name}.py").is_file():
                continue
            owners = OWNERS.get(name, set())
            if module not in owners and f"{module.rpartition('.')[0]}.*" not in owners:
                wrong.append(f"{module} imports {name}, whose owners are {sorted(owners) or 'nobody'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", sorted(set(OWNERS) - {"torch"}))
def test_every_owner_in_the_table_still_needs_its_library(library):
    importers = {module_of(path) for path in SOURCES if library in {name.split(".")[0] for name in imports_of(path)}}
    for owner in OWNERS[library]:
        below = owner.removesuffix(".*")
        assert any(module == below or (owner.endswith(".*") and module.startswith(below + ".")) for module in importers), owner


def test_heavy_libraries_are_imported_only_inside_functions():
    heavy = {
        "torch", "transformers", "whisper", "sklearn", "scipy", "krippendorff", "pocketsphinx", "huggingface_hub", "docx",
        "openpyxl", "av", "yaml", "label_studio_sdk", "httpx", "pyarrow", "matplotlib", "PIL",
        "faster_whisper", "ctranslate2", "ctc_segmentation", "sherpa_onnx",
    }  # fmt: skip
    for path in SOURCES:
        for node in tree_of(path).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not heavy & {name.split(".")[0] for name in names}, f"{path} imports {names} when it is loaded"


def test_only_the_settings_read_the_environment():
    readers = {
        module_of(path)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv")
        and isinstance(node.value, ast.Name) and node.value.id == "os"
    }  # fmt: skip
    assert readers == {"ppi.settings"}
    assert not any(
        isinstance(node, ast.ImportFrom) and node.module == "os" for path in SOURCES for node in ast.walk(tree_of(path))
    )


def test_no_other_program_is_started_behind_the_owners_back():
    calls = ("system", "popen", "fork", "forkpty", "posix_spawn", "execv", "execve", "execvp", "spawnv", "spawnl")
    callers = {
        module_of(path)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in calls and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert callers == {"ppi.media.launch"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_stays_small(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_FILE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, f"{node.name} is too long"


LOADED = """
import json, resource, sys
import wsgi
spent = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_s": spent.ru_utime + spent.ru_stime, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def test_the_web_process_starts_quickly_and_loads_no_model_library(tmp_path):
    import json

    # Least of three: other work on the machine makes a start dearer, never cheaper.
    started = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MINIO", "PPI", "APP_LOG"))}
    environment |= {"PPI_DATA_DIR": str(tmp_path / "data")}
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2000:]
        started.append(json.loads(done.stdout.splitlines()[-1]))
    heavy = {
        "torch", "transformers", "sklearn", "scipy", "krippendorff", "whisper", "numba", "pocketsphinx", "av",
        "huggingface_hub", "docx", "label_studio_sdk", "httpx", "pandas", "faster_whisper", "ctranslate2",
        "onnxruntime", "sherpa_onnx",
    }  # fmt: skip
    assert not heavy & set(started[0]["modules"])
    assert min(start["cpu_s"] for start in started) < MAX_START_CPU_S
