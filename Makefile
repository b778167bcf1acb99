# The site, with the whole gallery, into build/site.
.PHONY: docs
docs:
	python -m sphinx -W --keep-going docs build/site
	codespell docs examples README.md CONTRIBUTING.md CHANGELOG.md
