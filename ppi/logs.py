"""Logs: to the console and to a rotating file, without secrets."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys

from ppi.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(process)d %(threadName)s] %(message)s"
# Signatures of links, bearer tokens, API tokens, tokens of the Hub and keys of chat servers, wherever they come from.
SECRETS = re.compile(
    r"((?:X-Amz-Signature|X-Amz-Credential|sig)=)[^&\s\"']+|(Bearer\s+)\S+|\b(ppi_)[\w-]{8,}|\b(hf_)\w{4,}|\b(sk-)[\w-]{8,}"
    r"|(/(?:m|welcome)/)[\w-]{16,}",
    re.IGNORECASE,
)


class SecretFilter(logging.Filter):
    """Masks secrets and line breaks inside a message: one event is one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage()).replace("\r", " ").replace("\n", " ")
        record.args = ()
        return True


class _MaskingFormatter(logging.Formatter):
    """Masks tracebacks as well."""

    def formatException(self, ei) -> str:  # noqa: N802  (the name is logging's)
        return mask(super().formatException(ei))


def mask(text: str) -> str:
    """The text with every secret replaced by three stars."""
    return SECRETS.sub(lambda found: "".join(part or "" for part in found.groups()) + "***", text)


def set_up_logs(settings: Settings) -> None:
    """Send all logs to standard error and to APP_LOG_FILE (five files of 10 MB)."""
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.StreamHandler(sys.stderr),
        logging.handlers.RotatingFileHandler(settings.log_file, maxBytes=10_000_000, backupCount=5, encoding="utf-8"),
    ]
    for handler in handlers:
        handler.setFormatter(_MaskingFormatter(FORMAT))
        handler.addFilter(SecretFilter())
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.INFO)
