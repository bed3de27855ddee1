"""The time rnc takes grows as the network does: per operation it is hardly more for networks four times as deep.

Networks of equal layers, and chains in which values are used more than once, as walks that forget where they have been
take exponential time on them. Time is that of the processor; where it seems too long, both sizes run again in turn, as
other machines on the same host slow a run down by a third: what grows does so each time. What a network of one layer
takes is left out, so that it hides nothing. Memory is bounded too, and the stack is the usual one.
"""

import argparse
import math
import os
import resource
import sys
import tempfile

MOST_GROWTH = 1.2  # of the time per operation from one size to the next, four times as large
MOST_KILOBYTES = 1_000_000
MOST_SECONDS = 60
MOST_RUNS = 4  # of a size whose time seems too long
LAYERS = (100, 400, 1600)
CHAIN = (1250, 5000)  # operations
LONG_CHAIN = (5000, 20000)  # of those so cheap that fewer are lost in what one layer takes


def model(lines, result, parameters="", train=True):
    ending = "loss cross_entropy(fc, label)\n  train sgd(momentum = 0.9)" if train else ""
    return f"""model deep(image: f32[N, 16, 16, 16]{", label: i32[N]" if train else ""}) {{
  {parameters}
  {chr(10).join(lines)}
  fc = linear(flatten(global_avg_pool({result})), 10)
  predict fc
  {ending}
}}
"""


def layers(count):
    lines, x = [], "image"
    for i in range(count):
        lines.append(f"  l{i}.conv = conv2d({x}, 16, kernel = 3, pad = 1, bias = false)")
        lines.append(f"  l{i}.bn = batch_norm(l{i}.conv)\n  l{i}.relu = relu(l{i}.bn)")
        x = f"l{i}.relu"
    return model(lines, x)


def chain(step, result="image + x", parameters="", first="p", train=True):
    """Of operations x0 = step(first), x1 = step(x0), ...; the last is x."""

    def build(count):
        lines = [step(first if i == 0 else f"x{i - 1}", f"x{i}") for i in range(count)]
        return model(lines, result.replace("x", f"x{count - 1}"), parameters, train)

    return build


def plain(operation):
    return lambda x, y: f"{y} = {operation.replace('x', x)}"


CHANNELS = "parameter p : f32[16] = constant(value = 0.5)"
WEIGHT = "parameter p : f32[16, 16, 3, 3] = kaiming_uniform(a = 1)"
CONVOLUTION = "relu(conv2d(image, x))"
CHAINS = {
    "squares of a parameter": chain(plain("x * x"), parameters=CHANNELS),
    "squares of a weight": chain(plain("x * x"), CONVOLUTION, WEIGHT),
    "doubled activations": chain(plain("x + x"), "x", "start = relu(conv2d(image, 16, kernel = 3, pad = 1))", "start"),
    "squares of activations": chain(plain("relu(x * x)"), "x", "start = conv2d(image, 16, kernel = 1)", "start"),
    "one value in all": chain(plain("p * x"), "x", "p = conv2d(image, 16, kernel = 1)"),
    "every square in use": chain(
        lambda x, y: f"{y} = {x} * {x}\n  a{y} = {'image' if x == 'p' else 'a' + x} + {y}",
        "ax",
        CHANNELS,
    ),
}

CHEAP = {"doubled activations"}


class Compiler:
    def __init__(self, directory, most_seconds):
        self.most_seconds = most_seconds
        self.rnc = os.path.join(directory, "rnc")
        self.directory = tempfile.TemporaryDirectory()

    def run(self, text):
        """Seconds of processor time and the most kilobytes of memory that compiling this takes."""
        path = os.path.join(self.directory.name, "deep.graph")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (self.most_seconds, self.most_seconds))
            resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))
            os.execv(self.rnc, [self.rnc, path, "-o", os.path.join(self.directory.name, "deep.so")])
        _, status, usage = os.wait4(child, 0)
        if status != 0:
            sys.exit(f"FAILED: rnc ends with {status} after {usage.ru_utime:.1f} s")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def check(compiler, name, build, sizes, most_kilobytes):
    base = min(compiler.run(build(1))[0] for _ in range(3))
    times = []
    for i, size in enumerate(sizes):
        time, memory = compiler.run(build(size))
        for _ in range(1, MOST_RUNS):
            if i == 0 or not grows(times[-1], sizes[i - 1], time - base, size):
                break
            times[-1] = compiler.run(build(sizes[i - 1]))[0] - base
            time = compiler.run(build(size))[0]
        times.append(time - base)
        print(f"{name}: {size}: {time:.2f} s, {1000 * (time - base) / size:.2f} ms each; {memory // 1000} MB")
        if memory > most_kilobytes:
            sys.exit(f"FAILED: {name}: {memory} kilobytes for {size}")
        if i > 0 and grows(times[-2], sizes[i - 1], times[-1], size):
            sys.exit(f"FAILED: {name}: the time per operation grows from {sizes[i - 1]} to {size}")


def grows(small_time, small, large_time, large):
    """Whether the time of the large network is more than in proportion to that of the small one."""
    return large_time > MOST_GROWTH * small_time * large / small


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="where rnc is")
    parser.add_argument("--only", help="a name in the list")
    parser.add_argument("--instrumented", action="store_true",
                        help="the build has sanitizers: most of the memory and time is theirs")
    parser.add_argument("--layers", default=",".join(map(str, LAYERS)), help="how deep the network of layers is")
    arguments = parser.parse_args()
    if arguments.instrumented:  # freed memory is used again soon, as without sanitizers: the caches know it then
        os.environ["ASAN_OPTIONS"] = ":".join(
            [os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=4", "thread_local_quarantine_size_kb=64"])
    compiler = Compiler(arguments.bin, MOST_SECONDS * (10 if arguments.instrumented else 1))
    networks = {"layers": (layers, tuple(map(int, arguments.layers.split(","))))} | {
        name: (build, LONG_CHAIN if name in CHEAP else CHAIN) for name, build in CHAINS.items()
    }
    for name, (build, sizes) in networks.items():
        if arguments.only in (None, name):
            check(compiler, name, build, sizes, MOST_KILOBYTES if not arguments.instrumented else math.inf)


if __name__ == "__main__":
    main()
