"""The card of a dataset, of a lesson or joined of several: the makers' words and its language, kept, and shown before."""

from __future__ import annotations

from ppi.dataset import card, card_page, layout
from ppi.dataset import refresh as refreshing
from ppi.errors import Conflict, NotFound
from ppi.records import Consent
from ppi.services import Services
from ppi.workflows import about_lesson, joined, joined_consent, stored_datasets
from ppi.workflows.joined import Joined
from ppi.workflows.things import Thing, metadata_of, prefix_of

LANGUAGES = card.LANGUAGES


def own_text(services: Services, thing: Thing) -> str:
    """The makers' words, "" when there are none."""
    return thing.own_text if isinstance(thing, Joined) else about_lesson.own_text(services, thing)


def language_of(services: Services, thing: Thing) -> str:
    """The language that the card is written in."""
    return thing.wanted.language if isinstance(thing, Joined) else about_lesson.card_language(services, thing)


def save(services: Services, thing: Thing, *, text: str | None = None, language: str | None = None) -> str:
    """Keep the makers' words or the card's language for all builds to come, and write the card of the dataset anew.

    Answers that card, "" when there is no dataset. Raises InputError when the words are too long or the language is not one
    of `LANGUAGES`, DatasetError for a dataset of an earlier version of PPI, and Conflict while it is being built or published.
    """
    if _is_busy(services, thing):
        raise Conflict("The dataset is being built or published just now. Save your text when that is done.")
    text = own_text(services, thing) if text is None else card.checked_own_text(text)
    spoken = language_of(services, thing) if language is None else card.checked_language(language)
    try:
        changed = refreshing.refreshed(_reader(services, thing), _consent(services, thing), text, spoken)
    except NotFound:
        changed = {}
    keep = joined.keep_words if isinstance(thing, Joined) else about_lesson.keep_words
    keep(services, thing, text, spoken)
    for path, data in changed.items():
        stored_datasets.put_bytes(services, prefix_of(thing) + path, data, metadata_of(thing))
    return stored(services, thing)


def stored(services: Services, thing: Thing) -> str:
    """The card as it is, "" when there is no dataset."""
    try:
        return stored_datasets.text_of(services, prefix_of(thing) + layout.CARD)
    except NotFound:
        return ""


def preview(services: Services, thing: Thing, *, text: str, language: str) -> str:
    """The card with these words, as `save` would write it; nothing is kept. Raises NotFound when there is no dataset,
    InputError and DatasetError as `save` does.
    """
    given = card.checked_own_text(text), card.checked_language(language)
    return refreshing.card_of(_reader(services, thing), _consent(services, thing), *given)


def as_html(services: Services, thing: Thing, text: str) -> str:
    """A card of this dataset as a piece of HTML, safe to stand on a page."""
    prefix = prefix_of(thing)
    links = {
        path: services.store.presign_get(services.final, prefix + path, expires_s=stored_datasets.SHOWN_FOR_S)
        for path in layout.FIGURES
    }  # fmt: skip
    return card_page.html_of(text, links)


def _reader(services: Services, thing: Thing) -> refreshing.Read:
    prefix = prefix_of(thing)
    return lambda path: b"".join(services.store.read(services.final, prefix + path))


def _consent(services: Services, thing: Thing) -> Consent:
    if isinstance(thing, Joined):
        return joined_consent.standing(services, thing).consent
    return about_lesson.consent(services, thing)


def _is_busy(services: Services, thing: Thing) -> bool:
    return joined.is_busy(services, thing) if isinstance(thing, Joined) else about_lesson.is_busy(services, thing)
