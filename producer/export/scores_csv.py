"""scores.csv: a line a candidate, so that a spreadsheet can sort and compare them."""

from collections.abc import Sequence

from ledger.store import JobResult
from producer.export.atomic import HashedFile
from producer.export.cells import Table
from producer.export.measures import MEASURES, scores_of
from producer.export.section_result import SectionResult
from reporting import Template

_MEASURED = ("why", "round", "finish_reason", "num_tokens")


class ScoresTable:
    """Each line names its row's group and, where the template has a field `name`, whose it is."""

    def __init__(self, file: HashedFile, template: Template) -> None:
        names = {field.name for field in template.fields}
        self._labels = [
            label for label in dict.fromkeys((template.report.group_by, "name")) if label in names
        ]
        header = ["row", *self._labels, "section", "candidate", "chosen", *_MEASURED, *MEASURES]
        self._table = Table(file, header)

    def add(self, result: JobResult, sections: Sequence[SectionResult]) -> None:
        labels = [_label(result.fields.get(label)) for label in self._labels]
        for section in sections:
            for index, candidate in enumerate(section.candidates):
                place = [section.name, index, candidate.is_chosen]
                measured = [getattr(candidate, name) for name in _MEASURED]
                scores = map(_label, scores_of(candidate).values())
                self._table.add([result.row, *labels, *place, *measured, *scores])


def _label(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
