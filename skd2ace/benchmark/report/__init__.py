"""Writing a comparison up, in Markdown, HTML and LaTeX."""
