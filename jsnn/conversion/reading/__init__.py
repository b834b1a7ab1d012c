"""Reader of models: any JAX function becomes a graph of layers."""
