"""Comparing methods: means, ranks, tests and intervals of their runs."""
