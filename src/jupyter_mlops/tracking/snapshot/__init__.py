"""What a run carries to be rebuilt: cells, notebook, git, environment, data, answers; without secrets."""
