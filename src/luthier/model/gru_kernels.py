"""The recurrence of a small GRU as loops, compiled when they are first called: a third of the time of tensor operations.

A frame of a small network is a few thousand numbers: calling an operation costs more than what it does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.dsp.compiled import Floats, compiled, inlined

BOUND = 7.9053111
"""tanh is one beyond this, as far as 24 bits can tell."""


@inlined
def _tanh(x: Any) -> Any:
    """Ratio of two polynomials, to 24 bits: unlike the library's, one that processors work out for many numbers at once.

    Source: the minimax fit of degree 13 over 6 that is used by Eigen and XLA.
    """
    x = np.float32(BOUND) if x > np.float32(BOUND) else x  # so that NaN stays NaN
    x = np.float32(-BOUND) if x < np.float32(-BOUND) else x
    y = x * x
    top = np.float32(-2.76076847742355e-16) * y + np.float32(2.00018790482477e-13)
    top = top * y + np.float32(-8.60467152213735e-11)
    top = top * y + np.float32(5.12229709037114e-08)
    top = top * y + np.float32(1.48572235717979e-05)
    top = top * y + np.float32(6.37261928875436e-04)
    top = top * y + np.float32(4.89352455891786e-03)
    bottom = np.float32(1.19825839466702e-06) * y + np.float32(1.18534705686654e-04)
    bottom = bottom * y + np.float32(2.26843463243900e-03)
    bottom = bottom * y + np.float32(4.89352518554385e-03)
    return x * top / bottom


@compiled
def forward(
    first: int,
    last: int,
    from_inputs: Floats,
    weight: Floats,
    bias: Floats,
    states: Floats,
    gates: Floats,
    candidates: Floats,
) -> None:
    """Fill clips first..last of `states`, (n_frames + 1, batch, n_units), whose frame 0 is given, `gates` and `candidates`.

    `from_inputs` and `gates`, r, z and n, are (n_frames, batch, 3 * n_units), `candidates`, what r is multiplied with,
    (n_frames, batch, n_units), `weight` (n_units, 3 * n_units), `bias` (3 * n_units,). n_units is a multiple of 4.
    """
    n_units, n_gates = weight.shape
    from_state = np.empty(n_gates, np.float32)
    for t in range(len(from_inputs)):
        for clip in range(first, last):
            before, after, candidate = states[t, clip], states[t + 1, clip], candidates[t, clip]
            outside, gate = from_inputs[t, clip], gates[t, clip]
            from_state[:] = bias
            _add_product(before, weight, from_state)
            for j in range(2 * n_units):
                gate[j] = np.float32(0.5) + np.float32(0.5) * _tanh(np.float32(0.5) * (outside[j] + from_state[j]))
            for j in range(n_units):
                candidate[j] = from_state[2 * n_units + j]
                new = _tanh(outside[2 * n_units + j] + gate[j] * candidate[j])
                gate[2 * n_units + j] = new
                after[j] = new + gate[n_units + j] * (before[j] - new)


@compiled
def backward(
    first: int,
    last: int,
    states: Floats,
    gates: Floats,
    candidates: Floats,
    weight: Floats,
    outer: Floats,
    by_state: Floats,
    to_new: Floats,
    carried: Floats,
) -> None:
    """Follow the gradient of clips first..last from the last frame to the first.

    Filled are `by_state`, like `gates`, the gradient of what comes from the state, and `to_new`, like `candidates`, that of
    what goes into the tanh; `carried`, (batch, n_units), zero before, ends as the gradient of the first state. `outer`
    is the gradient of the outputs, like `candidates`; `weight` (3 * n_units, n_units); the others as `forward` left them.
    """
    n_units, one = weight.shape[1], np.float32(1)
    for t in range(len(gates) - 1, -1, -1):
        for clip in range(first, last):
            before, gate, candidate, given = states[t, clip], gates[t, clip], candidates[t, clip], outer[t, clip]
            back, slope, inner = carried[clip], by_state[t, clip], to_new[t, clip]
            for j in range(n_units):
                total, reset, update, new = back[j] + given[j], gate[j], gate[n_units + j], gate[2 * n_units + j]
                inner[j] = total * (one - update) * (one - new * new)
                slope[j] = inner[j] * candidate[j] * reset * (one - reset)
                slope[n_units + j] = total * (before[j] - new) * update * (one - update)
                slope[2 * n_units + j] = inner[j] * reset
                back[j] = total * update
            _add_product(slope, weight, back)


@inlined
def _add_product(row: Floats, matrix: Floats, total: Floats) -> None:
    """Add row @ matrix to `total`, four rows of the matrix at a time: that many fewer loads and stores of the sum."""
    for k in range(0, len(row), 4):
        r0, r1, r2, r3 = row[k], row[k + 1], row[k + 2], row[k + 3]
        m0, m1, m2, m3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
        for j in range(len(total)):
            total[j] += r0 * m0[j] + r1 * m1[j] + r2 * m2[j] + r3 * m3[j]
