from tests.fixtures_speech import (  # noqa: F401
    classroom_model,
    classroom_models,
    jfk,
    random_model,
    random_models,
    speak,
    words_models,
)
