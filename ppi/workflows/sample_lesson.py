"""The sample lesson that comes with PPI, for first steps: drawings and synthetic voices, nobody is in it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "data"
VIDEO, ANNOTATIONS, PATTERNS = "sample_lesson.mp4", "sample_annotations.json", "sample_patterns.xlsx"
FILES = (VIDEO, ANNOTATIONS, PATTERNS)
