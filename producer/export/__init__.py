"""From the ledger to a folder: documents, tables and the page that leads to them."""

from producer.export.batch import export_batch
from producer.export.export import export_report
from producer.export.summary import ExportSummary

__all__ = ["ExportSummary", "export_batch", "export_report"]
