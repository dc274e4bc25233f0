"""A model's chat template comes from whoever made the model: it runs in a sandbox."""

from pathlib import Path

import pytest

from tests.engine.in_process import InProcess
from tests.tiny_models import save_model
from worker.engine import EngineSettings, Message, Prompt, Sampling
from worker.engine.errors import PromptRefused


@pytest.mark.parametrize(
    "chat_template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.__class__.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.getcwd() }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_it_reaches_nothing_and_its_failure_quotes_no_prompt(
    chat_template: str, tmp_path: Path
) -> None:
    model = save_model(tmp_path, chat_template=chat_template)
    engine = InProcess(EngineSettings(model=str(model), num_threads=1))
    prompt = Prompt(messages=(Message("user", "canary"),))
    [outcome] = engine.outcomes((prompt, Sampling(max_tokens=4)))
    assert isinstance(outcome, PromptRefused)
    assert "canary" not in str(outcome)
