"""The error tree: what can go wrong, in the domain's words, without any HTTP in it.

A message is a template in English; its values travel beside it, so that the web layer can translate the
template and fill it afterwards. `code` is stable and documented in docs/errors.md; HTTP statuses live in
`ppi.web.errors`.
"""

from __future__ import annotations

import errno


class PpiError(Exception):
    """Base of every error that PPI raises on purpose.

    `template` is an English sentence with `{name}` fields that says what happened and what to do next;
    `ids` are the values of the fields and may hold more (a job id, a key) for the log.
    """

    code = "error"
    retryable = False

    def __init__(self, template: str, **ids: object):
        super().__init__(template)
        self.template = template
        self.ids = ids

    def __str__(self) -> str:
        return fill(self.template, self.ids)

    def __reduce__(self):
        return (_rebuild, (type(self), self.template, self.ids))


def _rebuild(cls: type, template: str, ids: dict) -> "PpiError":
    return cls(template, **ids)


def fill(template: str, values: dict) -> str:
    """Put `values` into the `{name}` fields; a template that does not fit its values is shown as it is."""
    try:
        return template.format(**values)
    except (KeyError, IndexError, ValueError):
        return template


class SettingsError(PpiError):
    """The environment cannot be understood; names every faulty variable."""

    code = "settings"


class InputError(PpiError):
    """What the user gave cannot be used, however often it is tried."""

    code = "input"


class UnsupportedMedia(InputError):
    """The bytes are not a recording PPI can read."""

    code = "unsupported_media"


class UploadTooLarge(InputError):
    """More bytes than the limit allows."""

    code = "too_large"


class AnnotationError(InputError):
    """An annotation export or a pattern table cannot be read."""

    code = "annotation"


class DatasetError(InputError):
    """A dataset folder is not what its files say."""

    code = "dataset"


class WeightsMissing(InputError):
    """The weights of a speech or language model, or what runs it, are not on this machine and cannot be fetched."""

    code = "weights_missing"


class NotFound(PpiError):
    """There is no such thing, or it is not the caller's: the two are not told apart."""

    code = "not_found"


class NotLoggedIn(PpiError):
    """Nobody is logged in, or the log-in is over."""

    code = "not_logged_in"


class AccessDenied(PpiError):
    """The caller is known and may not do this."""

    code = "access_denied"


class CsrfFailed(AccessDenied):
    """The page's security token is missing or too old."""

    code = "csrf"


class Conflict(PpiError):
    """Something else happened meanwhile, or already exists."""

    code = "conflict"


class QuotaExceeded(Conflict):
    """The account holds as many lessons as it may."""

    code = "quota"


class TooManyTries(PpiError):
    """Too many attempts in a short time."""

    code = "too_many_tries"


class Cancelled(PpiError):
    """The user asked for the job to stop."""

    code = "cancelled"


class LeaseLost(PpiError):
    """Another runner has taken this job over; whatever this one made must be thrown away."""

    code = "lease_lost"


class ToolFailed(PpiError):
    """A program that PPI runs ended badly."""

    code = "tool_failed"


class DiskFull(PpiError):
    """No room left for what was asked."""

    code = "disk_full"


def of_full_disk(error: OSError) -> DiskFull | None:
    """What to tell of a fault of the operating system when it means that there is no room; None for other faults."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("There is no room left on the disk. Free some space and try again.")
    return None


class BackendError(PpiError):
    """A server or a model PPI depends on did not do its part; trying again may help."""

    code = "backend"
    retryable = True


class ServerAway(BackendError):
    """A server PPI depends on does not answer; jobs wait for it to come back."""

    code = "server_away"


class Unexpected(BackendError):
    """A fault nobody foresaw."""

    code = "unexpected"
