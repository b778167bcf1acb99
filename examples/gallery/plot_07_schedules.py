"""
Schedules of D2ACE
==================

Two schedules run through a training of 100 epochs: the selection pressure, the bound of the ratio
between the probabilities of two instances, falls to none; the share of uncertainty in the mixture
falls from 0.7 to 0.3, and hardness takes over.
"""

import numpy as np
from matplotlib import pyplot as plt

from skd2ace.selection.functional import mixing_coefficient, selection_pressure

epochs = np.arange(1, 101)
pressure = [selection_pressure(epoch, 11, 100) for epoch in epochs]
share = np.array([mixing_coefficient(epoch, 30, 70) for epoch in epochs])

fig, (above, below) = plt.subplots(2, 1, figsize=(7, 4.6), sharex=True, layout="constrained")
above.plot(epochs[10:], pressure[10:], color="#2a78d6", linewidth=2)
above.set_yscale("log")
above.set_ylabel("Pressure (Eq. 21)")
below.fill_between(epochs[10:], share[10:], color="#2a78d6", linewidth=0)
below.fill_between(epochs[10:], share[10:], 1, color="#eb6834", linewidth=0)
below.text(20, 0.3, "uncertainty", color="white", weight="bold")
below.text(78, 0.6, "hardness", color="white", weight="bold")
below.set_ylim(0, 1)
below.set_ylabel("Mixture (Eq. 17)")
below.set_xlabel("Epoch, from 1")
for ax in (above, below):
    ax.axvspan(0, 10.5, color="#f0f0ee")
    ax.set_xlim(0, 100)
    ax.spines[["top", "right"]].set_visible(False)
above.text(5.2, 3, "warm-up", ha="center", rotation=90, va="center", color="#5b6770")
plt.show()
