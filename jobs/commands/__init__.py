"""The sub-commands of `verbinden`: one module for each group, loaded by `jobs.cli` when asked for."""
