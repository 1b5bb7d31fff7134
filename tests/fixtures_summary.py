"""Lectures whose sentences that matter are known, and a chat model that knows nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ppi.records import Segment, Transcript
from tests.servers.chat_stub import ChatStub

# Five sentences that say what the lesson is about, for each language; everything around them is talk.
KEY_SENTENCES = {
    "en": (
        "Evaporation is the change of water from a liquid into vapour by the heat of the sun.",
        "Water vapour rises, cools down and becomes the tiny drops of a cloud, and this is called condensation.",
        "When the drops of a cloud grow heavy, the water falls down as rain or snow.",
        "The rain flows through rivers back into the ocean, and evaporation begins again.",
        "The way of water from the ocean to the cloud and back as rain is called the water cycle.",
    ),
    "ru": (
        "Испарение — это превращение воды из жидкости в пар под действием тепла солнца.",
        "Водяной пар поднимается, остывает и превращается в мелкие капли облака, это называется конденсация.",
        "Когда капли облака становятся тяжёлыми, вода падает на землю дождём или снегом.",
        "Дождь по рекам стекает обратно в океан, и испарение воды начинается снова.",
        "Путь воды из океана в облако и обратно с дождём называется круговорот воды.",
    ),
}
TALK = {
    "en": (
        "Anna, please close the window behind you.", "Who forgot the pencil case today?",
        "Sit down, Peter, we have begun already.",
        "I will wait until everybody is listening.", "Let us turn the page together.", "Can you read the next line aloud?",
        "Thank you, that was nice.", "Okay, and what else?", "Do not talk while others speak.",
        "Maybe somebody has another thought?",
        "Raise your hand if you are ready.", "Give your neighbour the worksheet.", "Well, let me clean the blackboard first.",
        "The bell rings in ten minutes.", "Look here for a moment.",
    ),
    "ru": (
        "Анна, закрой, пожалуйста, форточку.", "Кто сегодня забыл пенал?", "Садись, Пётр, мы уже начали.",
        "Я подожду, пока все будут слушать.", "Давайте вместе перевернём страницу.", "Прочитай вслух следующую строчку.",
        "Спасибо, хорошо сказано.", "Так, ну а что ещё?", "Не разговаривайте, когда говорят другие.",
        "Может, у кого-то другое мнение?",
        "Поднимите руку, кто готов.", "Передай соседу листочек.", "Ну вот, сначала я вытру доску.",
        "Звонок через десять минут.", "Посмотрите сюда на минутку.",
    ),
}  # fmt: skip


@pytest.fixture
def lecture() -> Callable[[str], Transcript]:
    """`lecture("ru")` is 65 sentences of five seconds: sixty of talk and KEY_SENTENCES spread among them."""

    def make(language: str) -> Transcript:
        chance = random.Random(11)
        sentences = [chance.choice(TALK[language]) for _ in range(60)]
        for place, key in zip((8, 20, 33, 46, 58), KEY_SENTENCES[language], strict=True):
            sentences.insert(place, key)
        return transcript_of(sentences, language)

    return make


def transcript_of(sentences: list[str], language: str = "en", step_s: float = 5.0) -> Transcript:
    """One segment a sentence, `step_s` seconds each."""
    segments = tuple(Segment(n * step_s, n * step_s + step_s - 0.5, text) for n, text in enumerate(sentences))
    return Transcript(segments, language, "whisper", "base", len(sentences) * step_s)


@pytest.fixture
def chat_stub():
    """A chat server on loopback."""
    stub = ChatStub().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="session")
def chat_folder(tmp_path_factory) -> Callable[..., str]:
    """`chat_folder(context=4096, says=())` is the folder of a small Llama with a tokenizer of its own.

    It answers every question with the lines of `says`; without lines its weights are random and so are its answers.
    Without `template` it is a model that was never taught to chat.
    """
    made: dict[tuple, str] = {}

    def make(context: int = 4096, template: bool = True, says: tuple[str, ...] = ()) -> str:
        if (context, template, says) not in made:
            folder = tmp_path_factory.mktemp("chat")
            tokenizer = tokenizer_for(says, template)
            model_for(tokenizer, context, says).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            made[context, template, says] = str(folder)
        return made[context, template, says]

    return make


def tokenizer_for(says: tuple[str, ...], has_template: bool):
    """Bytes, some pairs of them, and each line of `says` as a token of its own."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE(unk_token="<unk>"))
    bare.pre_tokenizer, bare.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["<unk>", "<s>", "</s>", "<say>"], initial_alphabet=letters)
    bare.train_from_iterator([text for texts in KEY_SENTENCES.values() for text in texts], trainer)
    bare.add_tokens([AddedToken(f"{line}\n", normalized=False) for line in says])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    if has_template:
        tokenizer.chat_template = (
            "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system role') }}"
            "{% endif %}<s>{{ message['role'] }}: {{ message['content'] }}</s>{% endfor %}"
            "{% if add_generation_prompt %}<say>{% endif %}"
        )
    return tokenizer


def model_for(tokenizer, context: int, says: tuple[str, ...]):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    size = (len(tokenizer) + 63) // 64 * 64  # as sizes of real models are, which can then be packed in blocks
    torch.manual_seed(5)
    config = LlamaConfig(
        hidden_size=size if says else 64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=size, max_position_embeddings=context, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    if says:
        follow(model, tokenizer.convert_tokens_to_ids(["<say>", *(f"{line}\n" for line in says), "</s>"]))
    return model


def follow(model, chain: list[int]) -> None:
    """Set the weights so that each token of the chain is followed by the next, whatever was said before."""
    import torch

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(len(model.model.embed_tokens.weight)))
        model.lm_head.weight.zero_()
        for token, following in zip(chain, chain[1:], strict=False):
            model.lm_head.weight[following, token] = 1.0
