"""Errors of the engine.

EngineError
├── ModelUnusable       the model can't be loaded at all; the start is refused
├── PromptRefused       this prompt can't be generated, now or later
│   └── PromptTooLong   longer than the model's context
├── GenerationFailed    generating this prompt raised; trying again may help
├── GenerationTimedOut  the prompt's deadline passed
├── GenerationCancelled the caller cancelled it
└── EngineDied          the engine's process ended under the prompt
"""


class EngineError(Exception):
    """Anything the engine can say went wrong."""

    is_retryable = False


class ModelUnusable(EngineError):
    """The model's folder or hub name can't be loaded, and why."""


class PromptRefused(EngineError):
    """The prompt or its sampling can't be served by this model."""


class PromptTooLong(PromptRefused):
    """The prompt alone fills the model's context; names both lengths."""


class GenerationFailed(EngineError):
    """An exception in a step that this prompt was part of."""

    is_retryable = True


class GenerationTimedOut(EngineError):
    """The deadline of the prompt passed before its last token."""


class GenerationCancelled(EngineError):
    """The future was cancelled by whoever submitted it."""


class EngineDied(EngineError):
    """The engine's process ended; whatever was in flight may be tried again."""

    is_retryable = True
