"""Learning through time: experiments and their data."""
