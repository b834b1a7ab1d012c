"""Research scripts; each has --help and --json, and needs jsnn's extra `experiments`."""
