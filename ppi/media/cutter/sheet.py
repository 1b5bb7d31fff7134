"""A page of a contact sheet: for each interval the picture before it, its first, middle and last one, and the one after."""

from source import SAME_S, Source

# From one wanted picture to the next a longer way is skipped rather than decoded.
LEAP_S = 8.0
# The picture before a time is looked for at least this far back.
BACK_S = 0.3
THUMB_PX, GAP_PX, TEXT_PX = 256, 8, 18
PAPER, INK, OUTSIDE, INSIDE = "#ffffff", "#1c2430", "#b3261e", "#2e7d32"
QUALITY = 82


def draw(source: Source, intervals: list, path: str) -> None:
    """Draw `intervals` (name, start_s, end_s), one a row, into a JPEG. Pictures from outside get a red frame."""
    rows = []
    for name, start_s, end_s in intervals:
        rows.append((f"{name}   {start_s:.3f} - {end_s:.3f} s", _five(source, start_s, end_s)))
    _page(rows).save(path, "JPEG", quality=QUALITY)


def _five(source: Source, start_s: float, end_s: float) -> list:
    """(time in seconds, picture) five times, None where there is no such picture."""
    walk = _Walk(source)
    before, first = walk.around(start_s)
    _, middle = walk.around((start_s + end_s) / 2)
    last, after = walk.around(end_s)
    return [before, first, middle if middle and middle[0] < end_s else last, last, after]


class _Walk:
    """Goes forward through the pictures, leaping where the way is long."""

    def __init__(self, source: Source):
        self._source = source
        self._frames = iter(())
        self._last = self._next = None

    def around(self, time_s: float) -> tuple:
        """The last picture before a time and the first one at or after it, each (time in seconds, picture) or None."""
        if self._next is None or time_s - self._next[0] > LEAP_S:
            source = self._source
            source.container.seek(source.before(max(0.0, time_s - BACK_S)), stream=source.video, backward=True)
            self._frames, self._last, self._next = iter(source.container.decode(source.video)), None, None
        while self._next is None or self._next[0] < time_s - SAME_S:
            frame = next(self._frames, None)
            if frame is None:
                return self._next or self._last, None
            if frame.pts is not None:
                self._last, self._next = self._next, (self._source.time_s(frame.pts), frame)
                self._source.on_picture(self._next[0])
        return self._last, self._next


def _page(rows: list):
    from PIL import Image, ImageDraw, ImageFont

    pictures = [[one and (one[0], _small(one[1])) for one in five] for _, five in rows]
    height = max((one[1].height for five in pictures for one in five if one), default=THUMB_PX)
    row_px = height + 2 * (TEXT_PX + GAP_PX)
    page = Image.new("RGB", (5 * (THUMB_PX + GAP_PX) + GAP_PX, row_px * len(rows) + GAP_PX), PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(TEXT_PX - 4)
    for number, ((title, _), five) in enumerate(zip(rows, pictures, strict=True)):
        top = number * row_px + GAP_PX
        pen.text((GAP_PX, top), title, INK, font)
        for column, one in enumerate(five):
            left = GAP_PX + column * (THUMB_PX + GAP_PX)
            if one is None:
                continue
            page.paste(one[1], (left, top + TEXT_PX))
            edge = (left - 2, top + TEXT_PX - 2, left + one[1].width + 1, top + TEXT_PX + one[1].height + 1)
            pen.rectangle(edge, outline=OUTSIDE if column in (0, 4) else INSIDE, width=2)
            pen.text((left, top + TEXT_PX + height + 2), f"{one[0]:.3f}", INK, font)
    return page


def _small(frame):
    from PIL import Image

    width, height = frame.width, frame.height
    turned = round(frame.rotation) % 360
    if turned in (90, 270):
        width, height = height, width
    factor = min(THUMB_PX / width, THUMB_PX / height)
    size = max(1, round(frame.width * factor)), max(1, round(frame.height * factor))
    small = Image.fromarray(frame.reformat(*size, "rgb24").to_ndarray())
    return small.rotate(turned, expand=True) if turned else small
