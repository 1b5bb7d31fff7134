"""What may be done with a lesson: consent, licence, embargo. The rules are the same for pages, commands and jobs."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from typing import Any

from ppi.errors import AccessDenied, InputError, day, message
from ppi.records import Consent

WITHDRAWN = "withdrawn"
STATES = (WITHDRAWN, "unknown", "internal", "public")  # the strictest first
# Names as the Hub knows them (its documentation, "Licenses").
LICENSES = (
    "other", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "cc0-1.0",
)  # fmt: skip
MAX_TEACHER_CHARACTERS = 40


def checked(state: str = "unknown", license: str = "other", embargo_until: str = "", teacher: str = "") -> Consent:
    """A Consent of what somebody typed. Raises InputError and says what may stand there."""
    if state not in STATES:
        raise InputError("The consent must be one of {states}, not {state}.", states=", ".join(STATES), state=state[:40])
    if license not in LICENSES:
        raise InputError("The licence must be one of {known}, not {license}.", known=", ".join(LICENSES), license=license[:40])
    teacher = " ".join(teacher.split())
    if len(teacher) > MAX_TEACHER_CHARACTERS or any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in teacher):
        raise InputError("The code of the teacher may have {most} characters at most. Shorten it.", most=MAX_TEACHER_CHARACTERS)
    if embargo_until:
        try:
            embargo_until = datetime.date.fromisoformat(embargo_until).isoformat()
        except ValueError as error:
            raise InputError("The end of the embargo must be a date such as 2027-01-31.") from error
    return Consent(state, license, embargo_until, teacher)


def of_settings(settings: Mapping[str, Any]) -> Consent:
    """What the manifest of a dataset says; anything it does not know counts as unknown."""
    state, license, until = (settings.get(key) for key in ("consent", "license", "embargo_until"))
    try:
        until = datetime.date.fromisoformat(until).isoformat() if until else ""
    except (TypeError, ValueError):
        state, until = "unknown", ""
    return Consent(state if state in STATES else "unknown", license if license in LICENSES else "other", until)


def check_push(consent: Consent, is_private: bool, today: datetime.date) -> None:
    """Raises AccessDenied when this consent does not allow a push today; into a private repository most do."""
    check_use(consent)
    if is_private:
        return
    if consent.state != "public":
        raise AccessDenied(
            "The consent for this lesson is “{state}”. Only lessons whose consent is “public” go into a public repository: "
            "record it, or push it as private.",
            state=message(consent.state, {}),
        )
    if consent.is_under_embargo(today):
        raise AccessDenied(
            "This lesson is under embargo until {date}. Until then push it as private.", date=day(consent.embargo_until)
        )  # fmt: skip


def check_use(consent: Consent) -> None:
    """Raises AccessDenied when the lesson was withdrawn: then nothing is made of it or given away any more."""
    if consent.state == WITHDRAWN:
        raise AccessDenied(
            "The consent for this lesson was withdrawn. Nothing is built of it or published until another consent is recorded."
        )


def strictest(given: list[Consent]) -> Consent:
    """What holds for all of them; a licence only where it is the same."""
    licenses = {consent.license for consent in given}
    return Consent(
        state=min((consent.state for consent in given), key=STATES.index, default="unknown"),
        license=licenses.pop() if len(licenses) == 1 else "other",
        embargo_until=max((consent.embargo_until for consent in given), default=""),
    )
