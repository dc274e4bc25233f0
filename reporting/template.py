"""A report template: from its files to prompts, documents and names of files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from reporting.cell import is_empty
from reporting.column_match import ColumnMatch, match_columns, misspelt
from reporting.document import REPORT_TEMPLATE, Document, render_document, render_line
from reporting.errors import TemplateInvalid
from reporting.field import Field, Value
from reporting.file_names import path_component
from reporting.parsed_row import ParsedRow, parse_row
from reporting.prompt import PROMPT_TEMPLATE, prompts
from reporting.section import Section
from reporting.shipped import TEMPLATE_FILES, find_template, read_folder
from reporting.spec import TEMPLATE_TOML, ReportSpec, TemplateSpec, parse_spec
from reporting.trial import problems_of

UNGROUPED = "ungrouped"
REFERENCE = "reference"
"""The field that holds a text that a person wrote, unless a section names another."""
_REFERENCE_FIELD = Field(name=REFERENCE, type="text")


@dataclass(frozen=True, slots=True)
class Template:
    """Frozen, and made of nothing but `content`: what is stored with a batch reproduces it."""

    name: str
    version: str
    language: str
    description: str
    fields: tuple[Field, ...]
    sections: tuple[Section, ...]
    report: ReportSpec
    content: Mapping[str, str]

    @classmethod
    def from_content(cls, content: Mapping[str, str]) -> Self:
        """From the files as text. Raises TemplateInvalid: a file is missing, or the TOML wrong.

        That the two Jinja files work is `load_template`'s to find out, when a batch is submitted.
        """
        files = {name: content[name] for name in TEMPLATE_FILES if name in content}
        if missing := [name for name in TEMPLATE_FILES if name not in files]:
            raise TemplateInvalid(tuple(f"{name}: the file is missing" for name in missing))
        return cls._from_spec(parse_spec(files[TEMPLATE_TOML]), files)

    @classmethod
    def _from_spec(cls, spec: TemplateSpec, files: dict[str, str]) -> Self:
        return cls(
            name=spec.name,
            version=spec.version,
            language=spec.language,
            description=spec.description,
            fields=spec.field,
            sections=spec.section,
            report=spec.report,
            content=MappingProxyType(files),
        )

    @property
    def digest(self) -> str:
        """SHA-256 over names, lengths and texts of the files, in hexadecimal."""
        sha256 = hashlib.sha256()
        for name, text in sorted(self.content.items()):
            data = text.encode()
            sha256.update(f"{name}\0{len(data)}\0".encode() + data)
        return sha256.hexdigest()

    @property
    def columns(self) -> tuple[Field, ...]:
        """The fields, and `reference` if none takes that column: a person's own text, for chrF."""
        is_taken = match_columns(self.fields, [REFERENCE]).columns
        return self.fields if is_taken else (*self.fields, _REFERENCE_FIELD)

    def match_columns(self, header: Sequence[str]) -> ColumnMatch:
        """Where a file with this header has the values of `columns`."""
        return match_columns(self.columns, header)

    def misspelt(self, match: ColumnMatch) -> dict[str, str]:
        """Of fields without a column, the unknown column that may have been meant."""
        return misspelt(self.fields, match)

    def parse_row(self, row: Mapping[str, object]) -> ParsedRow:
        """Of cells by field name (see `match_columns`), the values and all problems at once.

        An empty `reference` that is no field of the template's own is no value.
        """
        has_reference = not is_empty(row.get(REFERENCE))
        return parse_row(self.columns if has_reference else self.fields, row)

    def prompts(self, values: Mapping[str, Value]) -> dict[str, str]:
        """The whole prompt of each section, in the template's order."""
        return prompts(self.content[PROMPT_TEMPLATE], self.sections, values)

    def references(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Of each section that a person wrote too, what they wrote."""
        named = {each.name: each.reference or REFERENCE for each in self.sections}
        texts = {section: values.get(field) for section, field in named.items()}
        return {section: text for section, text in texts.items() if isinstance(text, str) and text}

    def facts(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The row without what a person wrote of it: that is no fact that the model was given."""
        written = {each.reference or REFERENCE for each in self.sections}
        return {name: value for name, value in values.items() if name not in written}

    def title(self, values: Mapping[str, Value]) -> str:
        return render_line("report.title", self.report.title, values)

    def render(
        self,
        values: Mapping[str, Value],
        sections: Mapping[str, str],
        *,
        scores: Mapping[str, Mapping[str, Any]],
        batch: Mapping[str, Any],
        row: int,
        review: Sequence[str] = (),
    ) -> Document:
        """The report of one row from its chosen texts. `batch`: id, name, model, created_at;
        `review`: the sections that a person should look at.

        Raises RenderFailed.
        """
        return render_document(
            self.content[REPORT_TEMPLATE],
            title=self.title(values),
            values=values,
            sections=sections,
            scores=scores,
            batch=batch,
            row=row,
            review=review,
        )

    def file_stem(self, values: Mapping[str, Value], row: int) -> str:
        """The name of the row's files without extension; its row makes it the only one."""
        name = render_line("report.file_name", self.report.file_name, values)
        return f"{path_component(name, otherwise='report')}-{row}"

    def group_folder(self, values: Mapping[str, Value]) -> str:
        """One path component for the row's group, or "" if the template has no groups."""
        if self.report.group_by is None:
            return ""
        value = values.get(self.report.group_by)
        text = ", ".join(value) if isinstance(value, list | tuple) else str(value or "")
        return path_component(text, otherwise=UNGROUPED)


def load_template(name_or_path: str | Path) -> Template:
    """A shipped template by its name, or any by the path of its folder, tried out.

    Raises TemplateNotFound, or TemplateInvalid with all problems.
    """
    template = Template.from_content(read_folder(find_template(str(name_or_path))))
    if problems := problems_of(template):
        raise TemplateInvalid(tuple(problems))
    return template
