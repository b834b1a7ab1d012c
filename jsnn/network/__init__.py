"""Networks: populations joined by projections."""
