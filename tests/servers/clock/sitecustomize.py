"""Gives a Python process a clock that can be set: `time.time()` is shifted by the seconds in the file CLOCK_FOR_TESTS names.

Monotonic time goes on as it does when somebody sets a machine's clock.
"""

import os
import time

_real, _path = time.time, os.environ.get("CLOCK_FOR_TESTS", "")


def _shifted() -> float:
    try:
        with open(_path) as file:
            return _real() + float(file.read() or 0)
    except (OSError, ValueError):
        return _real()


if _path:
    time.time = _shifted
