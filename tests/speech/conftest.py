from tests.fixtures_speech import classroom_model, jfk, random_model, speak  # noqa: F401
