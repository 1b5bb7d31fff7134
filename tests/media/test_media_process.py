"""Programs run under limits, see no secrets, report progress, and never outlive their job."""

from __future__ import annotations

import dataclasses
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ppi.errors import Cancelled, DiskFull, NotFound, SettingsError, ToolFailed, UnsupportedMedia
from ppi.media import guards
from ppi.media.failures import failure
from ppi.media.ffmpeg import Ffmpeg, Limits, run
from ppi.processes import NICENESS
from tests.conftest import own_children

ROOT = Path(__file__).resolve().parent.parent.parent
GONE_S = 5


@pytest.fixture
def program(ffmpeg, tmp_path) -> Callable[[str], Ffmpeg]:
    """`program(script)` is an Ffmpeg whose binary is that shell script; `$out` is the last file it was told to write."""

    def make(script: str) -> Ffmpeg:
        path = tmp_path / "bin" / "ffmpeg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nfor one; do case "$one" in file:*) out=${{one#file:}};; esac; done\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary=str(path)))

    return make


def told(fake: Ffmpeg, source: Path, folder: Path, **options) -> str:
    """What the program wrote where a WAV belongs."""
    fake.convert(source, to_wav, [folder / "out.wav"], **options)
    return (folder / "out.wav").read_text()


def to_wav(media, files):
    return [media["a:0"].output(files[0], format="wav")]


def endless(media, files):
    return [media["v:0"].output("-", format="null", c="copy")]


def children() -> list[psutil.Process]:
    return [child for child in own_children() if child.name().startswith(("ffmpeg", "sleep"))]


def wait_until_gone(pids: list[int]) -> list[int]:
    deadline = time.monotonic() + GONE_S
    while time.monotonic() < deadline and any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.05)
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_the_guards_stand_before_the_input_of_every_run(program, recording, tmp_path):
    given = told(program('printf "%s\\n" "$@" > "$out"'), recording("mp4"), tmp_path)
    before = given.split("\n-i\n")[0].split("\n")
    for option, value in (
        ("-protocol_whitelist", "file"), ("-format_whitelist", guards.FORMATS), ("-codec_whitelist", guards.CODECS),
        ("-max_pixels", "36000000"),
    ):  # fmt: skip
        assert before[before.index(option) + 1] == value
    assert "-nostdin" in before
    assert given.count("\n-i\n") == 1


