"""The figures, one per file.

Adding one takes one file here: `TITLE`, `DESCRIPTION` and `draw(context)`, which returns a figure, or None
where it does not apply. The simplest to read is `samples`.
"""

__all__: list[str] = []  # found by walking the folder
