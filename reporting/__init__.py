"""From a template and values to a prompt or a document."""

from reporting.check import check_template
from reporting.choice import Choice
from reporting.column_match import ColumnMatch
from reporting.document import Document
from reporting.errors import RenderFailed, ReportingError, TemplateInvalid, TemplateNotFound
from reporting.field import Field, Value
from reporting.gate import Gate
from reporting.measure import Measure
from reporting.parsed_row import ParsedRow, RowProblem
from reporting.scaffold import scaffold_template
from reporting.section import Section
from reporting.shipped import shipped_templates
from reporting.spec import ReportSpec
from reporting.template import Template, load_template

__all__ = [
    "Choice",
    "ColumnMatch",
    "Document",
    "Field",
    "Gate",
    "Measure",
    "ParsedRow",
    "RenderFailed",
    "ReportSpec",
    "ReportingError",
    "RowProblem",
    "Section",
    "Template",
    "TemplateInvalid",
    "TemplateNotFound",
    "Value",
    "check_template",
    "load_template",
    "scaffold_template",
    "shipped_templates",
]
