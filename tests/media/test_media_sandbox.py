"""A program that has been taken over reaches nothing: no network, no secret, no file but its own, no other process."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppi.errors import ToolFailed
from ppi.media import ffmpeg as room
from ppi.media import probe
from ppi.media.ffmpeg import Ffmpeg, this_sandbox
from ppi.media.sandbox import Sandbox
from tests.conftest import need

OFF = Sandbox("", "switched off by the test")
# What a program can do that runs as PPI's account and is kept by limits only.
EVERYTHING = {"network", "secret", "file of others", "write elsewhere", "process", "memory"}
STUB = """#!/bin/bash
for one; do case "$one" in file:*) out=${one#file:};; esac; done
reached() { echo "$1" >> "$out"; }
echo nothing > "$out"
exec 2>/dev/null
(exec 3<>/dev/tcp/127.0.0.1/PORT) && reached network
grep -qa do-not-tell /proc/PARENT/environ && reached secret
env | grep -q do-not-tell && reached secret
read -r line < FOLDER/users.json && reached "file of others"
echo x > FOLDER/planted && reached "write elsewhere"
kill -0 PARENT && reached process
echo x > MEMORY && reached memory
exit 0
"""
INSPECTOR_STUB = """
import json, os, socket, sys
def tried(deed):
    try:
        deed()
    except OSError:
        return False
    return True
sys.stdout.write(json.dumps([name for name, deed in {
    "network": lambda: socket.create_connection(("127.0.0.1", PORT)).close(),
    "secret": lambda: open("/proc/PARENT/environ", "rb").close(),
    "file of others": lambda: open("FOLDER/users.json").close(),
    "write elsewhere": lambda: open("FOLDER/planted", "w").close(),
    "process": lambda: os.kill(PARENT, 0),
    "memory": lambda: open("MEMORY", "w").close(),
}.items() if tried(deed)]))
"""


@pytest.fixture
def shut_in() -> Sandbox:
    """The sandbox of this machine. Skipped where the kernel refuses to make one, even in CI: no package helps there."""
    program = shutil.which("bwrap")
    need(program is not None, "bubblewrap")
    plain = [program, "--unshare-net", "--unshare-pid", "--ro-bind", "/", "/", "true"]
    refused = subprocess.run(plain, capture_output=True, text=True)
    if refused.returncode != 0:
        pytest.skip(f"the kernel lets nobody make a sandbox here: {refused.stderr.strip()}")
    assert this_sandbox().program == program, this_sandbox().reason
    return this_sandbox()


@pytest.fixture
def world(tmp_path, monkeypatch) -> Iterator[dict[str, str]]:
    """What a stub is told to try: a listener, a folder with accounts, this process with a secret, a shared memory file."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "users.json").write_text("secret of others\n")
    memory = Path("/dev/shm") / f"ppi-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # What a process was started with stands in /proc; this one was not started by the test.
        guard = subprocess.Popen(["sleep", "600"], env={**os.environ, "HF_TOKEN": "do-not-tell"})
        yield {"PORT": str(port), "FOLDER": str(folder), "PARENT": str(guard.pid), "MEMORY": str(memory)}
        guard.kill()
        guard.wait()
    memory.unlink(missing_ok=True)


def filled(text: str, world: dict[str, str], path: Path) -> Path:
    for name, value in world.items():
        text = text.replace(name, value)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def reached(ffmpeg: Ffmpeg, sandbox: Sandbox, source: Path, world: dict[str, str], folder: Path) -> set[str]:
    """What a taken-over ffmpeg gets at."""
    stub = filled(STUB, world, folder / "bin" / "ffmpeg")
    out = folder / "made" / "out.wav"
    fake = Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary=str(stub)), sandbox)
    fake.convert(source, lambda media, files: [media["a:0"].output(files[0], format="wav")], [out])
    return set(out.read_text().split("\n")) - {"nothing", ""}


def test_a_taken_over_ffmpeg_reaches_nothing(shut_in, ffmpeg, recording, world, tmp_path):
    assert reached(ffmpeg, shut_in, recording("mp4"), world, tmp_path) == set()
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["users.json"]


