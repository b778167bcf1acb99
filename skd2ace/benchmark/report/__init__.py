"""Writing a comparison up, in Markdown, HTML and LaTeX.

In :mod:`skd2ace.benchmark`, ``report`` is the function; this package keeps to itself.
"""
