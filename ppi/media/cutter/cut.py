"""Cuts one clip out of plain H.264: exactly the pictures shown in [start_s, end_s), and the sound of that time.

*Strict*: nothing outside the interval is in the file. From the first closed key frame inside, pictures are copied as long
as those before the end need none after it; what is before and behind is encoded anew, and so is all sound.
*Fast*: everything is copied, from the closed key frame before the interval on; an edit list hides what lies outside.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import check
import h264
import writer
from encoder import Stretch
from h264 import NotPlain
from keyframe import Watch, luma
from source import SAME_S, Coded, Source
from writer import Picture

# Fewer pictures are not worth a seam.
WORTH_COPYING = 5
# All of a clip's sound is held in memory.
LONGEST_S = 600.0


@dataclass(frozen=True)
class Plan:
    """What becomes of the pictures of an interval: `copied` in the order of decoding, the others in that of showing."""

    mode: str
    reason: str
    shown: list[Coded]
    head: list[Coded] = field(default_factory=list)
    copied: list[Coded] = field(default_factory=list)
    tail: list[Coded] = field(default_factory=list)

    @property
    def alone(self) -> int | None:
        """The last picture, where all before it would have to be decoded to check it."""
        return None if self.copied else self.shown[-1].pts

    @property
    def compared(self) -> set[int]:
        """Pictures to compare with the source's: the first, the last, and where a player could stumble.

        What is copied is compared byte by byte.
        """
        if self.mode == "copied":
            return set()
        ends = {self.shown[0].pts, *(one.pts for one in self.copied[:1]), *(one.pts for one in self.tail[-1:])}
        return ends if self.alone is None else {*ends, self.alone}


def one(source: Source, start_s: float, end_s: float, mode: str, clip: str, still: str, options: dict) -> dict:
    """Cut one clip and check it; answers the facts of it, or {"empty": True}. Raises NotPlain."""
    source.require_plain()
    if end_s - start_s > LONGEST_S:
        raise NotPlain("the interval is very long")
    coded = source.around(start_s, end_s)
    inside = [one for one in coded if start_s - SAME_S <= one.time_s < end_s - SAME_S]
    if not inside:
        return {"empty": True}
    for each in coded:
        h264.check_units(each.units, source.parameters)
    plan = _plan(source, coded, inside, mode)
    watch = Watch([(one.pts, one.time_s) for one in plan.shown])
    pictures, record, lumas = _pictures(source, coded, plan, watch)
    offset_s = _written(source, plan, pictures, record, lumas, start_s, end_s, clip, options)
    return {
        "mode": plan.mode, "reason": plan.reason, "frames": len(plan.shown), "first_s": plan.shown[0].time_s,
        "last_s": plan.shown[-1].time_s, "sound_offset_s": offset_s, **watch.save(still),
    }  # fmt: skip


def _plan(source: Source, coded: list[Coded], inside: list[Coded], mode: str) -> Plan:
    shown, reason = sorted(inside, key=lambda one: one.pts), ""
    kept = {one.pts for one in inside}
    if mode == "fast":
        reason = source.why_not_copied()
        if not reason:
            last = max(number for number, one in enumerate(coded) if one.pts in kept)
            return Plan("copied", "", shown, copied=coded[: last + 1])
    first = next((number for number, one in enumerate(coded) if one.pts in kept and one.is_idr), len(coded))
    copied = _run(coded[first:], kept)
    if len(copied) < WORTH_COPYING:
        return Plan("encoded", reason or "there is no closed key frame to copy from", shown, head=shown)
    last = max(one.pts for one in copied)
    head, tail = [one for one in shown if one.pts < copied[0].pts], [one for one in shown if one.pts > last]
    return Plan("smart", reason, shown, head, copied, tail)


def _run(coded: list[Coded], kept: set[int]) -> list[Coded]:
    """As many packets from the key frame on as make a closed run: all inside, none missing before the last shown."""
    length = next((number for number, one in enumerate(coded) if one.pts not in kept), len(coded))
    while length > 0:
        rest = [one.pts for one in coded[length:] if one.pts in kept]
        if not rest or max(one.pts for one in coded[:length]) < min(rest):
            break
        length -= 1
    return coded[:length]


def _pictures(source: Source, coded: list[Coded], plan: Plan, watch: Watch) -> tuple[list[Picture], bytes, dict]:
    """The packets of the clip, the record with the parameter sets they need, and lumas of pictures to compare."""
    before, behind = Stretch(source), Stretch(source)
    parts = {one.pts: before for one in plan.head} | {one.pts: behind for one in plan.tail}
    lumas = {}
    for pts, frame in source.pictures(coded, {*parts, *watch.wanted, *plan.compared}):
        watch.look(pts, frame)
        if pts in plan.compared:
            lumas[pts] = luma(frame)
        if pts in parts:
            parts[pts].add(pts, frame, is_alone=pts == plan.alone)
    made = [Picture(*packet) for packet in before.packets()]
    made += [Picture(one.pts, bytes(one.packet), one.packet.is_keyframe) for one in plan.copied]
    made += [Picture(*packet) for packet in behind.packets()]
    return made, _record(source, plan, {stretch.sets for stretch in (before, behind) if stretch.sets}), lumas


def _record(source: Source, plan: Plan, sets: set) -> bytes:
    if not sets:
        return bytes(source.context.extradata)
    if len(sets) > 1:
        raise NotPlain("the encoder's parameter sets differ")
    own = sets.pop()
    return source.parameters.joined(*own) if plan.copied else h264.record_of(*own)


def _written(source, plan, pictures, record, lumas, start_s, end_s, clip, options) -> float | None:
    """Write the clip and check it; answers how much too late its sound is.

    A clip that is copied begins with its first picture: an edit list can hide what is before, but not wait for less than
    a picture.
    """
    is_copied = plan.mode == "copied"
    zero = plan.shown[0].pts * source.base if is_copied else Fraction(start_s) + source.start
    zero_s, end = float(zero - source.start), Fraction(end_s) + source.start
    heard = source.sound(zero_s, end_s) if source.audio else None
    sound = source.sound_packets(zero_s, end_s) if is_copied and source.audio else heard
    writer.write(clip, source, pictures, zero, end, record, sound)
    if is_copied:
        writer.limit_edits(clip, end - zero)
    times = [one.time_s - zero_s for one in plan.shown]
    compared = {one.time_s - zero_s: lumas[one.pts] for one in plan.shown if one.pts in lumas}
    return check.clip(clip, options, times, [picture.data for picture in pictures], compared, heard)
