"""llms.txt: what the project is and where its pages are, as text, for language models."""

from pathlib import Path

from docutils import nodes

ABOUT = (
    "Deep multi-label classifiers for scikit-learn, and batch selectors that choose which"
    " instances go into each mini-batch."
)
# The rest is written by hand, and comes first.
SECTIONS = {"gallery/": "Gallery", "api/": "API"}


def describe(env, name):
    """Take the first sentence of a page, if it begins with one."""
    first = env.get_doctree(name).next_node(nodes.paragraph)
    if first is None:
        return ""
    sentence = " ".join(first.astext().split()).partition(". ")[0].rstrip(".:")
    return f": {sentence}"


def write_text(app, error):
    """List all pages of the site with their titles and first sentences."""
    if error or app.builder.format != "html":
        return
    sections = {title: [] for title in ("Pages", *SECTIONS.values())}
    for name in sorted(app.env.found_docs):
        found = [title for folder, title in SECTIONS.items() if name.startswith(folder)]
        title, address = app.env.titles[name].astext(), app.builder.get_target_uri(name)
        line = f"- [{title}]({address})" + describe(app.env, name)
        sections[found[0] if found else "Pages"].append(line)
    lines = [f"# {app.config.project}", "", f"> {ABOUT}"]
    for title, pages in sections.items():
        lines += ["", f"## {title}", "", *pages]
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app):
    """Register the writer."""
    app.connect("build-finished", write_text)
    return {"parallel_read_safe": True}
