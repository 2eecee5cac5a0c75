"""PyTorch on the network of `benches/mlp.rs` of mlops-train, in turns with ours in the same run.

    cargo bench -p mlops-train --no-default-features --features burn --bench mlp --no-run    # prints the binary
    python mlp.py --ours PATH_OF_THE_BINARY [--threads 2] [--epochs 6] [--turns 3]

100,000 rows of 20 numbers, layers of 64 and 64 with rectifiers, batches of 1024 in a new order each epoch, AdamW, no
dropout. PyTorch gathers its batches by index from one tensor, the fastest way it has on a CPU. Seconds of an epoch:
the best and the median over all turns, and CPU seconds over the whole run of an epoch. The first epoch of each turn is
not counted. Needs: pip install torch==2.15.0
"""

import argparse, os, resource, statistics, subprocess, time


def torch_epochs(threads, epochs):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    x = torch.randn(100_000, 20)
    y = (x[:, 0] * x[:, 1] + x[:, 2] + torch.randn(100_000) > 0).float()
    model = torch.nn.Sequential(
        torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    loss_of = torch.nn.BCEWithLogitsLoss()
    seconds = []
    for _ in range(epochs):
        start, total = time.perf_counter(), 0.0
        for at in torch.randperm(len(x)).split(1024):
            optimiser.zero_grad()
            loss = loss_of(model(x[at]).squeeze(1), y[at])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(at)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def cpu(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


parser = argparse.ArgumentParser()
parser.add_argument("--ours", required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--turns", type=int, default=3)
options = parser.parse_args()
ours, theirs, used = [], [], [0.0, 0.0]
torch_epochs(options.threads, 2)
for _ in range(options.turns):
    before = cpu(resource.RUSAGE_SELF)
    theirs += torch_epochs(options.threads, options.epochs)
    used[1] += cpu(resource.RUSAGE_SELF) - before
    before = cpu(resource.RUSAGE_CHILDREN)
    command = [options.ours, str(options.threads), str(options.epochs)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ours += [float(second) for second in lines]
    used[0] += cpu(resource.RUSAGE_CHILDREN) - before
for name, seconds, used in [("ours", ours, used[0]), ("torch", theirs, used[1])]:
    used /= options.turns * options.epochs
    print(f"{name:6} best {min(seconds):.4f} s  median {statistics.median(seconds):.4f} s  CPU {used:.4f} s an epoch")
print(f"ours / torch: best {min(ours) / min(theirs):.2f}, median {statistics.median(ours) / statistics.median(theirs):.2f}")
