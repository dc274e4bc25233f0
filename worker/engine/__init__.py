"""The model process and its batching.

Importing this package never imports torch: only the process that an `Engine` spawns does.
"""

from worker.engine.engine import Engine
from worker.engine.errors import (
    EngineDied,
    EngineError,
    GenerationCancelled,
    GenerationFailed,
    GenerationTimedOut,
    ModelUnusable,
    PromptRefused,
    PromptTooLong,
)
from worker.engine.values import (
    Candidate,
    EngineSettings,
    Message,
    ModelCard,
    Prompt,
    Sampling,
)

__all__ = [
    "Candidate",
    "Engine",
    "EngineDied",
    "EngineError",
    "EngineSettings",
    "GenerationCancelled",
    "GenerationFailed",
    "GenerationTimedOut",
    "Message",
    "ModelCard",
    "ModelUnusable",
    "Prompt",
    "PromptRefused",
    "PromptTooLong",
    "Sampling",
]
