"""Models as pure functions: neurons, synapses, current sources and plasticity."""
