"""Errors against float64, ours and PyTorch float32's, relative in L2 norm, and whether they are small enough.

Case decided (decided.py): no ReLU input and no max-pool tie lies within rounding of its decision. Everything is within
1e-4. After five steps other windows of a max pool are tied: of the momentum then the median is within 1e-4 and no
single tensor above 5e-2.

Case initial: at full width some ReLU inputs and max-pool ties always lie within rounding of their decision, in
PyTorch's float32 as in ours. Outputs, loss, buffers, and parameters after one step are within 1e-4. Of gradients, and
the momentum made of them, over the seeds the smallest of the medians is at most 4 times PyTorch float32's smallest
plus 1e-5, and no single one above 5e-2. Five steps on so few samples magnify such differences: over the seeds the
smallest error is at most 4 times PyTorch float32's smallest plus 1e-4. Networks of 34 layers and more do not all keep
to this, in PyTorch's float32 as in ours; and Winograd's algorithm rounds about twice as much as direct summation, so
that more seeds have a decision that differs.
"""

import math
import statistics
import typing

STEPS = 5
FEW_STEPS = f"{STEPS} steps"
GRADIENTS = ("grad", "momentum")
EXACT, LARGEST_GRADIENT, TIMES_PYTORCH = 1e-4, 5e-2, 4


def error(value, exact, floor=1e-3):
    """Relative, with a floor for gradients that are zero but for rounding: a bias before a batch norm."""
    value, exact = value.double().flatten(), exact.double().flatten()
    result = (value - exact).norm().item() / max(exact.norm().item(), floor)
    return result if math.isfinite(result) else math.inf


def weight_floor(name, exact):
    """A bias' gradient sums the same terms as its weight's, and next to a batch norm they all but cancel."""
    weight = exact.get(name.removesuffix("bias") + "weight")
    return 1e-3 if weight is None else max(1e-3, 1e-2 * weight.norm().item())


def kind_of(name):
    for start in GRADIENTS:
        if name.startswith(start + "."):
            return start
    return "outputs" if name in ("fc", "linear", "loss") else "buffers" if "running_" in name else "parameters"


class Errors(typing.NamedTuple):
    """Of the tensors of one kind for one seed: ours, PyTorch float32's, and our worst tensor."""

    median: float
    largest: float
    pytorch_median: float
    pytorch_largest: float
    worst: str


class Report:
    def __init__(self):
        self.errors = {}  # (case, entry, kind of tensor, batch) -> Errors per seed

    def add(self, case, entry, batch, exact, ours, pytorch):
        different = set(exact) ^ set(ours)
        assert not different, f"{entry}: only on one side: {sorted(different)[:5]}"
        for kind in sorted(set(map(kind_of, exact))):
            floors = {n: weight_floor(n, exact) if case == "decided" and kind in GRADIENTS else 1e-3
                      for n in exact if kind_of(n) == kind}
            mine, theirs = ({n: error(side[n], exact[n], floor) for n, floor in floors.items()}
                            for side in (ours, pytorch))
            worst = max(mine, key=mine.get)
            errors = Errors(statistics.median(mine.values()), mine[worst],
                            statistics.median(theirs.values()), max(theirs.values()), worst)
            self.errors.setdefault((case, entry, kind, batch), []).append(errors)
            print(f"  {case}, {entry}: {kind}, batch {batch}: ours {errors.largest:.1e} (median {errors.median:.1e}), "
                  f"PyTorch f32 {errors.pytorch_largest:.1e} ({errors.pytorch_median:.1e})  {worst}", flush=True)

    def print(self):
        """Prints the table; whether all holds."""
        passed = True
        print(f"\n{'over the seeds':54} batch     ours  PyTorch f32  at most")

        def line(text, batch, mine, theirs, limit, name=""):
            nonlocal passed
            passed = passed and mine <= limit
            verdict = "PASS" if mine <= limit else "FAIL"
            print(f"{text:54} {batch:5}  {mine:7.1e}      {theirs:7.1e}  {limit:7.1e}  {verdict}  {name}")

        for (case, entry, kind, batch), seeds in self.errors.items():
            worst, name = max(seeds, key=lambda s: s.largest), f"{case}, {entry}: {kind}"
            largest = (f"{name}, largest", batch, worst.largest, max(s.pytorch_largest for s in seeds))
            if case == "decided" and (entry, kind) == (FEW_STEPS, "momentum"):
                line(f"{name}, largest median", batch, max(s.median for s in seeds),
                     max(s.pytorch_median for s in seeds), EXACT)
                line(*largest, LARGEST_GRADIENT, worst.worst)
            elif case == "initial" and kind in GRADIENTS:
                theirs = min(s.pytorch_median for s in seeds)
                line(f"{name}, smallest median", batch, min(s.median for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + 1e-5)
                if entry != FEW_STEPS:
                    line(*largest, LARGEST_GRADIENT, worst.worst)
            elif case == "initial" and entry == FEW_STEPS:
                theirs = min(s.pytorch_largest for s in seeds)
                line(f"{name}, smallest largest", batch, min(s.largest for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + EXACT)
            else:
                line(*largest, EXACT, worst.worst)
        return passed