def test_the_program_yields_to_who_serves_pages():
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(run(["/usr/bin/nice"], Limits())) == min(own + NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def test_the_program_sees_one_file_without_a_name_or_extension(program, recording, tmp_path):
    fake = program(
        'while [ "$1" != -i ]; do shift; done\n'
        'echo "$2" > "$out"\n'
        'ls "$(dirname "${2#file:}")" >> "$out"'
    )
    url, *listed = told(fake, recording("mp4"), tmp_path).split()
    assert url.startswith("file:/")
    path = Path(url.removeprefix("file:"))
    assert listed == [path.name] and path.suffix == ""
    assert not path.parent.exists(), "the scratch folder goes away"


def test_no_secret_of_the_environment_reaches_the_program(program, recording, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIO_SECRET_KEY", "do-not-tell")
    monkeypatch.setenv("HF_TOKEN", "do-not-tell")
    given = told(program('env > "$out"'), recording("mp4"), tmp_path)
    names = {line.split("=")[0] for line in given.splitlines()}
    assert "do-not-tell" not in given
    assert names <= {"PATH", "LANG", "HOME", "OPENBLAS_NUM_THREADS", "PWD", "SHLVL", "_", "OLDPWD"}


def test_the_limits_hold_in_the_program(program, recording, tmp_path):
    limits = Limits(cpu_s=77, memory_bytes=512 * 1024**2, file_bytes=512 * 1024)
    fake = program('{ ulimit -v; ulimit -t; ulimit -f; ulimit -c; } > "$out"')
    memory_kib, cpu_s, blocks, core = told(fake, recording("mp4"), tmp_path, limits=limits).split()
    assert (int(memory_kib), int(cpu_s), int(blocks), int(core)) == (512 * 1024, 77, 1024, 0)


def test_progress_is_reported_even_when_ffmpeg_is_silent(program, recording, tmp_path):
    calls: list[float] = []
    fake = program("exec sleep 2.2")
    with pytest.raises(ToolFailed, match="nothing to write"):
        fake.convert(
            recording("mp4"), to_wav, [tmp_path / "out.wav"], on_progress=lambda f: calls.append(time.monotonic())
        )  # fmt: skip
    assert len(calls) >= 4
    assert max(after - before for before, after in zip(calls, calls[1:], strict=False)) < 1.0


def test_progress_never_goes_back(program, recording, tmp_path):
    lines = "".join(f"echo out_time_us={us}; sleep 0.3; " for us in (0, 3_000_000, 1_000_000, 6_000_000, 9_000_000))
    seen: list[float] = []
    with pytest.raises(ToolFailed):
        program(lines).convert(recording("mp4"), to_wav, [tmp_path / "out.wav"], total_s=6, on_progress=seen.append)
    assert seen == sorted(seen)
    assert 0.5 in seen and seen[-1] == 1.0


def test_a_silent_program_is_stopped_by_the_watchdog(program, recording, tmp_path):
    began = time.monotonic()
    with pytest.raises(ToolFailed, match="was stopped after"):
        program("exec sleep 60").convert(
            recording("mp4"), to_wav, [tmp_path / "out.wav"], limits=Limits(silence_s=0.5)
        )  # fmt: skip
    assert time.monotonic() - began < 10
    assert children() == []


def test_a_program_that_never_ends_is_stopped_by_the_clock(recording, ffmpeg, tmp_path):
    with pytest.raises(ToolFailed, match="was stopped after"):
        ffmpeg.convert(recording("silent"), endless, [], input_options={"stream_loop": -1}, limits=Limits(wall_s=0.7))
    assert children() == []


def test_a_program_that_closes_its_output_and_goes_on_is_stopped_too(program, recording, tmp_path):
    with pytest.raises(ToolFailed, match="was stopped after"):
        program("exec sleep 60 >&-").convert(
            recording("mp4"), to_wav, [tmp_path / "out.wav"], limits=Limits(wall_s=0.7)
        )  # fmt: skip
    assert children() == []


def test_cancelling_kills_ffmpeg_and_leaves_nothing(recording, ffmpeg, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[int] = []

    def cancel(fraction: float) -> None:
        seen.extend(child.pid for child in children())
        if seen:
            raise Cancelled("The job was cancelled.")

    def build(media, files):
        return [media["v:0"].output(files[0], format="mpegts", c="copy")]

    with pytest.raises(Cancelled):
        ffmpeg.convert(
            recording("silent"), build, [tmp_path / "out.ts"], input_options={"re": None, "stream_loop": -1},
            on_progress=cancel,
        )  # fmt: skip
    assert seen and wait_until_gone(seen) == []
    assert list(tmp_path.iterdir()) == []


HELPER = """
import sys
from pathlib import Path
from ppi.media.ffmpeg import Ffmpeg
from ppi.settings import Settings

def build(media, files):
    return [media["v:0"].output("-", format="null", c="copy")]

Ffmpeg(Settings.from_env({}).media).convert(Path(sys.argv[1]), build, [], input_options={"re": None, "stream_loop": -1})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_ffmpeg_dies_with_a_process_that_is_killed(recording, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    helper = subprocess.Popen([sys.executable, "-c", HELPER, recording("silent")], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + 20
        found: list[psutil.Process] = []
        while not found and time.monotonic() < deadline:
            found = [p for p in psutil.Process(helper.pid).children(recursive=True) if p.name().startswith("ffmpeg")]
            time.sleep(0.05)
        assert found, "ffmpeg runs"
        pids = [process.pid for process in found]
    finally:
        os.kill(helper.pid, signal.SIGKILL)
        helper.wait()
    assert wait_until_gone(pids) == []


def test_an_unfinished_output_never_takes_the_place_of_a_finished_one(program, recording, tmp_path):
    target = tmp_path / "out.wav"
    target.write_bytes(b"finished")
    fake = program('for one; do case "$one" in file:*.wav) echo half > "${one#file:}";; esac; done; exit 1')
    with pytest.raises(ToolFailed):
        fake.convert(recording("mp4"), to_wav, [target])
    assert target.read_bytes() == b"finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "out.wav"]


def test_messages_hold_no_path_of_the_server(program, recording, tmp_path):
    folder = tmp_path / "My folder"
    fake = program(f'echo "[mov @ 0x55aa00] cannot open {folder}/x or /etc/ppi/secret" >&2; exit 1')
    with pytest.raises(ToolFailed) as caught:
        fake.convert(recording("mp4"), to_wav, [folder / "x.wav"])
    for told in (str(caught.value), caught.value.ids["words"]):
        assert "/" not in told and "My folder" not in told
    assert caught.value.ids["words"] == "[mov] cannot open the file or the file"


def test_a_full_disk_is_called_by_its_name():
    assert isinstance(failure(1, "av_interleaved_write_frame(): No space left on device"), DiskFull)


def test_a_program_that_crashes_or_runs_out_of_memory_is_a_failed_tool():
    assert isinstance(failure(-signal.SIGSEGV, ""), ToolFailed)
    assert "allowed" in str(failure(1, "Cannot allocate memory"))


def test_a_file_that_is_gone_is_not_found(ffmpeg, tmp_path):
    with pytest.raises(NotFound):
        ffmpeg.convert(tmp_path / "gone.mp4", to_wav, [tmp_path / "out.wav"])


def test_an_ffmpeg_that_does_not_exist_is_a_fault_of_the_settings(ffmpeg):
    with pytest.raises(SettingsError, match="FFMPEG_BINARY"):
        Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary="/nowhere/ffmpeg")).version()


def test_a_program_that_cannot_be_started_says_so(tmp_path):
    (tmp_path / "no-program").write_text("text")
    with pytest.raises(ToolFailed, match="cannot be started"):
        run([str(tmp_path / "no-program")], Limits(wall_s=20))


def test_the_ffmpeg_of_the_wheel_is_taken_where_there_is_no_other(ffmpeg, monkeypatch, tmp_path):
    import imageio_ffmpeg

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    found = Ffmpeg(ffmpeg.settings)
    assert found.binary == imageio_ffmpeg.get_ffmpeg_exe()
    assert found.binary in found.check()


def test_the_system_ffmpeg_has_what_ppi_needs(ffmpeg):
    assert ffmpeg.version() in ffmpeg.check()


def test_an_old_ffmpeg_is_refused(program):
    with pytest.raises(ToolFailed, match="too old"):
        program("echo ffmpeg version 4.4.2-0ubuntu1 Copyright").check()


def test_the_scratch_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_kept(tmp_path, monkeypatch):
    import os
    import subprocess
    import sys
    import tempfile

    from ppi.media import guards

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive = (tmp_path / f"{guards.SCRATCH}{pid}-x" for pid in (gone.pid, os.getpid()))
    dead.mkdir(), alive.mkdir()
    assert guards.sweep_scratch() == 1
    assert alive.exists() and not dead.exists()


def test_what_is_wrong_with_a_source_is_told_by_its_kind_and_the_programs_words_are_kept():
    for words, told in (
        ("[mov] moov atom not found\nthe file: Invalid data found when processing input", "its end is missing"),
        ("Stream map '0:v' matches no streams.", "no picture or no sound"),
        ("the file: Invalid data found when processing input", "damaged, or no recording"),
    ):
        error = failure(1, words)
        assert isinstance(error, UnsupportedMedia) and told in str(error) and error.ids["words"] == words.splitlines()[-1]
        assert error.ids["words"] not in str(error)
    for code, kind in ((3, UnsupportedMedia), (1, ToolFailed), (127, ToolFailed)):
        error = failure(code, "a new word")
        assert type(error) is kind and error.ids == {"words": "a new word"} and "a new word" not in str(error)
