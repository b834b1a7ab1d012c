"""Research scripts of at most 40 lines, to be copied: no flags, one figure each."""
