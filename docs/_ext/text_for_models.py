"""llms.txt: what the project is and where its pages are, as text, for language models."""

from pathlib import Path

ABOUT = (
    "Deep multi-label classifiers for scikit-learn, and batch selectors that choose which"
    " instances go into each mini-batch."
)


def write_text(app, error):
    """List all pages of the site with their titles."""
    if error or app.builder.format != "html":
        return
    lines = [f"# {app.config.project}", "", f"> {ABOUT}", "", "## Pages", ""]
    for name in sorted(app.env.found_docs):
        title = app.env.titles[name].astext()
        lines.append(f"- [{title}]({app.builder.get_target_uri(name)})")
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app):
    """Register the writer."""
    app.connect("build-finished", write_text)
    return {"parallel_read_safe": True}
