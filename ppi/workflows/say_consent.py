"""Record what the people of a lesson agreed to, and let every dataset that holds the lesson say so at once."""

from __future__ import annotations

from collections.abc import Mapping

from ppi.jobs.lessons import LessonRow
from ppi.records import Consent
from ppi.services import Services
from ppi.workflows import about_lesson, joined_consent


def save_consent(services: Services, row: LessonRow, given: Mapping[str, str]) -> Consent:
    """See `about_lesson.save_consent`; joined datasets learn of it, too."""
    checked = about_lesson.save_consent(services, row, given)
    joined_consent.tell_all(services, row)
    return checked
