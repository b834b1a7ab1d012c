"""Rates and irregular spikes of excitatory and inhibitory neurons in balance.

Model A of Brunel 2000, J. Comput. Neurosci. 8, with 5,000 neurons: g = 8, ν_ext = 2 ν_thr.
"""

import jax

import jsnn
from jsnn import analysis

sizes, in_degrees, jumps = {"e": 4000, "i": 1000}, {"e": 400, "i": 100}, {"e": 0.2, "i": -1.6}  # mV
lif = {"tau_m": 20.0, "v_rest": 0.0, "v_reset": 10.0, "v_thresh": 20.0, "tau_refrac": 2.0}  # ms, mV
dt, duration, delay = 0.1, 600.0, 1.5  # ms
poisson = {"rate": 2000 * lif["v_thresh"] / (jumps["e"] * lif["tau_m"]), "weight": jumps["e"]}  # Hz
keys = iter(jax.random.split(jax.random.key(0), 5))
cells, synapses, outside = [], [], []
for post, size in sizes.items():
    cells.append(jsnn.Population(post, size, jsnn.LIF, lif, {"v": 10.0}))
    outside.append(jsnn.CurrentSource(f"to {post}", post, jsnn.POISSON_INPUT, poisson, target="v"))
    for pre, degree in in_degrees.items():
        made = jsnn.fixed_in_degree(next(keys), sizes[pre], size, degree, jumps[pre])
        steps = jsnn.steps(delay, dt)
        synapses.append(jsnn.Projection(pre, post, made, jsnn.DELTA, delay=steps, target="v"))
network = jsnn.Network(cells, synapses, outside, dt)
record = {name: jsnn.Spikes(name) for name in sizes}
_, spikes = jsnn.simulate(network, {}, jsnn.steps(duration, dt), record=record, key=next(keys))

figure, (left, right) = jsnn.plot.figure(1, 2)
some = {name: spikes[name][:2000, : size // 50] for name, size in sizes.items()}  # 200 ms
jsnn.plot.raster(some, dt=dt, ax=left)
for name, color in {"e": jsnn.plot.EXCITATORY, "i": jsnn.plot.INHIBITORY}.items():
    trains = analysis.SpikeTrains.of_recorded(spikes[name], dt).after(100.0)  # ms
    cvs = analysis.cv_of_intervals(trains)
    right.hist(cvs, 40, density=True, histtype="step", color=color, label=name)
    print(f"{name}: {analysis.rates(trains).mean():.1f} Hz, CV of intervals {cvs.mean():.2f}")
right.set(xlabel="CV of intervals", ylabel="density")
right.legend()
figure.savefig("balanced_rates.png")
