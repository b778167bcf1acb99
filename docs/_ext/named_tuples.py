"""Fields of named tuples that say nothing of themselves do not show Python's number either."""


def drop_number(app, what, name, thing, options, lines):
    """Empty what Python writes for a field by itself."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app):
    """Register the change, before numpydoc's, which writes lines of its own."""
    app.connect("autodoc-process-docstring", drop_number, priority=400)
    return {"parallel_read_safe": True}
