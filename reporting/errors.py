"""What can go wrong between a template and a document.

ReportingError
├── TemplateNotFound   neither a folder nor a template that ships
├── TemplateInvalid    the template's files are wrong, all problems at once
└── RenderFailed       one row could not be rendered

None is retryable: the same files and the same values fail again.
"""


class ReportingError(Exception):
    """A template or a document is at fault."""

    is_retryable = False


class TemplateNotFound(ReportingError):
    """There is no folder and no shipped template of this name."""

    def __init__(self, name: str, shipped: tuple[str, ...]) -> None:
        self.name = name
        self.shipped = shipped
        super().__init__(
            f"no template {name!r}: neither a folder nor one that ships ({', '.join(shipped)})"
        )


class TemplateInvalid(ReportingError):
    """The template has problems; each names its file, and its line where known."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class RenderFailed(ReportingError):
    """A template failed on one row's values. The message may quote them: it is for no log."""
