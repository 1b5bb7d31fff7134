"""What transcripts say of themselves to readers: they keep the English, others tell it in their own language."""

from __future__ import annotations

INTERPOLATED = "The words have no times of their own: each caption's time was shared among its words by their letters."
ON_PROCESSOR = "The GPU could not be used, so the processor heard this lesson."
POCKETSPHINX = (
    "Made by pocketsphinx, a rough offline recogniser of English: expect wrong words, and nonsense where another "
    "language is spoken. Check it before quoting."
)
_OTHER = {
    "ru": {
        INTERPOLATED: "У слов нет собственного времени: время каждого титра поделено между его словами по числу букв.",
        ON_PROCESSOR: "Видеокартой воспользоваться не удалось, поэтому урок распознан на процессоре.",
        POCKETSPHINX: (
            "Сделано программой pocketsphinx, неточным распознавателем английского без сети: в тексте будут неверные слова, а "
            "там, где говорят на другом языке, бессмыслица. Проверьте его, прежде чем цитировать."
        ),
    }
}


def told(note: str, language: str) -> str:
    """The note in that language; as it is where there are no words for it."""
    return _OTHER.get(language, {}).get(note, note)
