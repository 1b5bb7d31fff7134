"""Ranking sentences without a model: TextRank over TF-IDF vectors.

Source: Mihalcea and Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004; diversity by maximal marginal relevance,
Carbonell and Goldstein, SIGIR 1998.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ppi.summary.sentences import is_russian

DAMPING, SETTLED, MAX_ROUNDS = 0.85, 1e-6, 200
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
COURTESIES = re.compile(r"(?i)^\W*(hello|good (morning|afternoon)|thank|здравствуй|добр(ый|ое)|спасибо|до свидания|(good)?bye)")
CUE_WEIGHT, COURTESY_WEIGHT, FIRST_WEIGHT = 1.25, 0.3, 1.1
SHORTEST_WORDS = 5


def stems(text: str) -> list[str]:
    """Stemmed words of a sentence without stop words, lower case."""
    language = "ru" if is_russian(text) else "en"
    words = [word for word in TOKEN.findall(text.lower()) if not word.isdigit()]
    kept = [word for word in words if word not in _stop_words(language) and len(word) > 1]
    return _stemmer(language).stemWords(kept)


def vectors(texts: list[str]):
    """TF-IDF rows of unit length, a sparse matrix of shape (texts, terms); None when no text has a word that counts.

    With logarithms of counts and smoothed document frequencies, the numbers of scikit-learn's TfidfVectorizer; importing that
    takes longer than all the rest of a summary.
    """
    from scipy.sparse import csr_matrix

    found = [Counter(stems(text)) for text in texts]
    terms = {term: column for column, term in enumerate(sorted(set().union(*found)))}
    if not terms:
        return None
    rows = np.repeat(np.arange(len(found)), [len(own) for own in found])
    columns = np.array([terms[term] for own in found for term in own])
    counts = np.array([count for own in found for count in own.values()])
    rarity = np.log((1 + len(found)) / (1 + np.bincount(columns, minlength=len(terms)))) + 1
    values = (1 + np.log(counts)) * rarity[columns]
    lengths = np.sqrt(np.bincount(rows, values**2, minlength=len(found)))
    return csr_matrix((values / lengths[rows], (rows, columns)), shape=(len(found), len(terms)))


def text_rank(matrix) -> np.ndarray:
    """Importance of each row, float64 of shape (rows,), summing to 1.

    The links between rows are their cosines. The square matrix of all links is never made: multiplying by the
    vectors and back again gives the same sums in memory that grows with the text only.
    """
    count = matrix.shape[0]
    own = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()

    def along_links(weights: np.ndarray) -> np.ndarray:
        return matrix @ (matrix.T @ weights) - own * weights

    sums = along_links(np.ones(count))
    is_alone = sums < 1e-9
    shares = np.where(is_alone, 0.0, 1.0 / np.where(is_alone, 1.0, sums))
    ranks = np.full(count, 1.0 / count)
    for _ in range(MAX_ROUNDS):
        flow = along_links(ranks * shares) + ranks[is_alone].sum() / count
        fresh = (1 - DAMPING) / count + DAMPING * flow
        fresh /= fresh.sum()
        if np.abs(fresh - ranks).max() < SETTLED / count:
            return fresh
        ranks = fresh
    return ranks


def weigh(texts: list[str], ranks: np.ndarray) -> np.ndarray:
    """Ranks, 0..1 and above, with the knowledge of lessons: definitions count more, greetings and fragments less."""
    weighed = ranks / ranks.max()
    for number, text in enumerate(texts):
        if CUES.search(text):
            weighed[number] *= CUE_WEIGHT
        if COURTESIES.search(text) or len(text.split()) < SHORTEST_WORDS:
            weighed[number] *= COURTESY_WEIGHT
    return weighed


def pick(matrix, scores: np.ndarray, count: int, among: Sequence[int] | None = None, beside: Sequence[int] = ()) -> list[int]:
    """The best `count` rows of `among` (all by default) that repeat neither each other nor those of `beside`, in order."""
    among = np.asarray(range(len(scores)) if among is None else among, dtype=int)
    rows, values = matrix[among], RELEVANCE * scores[among]
    repeats = np.zeros(len(among))
    for row in beside:
        repeats = np.maximum(repeats, _likeness(rows, matrix[row]))
    chosen: list[int] = []
    while len(chosen) < min(count, len(among)):
        worth = values - (1 - RELEVANCE) * repeats
        worth[chosen] = -np.inf
        best = int(np.argmax(worth))
        chosen.append(best)
        repeats = np.maximum(repeats, _likeness(rows, rows[best]))
    return sorted(int(among[place]) for place in chosen)


def _likeness(rows, row) -> np.ndarray:
    return (rows @ row.T).toarray().ravel()


@lru_cache(maxsize=2)
def _stemmer(language: str):
    import snowballstemmer

    return snowballstemmer.stemmer("russian" if language == "ru" else "english")


@lru_cache(maxsize=2)
def _stop_words(language: str) -> frozenset[str]:
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language)) | frozenset(FILLERS[language].split())
