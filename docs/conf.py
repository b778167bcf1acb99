"""The site: ``python -m sphinx -W docs OUT``, without a network.

``SKD2ACE_GALLERY`` is a pattern of the gallery's scripts that run; the pages of the others have no
pictures then. ``make docs`` runs all of them.
"""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

import skd2ace  # noqa: E402 -- the extensions stand beside this file

project = "skd2ace"
author = "the skd2ace developers"
copyright = f"2026, {author}"
version = release = skd2ace.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.katex",
    "checked_tables",
    "drawn_pictures",
    "named_tuples",
    "plain_signatures",
    "repository_links",
    "text_for_models",
]
exclude_patterns = ["_build", "_templates", "results"]
templates_path = ["_templates"]
# Pages are written for GitHub as well, where a heading may skip a level.
suppress_warnings = ["config.cache", "myst.header"]

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
# What the pages link to on GitHub: the headings by their words.
myst_heading_anchors = 4

# No fonts and no style sheet of KaTeX's: browsers draw MathML themselves.
katex_options = '{output: "mathml", throwOnError: true}'
katex_css_path = "site.css"

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
# The column at the side has no room for the class before each method.
toc_object_entries_show_parents = "hide"
# Made by scikit-learn's metadata routing, and documented there.
REQUESTS = [
    f"set_{method}_request"
    for method in ("fit", "partial_fit", "predict", "predict_proba", "score", "transform")
]
autodoc_default_options = {"exclude-members": ", ".join(REQUESTS)}

numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "all",
    # House style: parameters that are explained together, or by a paper, or in the class that is
    # built upon, are not described again; a return value that the first line names has no section.
    *("GL01", "GL03", "SS05", "SS06", "ES01", "SA01", "SA04", "EX01", "YD01"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "GL07", "GL08"),
    *("RT01", "RT02", "RT03", "RT04", "RT05"),
}
numpydoc_validation_exclude = {
    *(r"\.__init__$", r"sklearn\.", r"skorch\.", r"torch\."),
    # Fields of named tuples, which Python describes.
    r"\.(FriedmanTest|LabelStatistics|MulanSet|LossOutput)\.",
}

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "skorch": ("https://skorch.readthedocs.io/en/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
}
# Without a network there are no inventories, and a build is no worse for it.
intersphinx_timeout = 5
if not os.environ.get("SKD2ACE_INVENTORIES"):
    intersphinx_mapping = {}

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": os.environ.get("SKD2ACE_GALLERY", "/plot_"),
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "thumbnail_size": (400, 280),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "doc_module": ("skd2ace",),
    "backreferences_dir": "api/examples",
    "reference_url": {"skd2ace": None},
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "image_scrapers": ("matplotlib",),
}

html_theme = "pydata_sphinx_theme"
html_title = "skd2ace"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_extra_path = []
html_theme_options = {
    "logo": {"text": "skd2ace"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
