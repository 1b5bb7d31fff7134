"""What the answers of the Hub mean for the reader."""

from __future__ import annotations

from ppi.errors import AccessDenied, BackendError, Conflict, InputError, PpiError


def may_not_write(repo_id: str) -> AccessDenied:
    return AccessDenied(
        "The token may not write to {repo_id}. Use a name of your own account or organisation, or a token that may.",
        repo_id=repo_id,
    )


def meaning(error: Exception, repo_id: str, endpoint: str, token: str) -> PpiError:
    """What the client's error means for the reader. The token is in no message."""
    status = status_of(error)
    if status == 401:
        return AccessDenied("The Hub does not accept the token. Make a new one that may write and set HF_TOKEN to it.")
    if status == 403:
        return may_not_write(repo_id)
    if status == 404:
        return InputError("The Hub does not find {repo_id}. Check the owner and the name.", repo_id=repo_id)
    if status in (409, 412):
        return Conflict("{repo_id} was changed by somebody else meanwhile. Try again.", repo_id=repo_id)
    if status == 413:
        return InputError("The Hub finds the dataset too large. Mark fewer or shorter intervals, or ask the Hub for more room.")
    if status == 429:
        return BackendError("The Hub takes no more requests for now. Try again in some minutes.")
    if status is not None and status >= 500:
        return BackendError("The Hub is failing (status {status}). Try again later; nothing is lost.", status=status)
    reason = " ".join(f"{type(error).__name__}: {error}".replace(token, "***").split())[:300]
    if status is not None or isinstance(error, ValueError):
        return InputError("The Hub refuses the dataset ({reason}). Mend that, then push it again.", reason=reason.rstrip("."))
    return BackendError(
        "The Hub at {endpoint} cannot be reached ({reason}). Check the network and HF_ENDPOINT, then try again.",
        endpoint=endpoint, reason=reason,
    )  # fmt: skip


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status behind an error; failed uploads keep it in their cause."""
    for _ in range(10):
        if error is None:
            return None
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None
