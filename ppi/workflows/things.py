"""What has a dataset: a lesson, or a dataset joined of several. Where it lies, and what its objects carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from ppi.jobs.lessons import LessonRow
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.ingest import owner_metadata

if TYPE_CHECKING:
    from ppi.workflows.joined import Joined

Thing = Union[LessonRow, "Joined"]


def prefix_of(thing: Thing) -> str:
    """Where its dataset lies in the final bucket."""
    return dataset_prefix(thing) if isinstance(thing, LessonRow) else thing.prefix


def metadata_of(thing: Thing) -> dict[str, str]:
    """What every object of it carries."""
    return owner_metadata(thing) if isinstance(thing, LessonRow) else thing.metadata
