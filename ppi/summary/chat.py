"""A chat model behind an address that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp's server, OpenAI itself.

Runs in a child process, which can be stopped while the server thinks. Only the configured address is spoken to: no
redirects, no proxies of the environment, no answer beyond MAX_ANSWER_BYTES, no compressed ones. A question carries words and
nothing else: no tools, no pictures, no addresses to fetch; of an answer only its text is looked at. The key is in one header
and nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ppi.errors import AccessDenied, BackendError, InputError, NotFound, PpiError, ServerAway
from ppi.records import Summary, Transcript
from ppi.settings import SummarySettings
from ppi.summary import mapreduce

ENGINE = "chat"
MAX_ANSWER_BYTES, MAX_REASON_CHARACTERS = 1_000_000, 200
CONNECT_S = 10.0
TRIES, LONGEST_WAIT_S = 4, 60.0
# Refusals that pass: too many questions, a model that is loading, a proxy that lost its server.
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
# Characters a token, for servers that do not count for us: Russian words are cut smaller. 15 % are kept in reserve.
LATIN_CHARACTERS, OTHER_CHARACTERS, RESERVE = 4.0, 2.5, 1.15
# What not every server or model takes. When a 400 names one, the question is asked again with the other name, or without.
OPTIONAL = {"max_tokens": "max_completion_tokens", "temperature": None}


def summarize(
    report: Callable[[Any], None], transcript: Transcript, settings: SummarySettings, language: str, known: Mapping[str, str]
) -> Summary:
    """In the child; see `mapreduce.summarize`. Raises ServerAway when nobody answers, AccessDenied, NotFound and InputError
    for what has to be set right, BackendError for the rest.
    """
    with ChatServer(settings) as chat:
        return mapreduce.summarize(report, transcript, chat, language, known)


class ChatServer:
    """A `mapreduce.Chat` over HTTP; a context manager."""

    engine = ENGINE

    def __init__(self, settings: SummarySettings, wait: Callable[[float], None] = time.sleep):
        import httpx

        self.name, self.context_tokens = settings.chat_model, settings.context_tokens
        self._url, self._wait = f"{settings.base_url}/chat/completions", wait
        self._patience_s = 2 * settings.timeout_s  # for an answer that comes in drops
        self._options: dict[str, Any] = {"temperature": 0, "max_tokens": 0}
        headers = {"Accept-Encoding": "identity"}
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.timeout_s, connect=CONNECT_S), headers=headers, trust_env=False,
            follow_redirects=False,
        )  # fmt: skip

    def __enter__(self) -> ChatServer:
        return self

    def __exit__(self, *args: object) -> None:
        self._client.close()

    def count(self, text: str) -> int:
        latin = sum(char < "\u0250" for char in text)
        return int(RESERVE * (latin / LATIN_CHARACTERS + (len(text) - latin) / OTHER_CHARACTERS)) + 1

    def ask(self, question: str, answer_tokens: int) -> str:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        retrying = Retrying(
            retry=retry_if_exception_type(_Passing), stop=stop_after_attempt(TRIES), wait=_pause, sleep=self._wait, reraise=True
        )
        try:
            return retrying(self._ask, question, answer_tokens)
        except _Passing as passing:
            raise passing.error from None

    def _ask(self, question: str, answer_tokens: int) -> str:
        for _ in range(len(OPTIONAL) + 1):
            body = {"model": self.name, "messages": [{"role": "user", "content": question}], "stream": False, **self._options}
            body |= {name: answer_tokens for name in body if name.startswith("max_")}
            status, headers, answer = self._post(body)
            if status == 200:
                return _text_of(answer)
            named = next((name for name in OPTIONAL if name in body and name.encode() in answer), "")
            if status != 400 or not named:
                break
            del self._options[named]
            if OPTIONAL[named]:
                self._options[OPTIONAL[named]] = 0
        error = self._refusal(status, answer)
        if status in PASSING:
            raise _Passing(error, _retry_after(headers.get("Retry-After", "")))
        raise error

    def _post(self, body: dict[str, Any]) -> tuple[int, Any, bytes]:
        import httpx

        try:
            with self._client.stream("POST", self._url, json=body) as answer:
                kept = _bounded(answer.iter_raw(), time.monotonic() + self._patience_s)
                return answer.status_code, answer.headers, kept
        except httpx.ConnectError as error:
            away = ServerAway(
                "The chat server does not answer. Ask the administrator whether it runs and LLM_BASE_URL is right."
            )
            raise _Passing(away) from error
        except httpx.HTTPError as error:  # answers that stay away or are no HTTP
            silent = BackendError("The chat server broke off its answer ({kind}). Try again later.", kind=type(error).__name__)
            raise _Passing(silent) from error

    def _refusal(self, status: int, answer: bytes) -> PpiError:
        if status in (401, 403):
            return AccessDenied("The chat server refuses the key. The administrator sets it in LLM_API_KEY.")
        if status == 404:
            return NotFound(
                "The chat server has no model {model} at this address. The administrator sets LLM_MODEL and LLM_BASE_URL.",
                model=self.name,
            )
        kind = BackendError if status in PASSING else InputError
        return kind(
            "The chat server refused the question (status {status}: {reason}).", status=status, reason=_reason(answer)
        )


class _Passing(Exception):
    """Something that may be over at the next try; `after_s` is how long the server asks to wait, 0 when it does not say."""

    def __init__(self, error: PpiError, after_s: float = 0.0):
        super().__init__(str(error))
        self.error, self.after_s = error, after_s


def _pause(state: Any) -> float:
    """2, 4, 8 s, or as long as the server asks, bounded."""
    asked_s = state.outcome.exception().after_s
    return min(max(asked_s, 2.0**state.attempt_number), LONGEST_WAIT_S)


def _retry_after(header: str) -> float:
    return float(header) if header.strip().isdigit() else 0.0


def _bounded(parts: Any, deadline_s: float) -> bytes:
    kept = b""
    for part in parts:
        kept += part
        if time.monotonic() > deadline_s:
            raise _Passing(BackendError("The chat server takes too long for one answer. Try again later."))
        if len(kept) > MAX_ANSWER_BYTES:
            raise InputError(
                "The chat server's answer is larger than {limit_kb} KB. Try again, or choose the engine without a model.",
                limit_kb=MAX_ANSWER_BYTES // 1000
            )  # fmt: skip
    return kept


def _text_of(answer: bytes) -> str:
    """The words of the first choice, "" when there are none, as when a model wants to call a tool that it was not given."""
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise BackendError(
            "The address in LLM_BASE_URL does not answer as a chat server does. The administrator corrects it."
        ) from None  # fmt: skip
    return content if isinstance(content, str) else ""


def _reason(answer: bytes) -> str:
    """What the server says of its refusal, in whichever of the usual shapes."""
    try:
        told = json.loads(answer)
        told = told.get("error", told.get("detail", "")) if isinstance(told, dict) else ""
        told = told.get("message", "") if isinstance(told, dict) else told
    except (ValueError, RecursionError):
        told = ""
    return " ".join(str(told).split())[:MAX_REASON_CHARACTERS] or "-"
