"""One call of `generate` whose rows are controlled one by one."""

from collections.abc import Callable
from collections.abc import Sequence as Rows

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from worker.engine.errors import GenerationFailed
from worker.engine.loading import LoadedModel
from worker.engine.sampler import Draws, draw
from worker.engine.sequences import Sequence


class MicroBatch:
    """Rows of left-padded prompts that start together and end when the last one ends.

    transformers runs the forward passes and keeps the cache; every decision about a row is
    ours. Before each step's token it asks `_force_draws`, which draws from the raw logits
    and leaves only the drawn token possible, so that the greedy choice takes it; after it,
    `_over`. A row that is over goes on being computed, but nothing is drawn for it.
    `after_step` runs between two steps and may fail requests, whose rows then end;
    `fail` is called with a row whose logits are not finite.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        rows: Rows[Sequence],
        *,
        after_step: Callable[[], None],
        fail: Callable[[Sequence, GenerationFailed], None],
    ) -> None:
        self._loaded = loaded
        self._rows = rows
        self._after_step = after_step
        self._fail = fail

    @torch.inference_mode()
    def run(self) -> None:
        """Raises whatever the model raises; rows that ended before that keep their end."""
        input_ids, mask = self._inputs()
        self._loaded.model.generate(
            input_ids,
            attention_mask=mask,
            generation_config=GenerationConfig(
                do_sample=False,
                num_beams=1,
                max_new_tokens=max(row.max_tokens for row in self._rows),
                pad_token_id=self._loaded.pad_id,
            ),
            logits_processor=LogitsProcessorList([self._force_draws]),
            stopping_criteria=StoppingCriteriaList([self._over]),
        )

    def _inputs(self) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(row.num_prompt_tokens for row in self._rows)
        shape = (len(self._rows), longest)
        input_ids = torch.full(shape, self._loaded.pad_id, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        for index, row in enumerate(self._rows):
            start = longest - row.num_prompt_tokens
            input_ids[index, start:] = torch.tensor(row.request.prompt_ids)
            mask[index, start:] = 1
        device = self._loaded.model.device
        return input_ids.to(device), mask.to(device)

    def _force_draws(self, input_ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        drawing = [index for index, row in enumerate(self._rows) if not row.is_over]
        tokens = [self._loaded.pad_id] * len(self._rows)
        if drawing:
            rows = [self._rows[index] for index in drawing]
            is_all = len(drawing) == len(self._rows)
            draws = draw(logits if is_all else logits[drawing], rows)
            for place, index in enumerate(drawing):
                if draws.is_finite[place]:
                    tokens[index] = draws.token_ids[place]
                    self._take(rows[place], draws, place)
                else:
                    error = GenerationFailed("the model's logits are not finite")
                    self._fail(rows[place], error)
        # `generate` made this copy of the logits for its processors to change.
        chosen = torch.tensor(tokens, device=logits.device)[:, None]
        return logits.fill_(-torch.inf).scatter_(1, chosen, 0.0)

    def _take(self, row: Sequence, draws: Draws, place: int) -> None:
        token_id = draws.token_ids[place]
        if token_id in self._loaded.eos_ids:
            row.end()
        else:
            row.extend(token_id, draws.logprobs[place], draws.tops[place])

    def _over(self, input_ids: torch.Tensor, scores: object) -> torch.Tensor:
        self._after_step()
        return torch.tensor([row.is_over for row in self._rows], device=input_ids.device)
