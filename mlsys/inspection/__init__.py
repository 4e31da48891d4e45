"""The step that looks for flaws in the data of a run."""
