"""Signatures name classes as code does: ``optimizer=AdamW``, not the class's repr."""

import re


def name_classes(app, what, name, thing, options, signature, returned):
    """Replace the reprs of classes among a signature's defaults."""
    if signature is None:
        return None
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", signature), returned


def setup(app):
    """Register the replacement."""
    app.connect("autodoc-process-signature", name_classes)
    return {"parallel_read_safe": True}
