"""What is said of a model that does not run where, or in the numbers, that the settings want."""

from __future__ import annotations

# For the transcript's `hearing`, with the reason.
NO_GPU = "no GPU was found, so the processor was used"


def gpu_failed(error: Exception) -> str:
    reason = (str(error) or type(error).__name__).splitlines()[0][:120]
    return f"the GPU could not be used ({reason}), so the processor was used"


def joined(*told: str) -> str:
    return "; ".join(filter(None, told))
