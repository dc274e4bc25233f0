"""Similarity by meaning, with the extra `nightpress[embeddings]`."""

from collections.abc import Sequence

from ledger.errors import SettingInvalid


class Embedder:
    """A sentence-transformers model on the processor, for one thread at a time.

    Safetensors only, and no code from the model's folder. Raises SettingInvalid where the
    extra is not installed or the model can't be loaded.
    """

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(
                model,
                device="cpu",
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except ImportError:
            raise SettingInvalid(
                "NIGHTPRESS_EMBEDDINGS needs `pip install nightpress[embeddings]`"
            ) from None
        except (OSError, ValueError) as error:
            raise SettingInvalid(f"NIGHTPRESS_EMBEDDINGS: {error}") from error

    def cosines_to_facts(self, texts: Sequence[str], facts: str) -> list[float]:
        """Cosine of the angle between the embeddings of each text and of the facts, in [0, 1].

        Negative ones count as 0. What goes beyond the model's context is not read.
        """
        first, *others = self._model.encode(
            [facts, *texts], normalize_embeddings=True, show_progress_bar=False
        )
        return [min(1.0, max(0.0, float(first @ other))) for other in others]