def test_without_the_sandbox_it_reaches_all_of_that(ffmpeg, recording, world, tmp_path):
    """Otherwise the test above would prove nothing."""
    assert reached(ffmpeg, OFF, recording("mp4"), world, tmp_path) == EVERYTHING


@pytest.mark.parametrize("is_shut_in", [True, False])
def test_a_taken_over_inspector_reaches_nothing_only_in_the_sandbox(
    is_shut_in, request, ffmpeg, recording, world, tmp_path, monkeypatch
):  # fmt: skip
    sandbox = request.getfixturevalue("shut_in") if is_shut_in else OFF
    monkeypatch.setattr(room, "INSPECTOR", filled(INSPECTOR_STUB, world, tmp_path / "bin" / "inspector.py"))
    found = set(Ffmpeg(ffmpeg.settings, sandbox).look_into(recording("mp4"), "about"))
    assert found == (set() if is_shut_in else EVERYTHING)


def test_nothing_of_the_system_can_be_written_in_the_sandbox(shut_in, ffmpeg, recording, tmp_path):
    """Nor the recording itself, nor the memory that holds the rest of the tree."""
    source = tmp_path / "lesson.mp4"
    source.write_bytes(recording("mp4").read_bytes())
    body = """#!/bin/sh
for one; do case "$one" in file:*) out=${one#file:}; last=${last:-$out};; esac; done
for place in / /usr/bin /usr/lib /etc /dev /tmp "$(dirname "$last")"; do touch "$place/planted" && echo "$place"; done > "$out"
echo x >> "$last" && echo source >> "$out"
exit 0
"""
    stub = filled(body, {}, tmp_path / "bin" / "ffmpeg")
    fake = Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary=str(stub)), shut_in)
    fake.convert(source, lambda media, files: [media["a:0"].output(files[0], format="wav")], [tmp_path / "out.wav"])
    assert (tmp_path / "out.wav").read_text() == ""
    assert source.read_bytes() == recording("mp4").read_bytes()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to others")
def test_root_reads_the_private_recording_of_another_account_as_before(shut_in, ffmpeg, recording, tmp_path):
    source = tmp_path / "lesson.mp4"
    source.write_bytes(recording("mp4").read_bytes())
    source.chmod(0o600)
    os.chown(source, 12345, 12345)
    assert probe.inspect(source, Ffmpeg(ffmpeg.settings, shut_in)).container == "mp4"


@pytest.mark.parametrize("signal", ["XCPU", "XFSZ", "KILL"])
def test_an_exceeded_limit_is_called_so_from_within_the_sandbox(signal, shut_in, ffmpeg, recording, tmp_path):
    stub = filled(f"#!/bin/sh\nkill -{signal} $$\n", {}, tmp_path / "bin" / "ffmpeg")
    fake = Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary=str(stub)), shut_in)
    with pytest.raises(ToolFailed, match="than is allowed"):
        fake.convert(recording("mp4"), lambda media, files: [media["a:0"].output(files[0])], [tmp_path / "out.wav"])


def test_an_ffmpeg_beside_its_own_libraries_finds_them_in_the_sandbox(shut_in, ffmpeg, tmp_path):
    """As in a folder of its own: bin/ffmpeg and lib/libavcodec.so."""
    (tmp_path / "opt" / "lib").mkdir(parents=True)
    (tmp_path / "opt" / "lib" / "said").write_text("ffmpeg version 7.1.5\n")
    stub = filled('#!/bin/sh\ncat "$(dirname "$0")/../lib/said"\n', {}, tmp_path / "opt" / "bin" / "ffmpeg")
    fake = Ffmpeg(dataclasses.replace(ffmpeg.settings, ffmpeg_binary=str(stub)), shut_in)
    assert fake.version() == "7.1.5"


@pytest.mark.parametrize("says", ["", "bwrap: No permissions to create new namespace"])
def test_where_there_is_no_sandbox_limits_hold_and_the_reason_is_told(says, tmp_path, monkeypatch):
    if says:
        filled(f'#!/bin/sh\necho "{says}" >&2\nexit 1\n', {}, tmp_path / "bwrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    this_sandbox.cache_clear()
    found = this_sandbox()
    this_sandbox.cache_clear()
    assert str(found) == "limits only" and found.command(programs=[Path(sys.executable)]) == []
    assert found.reason == (says or "bwrap is not installed")
