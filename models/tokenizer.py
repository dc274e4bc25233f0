"""The tokenizer: byte-level, and the same pieces for an item wherever it stands.

A copying model needs an item to be tokenised alike in the prompt and in the report. So digits and
Chinese characters stand alone, words split where the case changes, and a word or a mark takes the
space before it along. What stands around the facts (`models.phrases`) is one token each, so that an
item's neighbours are one token in the prompt and one in the report.
"""

from collections.abc import Iterable, Iterator
from pydoc_data.topics import topics

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from models.corpus_words import COMMON_HAN
from models.phrases import LANGUAGES

PAD, END, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
VOCABULARY = 6656  # Without the phrases.
WIDE_MARKS = "；。，：？！、（）【】《》“”‘’…—·～"
HAN_COUNT = 500  # So often that each of the common characters becomes a token.

PIECES = (
    r" ?\p{Lu}?[\p{Ll}\p{M}]+"
    r"| ?\p{Lu}+(?!\p{Ll})"
    r"|\p{N}"
    r"|\p{L}\p{M}*"
    r"|\n+"
    r"| ?[^\s\p{L}\p{N}]"
    r"|\s"
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|assistant|>' if message['role'] == 'assistant' else '<|user|>' }}"
    "{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in _phrases()])
    return wrap(tokenizer)


def tokenizer_texts(tasks: Iterable[str]) -> Iterator[str]:
    """Tasks as they are trained on, English prose that Python ships with, Chinese characters."""
    yield from tasks
    yield from topics.values()
    for _ in range(HAN_COUNT):
        yield COMMON_HAN + WIDE_MARKS


def _phrases() -> list[str]:
    """Those of all languages, without repeats."""
    texts = (
        text
        for phrases in LANGUAGES.values()
        for text in (*phrases.in_prompts(), *phrases.in_reports())
    )
    return list(dict.fromkeys(texts))


def wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=8192,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped
