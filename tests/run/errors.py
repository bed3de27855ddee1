"""Errors against float64, ours and PyTorch float32's, relative in L2 norm, and whether they are small enough.

Case decided (decided.py): no ReLU input and no max-pool tie lies within rounding of its decision. Everything is within
1e-4. After the first step other windows of a max pool are tied: of the momentum after five steps, what belongs to the
layers before it is within 1e-2.

Case initial: at full width some ReLU inputs and max-pool ties always lie within rounding of their decision, in
PyTorch's float32 as in ours. Outputs, loss, buffers, and parameters after one step are within 1e-4. Of gradients, and
the momentum made of them, over the seeds the smallest of the medians is at most 4 times PyTorch float32's smallest
plus 1e-5, and no single one above 5e-2. Five steps on so few samples magnify such differences: over the seeds the
smallest error is at most 4 times PyTorch float32's smallest plus 1e-4. Networks of 34 layers and more do not all keep
to this, in PyTorch's float32 as in ours; and Winograd's algorithm rounds about twice as much as direct summation, so
that more seeds have a decision that differs.

Case followed (decisions.py): the same values, and float64 takes the other's decisions. Everything is within 1e-4, or,
where PyTorch's float32 is not (gradients explode in deep networks without shortcuts, and rounding with them), at most
4 times as far, and in no case above 5e-2. Decisions that differ are of values within 1e-3 standard deviations, with
the same exception: rounding's largest among millions, which is some ten times its mean.
"""

import math
import statistics
import typing

STEPS = 5
FEW_STEPS = f"{STEPS} steps"
GRADIENTS = ("grad", "momentum")
OUTPUTS = ("fc", "linear")
FLOOR = 1e-3  # of the norm that an error is relative to
EXACT, LARGEST, OTHER_TIES, CLOSE, TIMES_PYTORCH = 1e-4, 5e-2, 1e-2, 1e-3, 4


def error(value, exact, floor=FLOOR):
    """Relative, with a floor for gradients that are zero but for rounding: a bias before a batch norm."""
    value, exact = value.double().flatten(), exact.double().flatten()
    result = (value - exact).norm().item() / max(exact.norm().item(), floor)
    return result if math.isfinite(result) else math.inf


def floor_of(name, exact):
    """The size of the terms of a sum that may all but cancel: a bias' gradient before a batch norm.

    It sums the same terms as its weight's.
    """
    weight = exact.get(name.removesuffix("bias") + "weight") if name.startswith(GRADIENTS) else None
    return FLOOR if weight is None else max(FLOOR, 1e-2 * weight.norm().item())


def kind_of(name, before_max_pool=()):
    for start in GRADIENTS:
        if name.startswith(tuple(f"{start}.{layer}." for layer in before_max_pool)):
            return f"{start} before max pool"
        if name.startswith(start + "."):
            return start
    return "outputs" if name in (*OUTPUTS, "loss") else "buffers" if "running_" in name else "parameters"


class Errors(typing.NamedTuple):
    """Of the tensors of one kind for one seed: ours, PyTorch float32's, and which is our largest."""

    median: float
    largest: float
    pytorch_median: float
    pytorch_largest: float
    worst: str


class Report:
    def __init__(self, before_max_pool):
        """`before_max_pool`: the names of the layers there."""
        self.before_max_pool = before_max_pool
        self.errors = {}  # (case, entry, kind of tensor, batch) -> Errors per seed

    def add(self, case, entry, batch, ours, pytorch):
        """Two pairs of what is exact and what is compared with it."""
        exact = ours[0]
        different = set(exact) ^ set(ours[1])
        assert not different, f"{entry}: only on one side: {sorted(different)[:5]}"
        may_tie = self.before_max_pool if (case, entry) == ("decided", FEW_STEPS) else ()
        kinds = {name: kind_of(name, may_tie) for name in exact}
        for kind in sorted(set(kinds.values())):
            floors = {n: FLOOR if case == "initial" else floor_of(n, exact) for n in exact if kinds[n] == kind}
            mine, theirs = ({n: error(value[n], reference[n], floor) for n, floor in floors.items()}
                            for reference, value in (ours, pytorch))
            worst = max(mine, key=mine.get)
            errors = Errors(statistics.median(mine.values()), mine[worst],
                            statistics.median(theirs.values()), max(theirs.values()), worst)
            self.errors.setdefault((case, entry, kind, batch), []).append(errors)
            print(f"  {case}, {entry}: {kind}, batch {batch}: ours {errors.largest:.1e} (median {errors.median:.1e}), "
                  f"PyTorch f32 {errors.pytorch_largest:.1e} ({errors.pytorch_median:.1e})  {worst}", flush=True)

    def add_decisions(self, case, batch, ours, pytorch):
        """How far the exact values are from what was decided, of all steps."""
        errors = Errors(ours, ours, pytorch, pytorch, "")
        self.errors.setdefault((case, FEW_STEPS, "decisions", batch), []).append(errors)
        print(f"  {case}, {FEW_STEPS}: decisions, batch {batch}: ours {ours:.1e}, PyTorch {pytorch:.1e}", flush=True)

    @staticmethod
    def limit(case, kind, pytorch):
        """Of the largest error where rounding's decisions do not matter."""
        limit = CLOSE if kind == "decisions" else OTHER_TIES if "before max pool" in kind else EXACT
        as_pytorch = case == "followed" and pytorch > limit
        return min(TIMES_PYTORCH * pytorch, LARGEST) if as_pytorch else limit

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
            if case == "initial" and kind in GRADIENTS:
                theirs = min(s.pytorch_median for s in seeds)
                line(f"{name}, smallest median", batch, min(s.median for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + 1e-5)
                if entry != FEW_STEPS:
                    line(*largest, LARGEST, worst.worst)
            elif case == "initial" and entry == FEW_STEPS:
                theirs = min(s.pytorch_largest for s in seeds)
                line(f"{name}, smallest largest", batch, min(s.largest for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + EXACT)
            else:
                line(*largest, self.limit(case, kind, largest[-1]), worst.worst)
        return passed
