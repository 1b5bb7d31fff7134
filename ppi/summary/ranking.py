"""Ranking sentences without a model: TextRank over TF-IDF vectors.

Source: Mihalcea and Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004; diversity by maximal marginal relevance,
Carbonell and Goldstein, SIGIR 1998.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from ppi.summary.sentences import is_russian

DAMPING, SETTLED = 0.85, 1e-6
RELEVANCE = 0.7
TOKEN = re.compile(r"\w+", re.UNICODE)
# What teachers say without meaning anything by it.
FILLERS = {
    "ru": "значит так сказать вот ну как бы давайте короче типа собственно вообще просто очень ладно хорошо",
    "en": "okay ok well know right just really gonna let um uh yeah actually basically",
}
CUES = re.compile(
    r"(?i)\b(определени|запомн|итак|главн|важн|вывод|следовательно|называется|important|definition|remember|in summary|"
    r"therefore|main|conclusion|is called|homework|домашн)"
)
COURTESIES = re.compile(r"(?i)^\W*(hello|good (morning|afternoon)|thank|здравствуй|добр(ый|ое)|спасибо|до свидания|goodbye|bye)")


def stems(text: str) -> list[str]:
    """Stemmed words of a sentence without stop words, lower case."""
    language = "ru" if is_russian(text) else "en"
    words = [word for word in TOKEN.findall(text.lower()) if not word.isdigit()]
    kept = [word for word in words if word not in _stop_words(language) and len(word) > 1]
    return _stemmer(language).stemWords(kept)


def vectors(texts: list[str]):
    """TF-IDF rows of unit length, a sparse matrix of shape (texts, terms); None when no text has a word that counts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(analyzer=stems, sublinear_tf=True, dtype=np.float32).fit_transform(texts)
    except ValueError:  # an empty vocabulary
        return None


def text_rank(matrix) -> np.ndarray:
    """Importance of each row, float64 of shape (rows,), summing to 1."""
    links = (matrix @ matrix.T).toarray().astype(np.float32)
    np.fill_diagonal(links, 0.0)
    sums = links.sum(axis=1, keepdims=True)
    count = len(links)
    links = np.divide(links, sums, out=np.full_like(links, 1.0 / count), where=sums > 0)
    ranks = np.full(count, 1.0 / count)
    while True:
        fresh = (1 - DAMPING) / count + DAMPING * (ranks @ links)
        fresh /= fresh.sum()
        if np.abs(fresh - ranks).max() < SETTLED / count:
            return fresh
        ranks = fresh


def weigh(texts: list[str], ranks: np.ndarray) -> np.ndarray:
    """Ranks with the knowledge of lessons: definitions count more, greetings and fragments less."""
    weighed = ranks / max(float(ranks.max()), 1e-12)
    for number, text in enumerate(texts):
        words = len(text.split())
        if CUES.search(text):
            weighed[number] *= 1.25
        if COURTESIES.search(text) or words < 4:
            weighed[number] *= 0.3
    return weighed


def pick(matrix, scores: np.ndarray, count: int) -> list[int]:
    """The best rows that do not repeat each other, in order of appearance."""
    chosen: list[int] = []
    candidates = set(range(len(scores)))
    while candidates and len(chosen) < count:
        repeats = (matrix @ matrix[chosen].T).max(axis=1).toarray().ravel() if chosen else np.zeros(len(scores))
        best = max(sorted(candidates), key=lambda row: RELEVANCE * scores[row] - (1 - RELEVANCE) * repeats[row])
        chosen.append(best)
        candidates.discard(best)
    return sorted(chosen)


@lru_cache(maxsize=2)
def _stemmer(language: str):
    import snowballstemmer

    return snowballstemmer.stemmer("russian" if language == "ru" else "english")


@lru_cache(maxsize=2)
def _stop_words(language: str) -> frozenset[str]:
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language)) | frozenset(FILLERS[language].split())
