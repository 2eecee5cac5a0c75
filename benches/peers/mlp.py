"""PyTorch on the network of `benches/mlp.rs` of mlops-train, in turns with ours in the same run.

    cargo bench -p mlops-train --no-default-features --features burn --bench mlp --no-run    # prints the binary
    python mlp.py --ours PATH_OF_THE_BINARY [--threads 2] [--epochs 6] [--turns 3] [--width 64] [--batch 1024]
        [--device cuda]

100,000 rows of 20 numbers, two layers of 64 with rectifiers, batches of 1024 in a new order each epoch, AdamW, no
dropout. PyTorch gathers its batches by index from one tensor, the fastest way it has on a CPU; on a GPU, for which the
binary must be built with `--features cuda`, it keeps all rows there. Seconds of an epoch: the best and the median over
all turns, and CPU seconds over the whole run of an epoch. The first epoch of each turn is not counted. Needs:
pip install torch==2.15.0
"""

import argparse, os, resource, statistics, subprocess, time


def torch_epochs(threads, epochs, width, batch, device):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    x = torch.randn(100_000, 20, device=device)
    y = (x[:, 0] * x[:, 1] + x[:, 2] + torch.randn(100_000, device=device) > 0).float()
    model = torch.nn.Sequential(
        torch.nn.Linear(20, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, 1)
    ).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    loss_of = torch.nn.BCEWithLogitsLoss()
    seconds = []
    for _ in range(epochs):
        start, total = time.perf_counter(), 0.0
        for at in torch.randperm(len(x), device=device).split(batch):
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
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--batch", type=int, default=1024)
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
options = parser.parse_args()
shape = (options.width, options.batch, options.device)
ours, theirs, used = [], [], [0.0, 0.0]
torch_epochs(options.threads, 2, *shape)
for _ in range(options.turns):
    before = cpu(resource.RUSAGE_SELF)
    theirs += torch_epochs(options.threads, options.epochs, *shape)
    used[1] += cpu(resource.RUSAGE_SELF) - before
    before = cpu(resource.RUSAGE_CHILDREN)
    command = [options.ours, *map(str, (options.threads, options.epochs, *shape))]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ours += [float(second) for second in lines]
    used[0] += cpu(resource.RUSAGE_CHILDREN) - before
for name, seconds, used in [("ours", ours, used[0]), ("torch", theirs, used[1])]:
    used /= options.turns * options.epochs
    print(f"{name:6} best {min(seconds):.4f} s  median {statistics.median(seconds):.4f} s  CPU {used:.4f} s an epoch")
print(f"ours / torch: best {min(ours) / min(theirs):.2f}, median {statistics.median(ours) / statistics.median(theirs):.2f}")
