"""The key frame of a clip: the sharpest picture near the middle that is not dark, not empty and no transition.

Sharpness is the variance of the Laplacian, as Pech-Pacheco et al. (2000) use it for focus; all measures are taken of
the luma at no more than 640 columns, 0 (black) to 255.
"""

from dataclasses import dataclass

import numpy as np

# Pictures looked at, and how far from the middle they may lie.
CANDIDATES = 9
NEAR_S, NEAR_SHARE = 1.0, 0.2
DARK, EMPTY = 24.0, 6.0
# A change to the next picture of this mean size, and this many times the usual one, is a transition.
CHANGE, UNUSUAL = 12.0, 4.0
# What a picture at the edge of the stretch must be sharper than one in the middle to win.
AWAY = 0.25
COLUMNS = 640


@dataclass(frozen=True)
class Measures:
    """Of one candidate; `change` is the mean difference to the next picture, None when there is none."""

    time_s: float
    sharpness: float
    brightness: float
    contrast: float
    change: float | None


class Watch:
    """Keeps what is needed of the pictures that are decoded, and chooses among them.

    `shown` is (time stamp, time in seconds) of every picture of the clip in the order of showing; `wanted` are the time
    stamps of those that `look` must be given.
    """

    def __init__(self, shown: list[tuple[int, float]]):
        times = [time_s for _, time_s in shown]
        picked = candidates(times)
        self._middle_s = times[len(times) // 2]
        self._times = {shown[number][0]: times[number] for number in picked}
        self._after = {shown[number][0]: shown[number + 1][0] for number in picked if number + 1 < len(shown)}
        self.wanted = {*self._times, *self._after.values()}
        self._frames: dict = {}
        self._lumas: dict = {}

    def look(self, pts: int, frame) -> None:
        if pts in self.wanted:
            self._lumas[pts] = luma(frame)
        if pts in self._times:
            self._frames[pts] = frame

    def save(self, path: str) -> dict:
        """Write the chosen picture as JPEG; answers when it is shown, and why it was chosen."""
        found = [
            measure(time_s, self._lumas[pts], self._lumas.get(self._after.get(pts))) for pts, time_s in self._times.items()
        ]
        best, chosen = choose(found, self._middle_s)
        pts = list(self._times)[best]
        save(self._frames[pts], path)
        return {"key_s": self._times[pts], "key": chosen}


def candidates(times: list[float]) -> list[int]:
    """Positions in `times` of the pictures to look at, evenly spread around the middle one."""
    middle = len(times) // 2
    reach_s = min(NEAR_S, NEAR_SHARE * (times[-1] - times[0]))
    near = [number for number, time_s in enumerate(times) if abs(time_s - times[middle]) <= reach_s + 1e-6]
    picked = {near[round(step * (len(near) - 1) / (CANDIDATES - 1))] for step in range(CANDIDATES)}
    return sorted(picked | {middle})


def luma(frame) -> np.ndarray:
    """The picture's brightness, made smaller by whole factors: float32, shape (rows, columns)."""
    plane = frame.planes[0]
    full = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    factor = -(-frame.width // COLUMNS)
    rows, columns = full.shape[0] // factor * factor, full.shape[1] // factor * factor
    total = np.zeros((rows // factor, columns // factor), np.uint32)
    for down in range(factor):
        for across in range(factor):
            total += full[down:rows:factor, across:columns:factor]
    return total.astype(np.float32) / factor**2


def measure(time_s: float, picture: np.ndarray, following: np.ndarray | None) -> Measures:
    inner = picture[1:-1, 1:-1]
    edges = picture[:-2, 1:-1] + picture[2:, 1:-1] + picture[1:-1, :-2] + picture[1:-1, 2:] - 4 * inner
    change = None if following is None else float(np.abs(picture - following).mean())
    return Measures(time_s, float(edges.var()), float(picture.mean()), float(picture.std()), change)


def choose(found: list[Measures], middle_s: float) -> tuple[int, dict]:
    """The position of the chosen one, and what the report says about the choice."""
    faults = [_fault(one, found) for one in found]
    reach_s = max(abs(one.time_s - middle_s) for one in found) or 1.0
    scores = [one.sharpness * (1 - AWAY * abs(one.time_s - middle_s) / reach_s) for one in found]
    sound = [number for number, fault in enumerate(faults) if not fault]
    nearest = min(range(len(found)), key=lambda number: abs(found[number].time_s - middle_s))
    best = max(sound, key=lambda number: scores[number]) if sound else nearest
    one = found[best]
    return best, {
        "why": "sharpest" if sound else "middle", "candidates": len(found),
        "dark": faults.count("dark"), "empty": faults.count("empty"), "transition": faults.count("transition"),
        "from_middle_s": round(one.time_s - middle_s, 6), "score": round(scores[best], 2),
        "sharpness": round(one.sharpness, 2), "brightness": round(one.brightness, 1), "contrast": round(one.contrast, 1),
        "change": None if one.change is None else round(one.change, 2),
    }  # fmt: skip


def _fault(one: Measures, all_of_them: list[Measures]) -> str:
    if one.brightness < DARK:
        return "dark"
    if one.contrast < EMPTY:
        return "empty"
    changes = [other.change for other in all_of_them if other.change is not None]
    if one.change is not None and one.change > max(CHANGE, UNUSUAL * float(np.median(changes))):
        return "transition"
    return ""


def save(frame, path: str) -> None:
    """Write a picture as JPEG with full-range colours."""
    import av

    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuvj420p"
    codec.time_base, codec.qmin, codec.qmax = 1, 3, 3
    picture = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
    picture.pts = 0
    with open(path, "wb") as file:
        for packet in [*codec.encode(picture), *codec.encode(None)]:
            file.write(bytes(packet))
