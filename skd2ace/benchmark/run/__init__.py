"""Doing fits: data sets times methods times folds, each stored as it ends."""
