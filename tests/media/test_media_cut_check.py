"""The check after cutting finds what is wrong with a clip: each of these faults is put into a good one."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import av
import numpy as np
import pytest

from ppi.media import cutting
from ppi.media.guards import LISTS
from tests.fixtures_media import sweep

MODULES = ("check", "cut", "encoder", "h264", "keyframe", "look", "source", "writer")
RATE = 44_100


@pytest.fixture
def inside(monkeypatch):
    """The cutter's modules, which are a program of their own."""
    monkeypatch.syspath_prepend(str(cutting.CUTTER))
    import check
    import h264
    import keyframe

    yield SimpleNamespace(check=check, h264=h264, keyframe=keyframe)
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def good(recording, inside):
    """A file taken for a clip, with all that its check is told when it is right."""
    path, times, packets, first = str(recording("mp4")), [], [], None
    with av.open(path) as container:
        for packet in container.demux(video=0):
            if packet.size:
                times.append(float(packet.pts * packet.time_base))
                packets.append(bytes(packet))
        container.seek(0)
        first = inside.keyframe.luma(next(container.decode(video=0)))
    heard = sweep(np.arange(6 * RATE) / RATE)[np.newaxis].astype(np.float32)
    return [path, LISTS, sorted(times), packets, {0.0: first}, heard]


def test_a_good_clip_passes_and_its_sound_is_in_place(inside, good):
    assert abs(inside.check.clip(*good)) < 0.001


def test_a_missing_or_late_picture_is_found(inside, good):
    for wrong in (good[2][:-1], [*good[2], 6.0], [time_s + 0.004 for time_s in good[2]]):
        with pytest.raises(inside.check.CheckFailed, match="pictures instead of|other times"):
            inside.check.clip(*good[:2], wrong, *good[3:])


def test_other_bytes_are_found(inside, good):
    changed = [*good[3][:-1], good[3][-1][:-1] + b"\x00"]
    with pytest.raises(inside.check.CheckFailed, match="packets differ"):
        inside.check.clip(*good[:3], changed, *good[4:])


def test_another_picture_is_found(inside, good):
    with pytest.raises(inside.check.CheckFailed, match="picture at 0.000 s differs"):
        inside.check.clip(*good[:4], {0.0: 255 - good[4][0.0]}, good[5])


def test_sound_that_is_a_frame_off_or_another_is_found(inside, good):
    late = np.roll(good[5], -round(0.05 * RATE), axis=1)
    with pytest.raises(inside.check.CheckFailed, match="50 ms off"):
        inside.check.clip(*good[:5], late)
    other = np.random.default_rng(1).uniform(-0.5, 0.5, good[5].shape).astype(np.float32)
    with pytest.raises(inside.check.CheckFailed, match="sound differs"):
        inside.check.clip(*good[:5], other)


def test_a_hum_that_fits_at_many_places_is_not_taken_for_late(inside):
    hum = np.sin(2 * np.pi * 50 * np.arange(2 * RATE) / RATE).astype(np.float32)
    assert inside.check.lag_s(hum, hum, RATE) == (0.0, pytest.approx(1.0))


def test_parameter_sets_are_read_and_written_as_an_encoder_wrote_them(inside, recording):
    with av.open(str(recording("mp4"))) as container:
        record = bytes(container.streams.video[0].codec_context.extradata)
    found = inside.h264.read_record(record)
    assert found.profile == 100 and len(found.sequences) == len(found.pictures) == 1
    assert {inside.h264.number_of(unit) for unit in (*found.sequences, *found.pictures)} == {0}
    assert found.free_number() == 1
    both = inside.h264.read_record(found.joined(found.sequences[0], found.pictures[0]))
    assert (both.sequences, both.pictures, both.rest) == (found.sequences * 2, found.pictures * 2, found.rest)
    alone = inside.h264.read_record(inside.h264.record_of(found.sequences[0], found.pictures[0]))
    assert (alone.sequences, alone.pictures) == (found.sequences, found.pictures)


@pytest.mark.parametrize("record", [b"", b"\x01\x64\x00\x1f\xff", b"\x00\x00\x00\x01\x67\x64\x00\x1f", bytes(40)])
def test_damaged_parameter_sets_are_refused(record, inside):
    with pytest.raises(inside.h264.NotPlain):
        inside.h264.read_record(record)


@pytest.mark.parametrize("data", [b"\x00\x00\x00\x00", b"\x00\x00\x00\x09abc", b"\xff\xff\xff\xff" * 4])
def test_damaged_packets_are_refused(data, inside):
    with pytest.raises(inside.h264.NotPlain, match="damaged"):
        inside.h264.units_of(data)


def test_parameter_sets_that_change_on_the_way_are_refused(inside, recording):
    with av.open(str(recording("mp4"))) as container:
        known = inside.h264.read_record(bytes(container.streams.video[0].codec_context.extradata))
    inside.h264.check_units([known.sequences[0], known.pictures[0], b"\x65slice"], known)
    for unit in (known.sequences[0][:-1] + b"\xff", b"\x0f"):
        with pytest.raises(inside.h264.NotPlain):
            inside.h264.check_units([unit], known)
