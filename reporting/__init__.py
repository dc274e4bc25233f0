"""From a template and values to a prompt or a document."""
