"""Answers of torch.nn.LSTM and torch.nn.TransformerEncoder, with their weights as this crate writes them.

    python sequences.py > sequences.json

Double precision. Needs: pip install torch==2.15.0
"""

import json
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
WIDTH, STEPS = 3, 6


def dense(weight, bias):
    rows, cols = weight.shape
    return {"rows": rows, "cols": cols, "weights": weight.flatten().tolist(), "bias": bias.tolist()}


def norm(layer):
    return {"gain": layer.weight.tolist(), "bias": layer.bias.tolist()}


def shake(module):
    # gains of 1 and biases of 0 would hide mistakes
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return module.eval()


def spec(network, output, link):
    scales = [{"center": 0.0, "scale": 1.0}] * WIDTH
    return {
        "features": ["a", "b", "c"], "max_steps": STEPS, "scales": scales, "output": output, "link": link,
        "network": network,
    }


def sequences():
    return [torch.randn(steps, WIDTH) for steps in (1, 2, 4, 6)]


cases = []

lstm, head = shake(torch.nn.LSTM(WIDTH, 5, num_layers=2)), shake(torch.nn.Linear(5, 1))
layers = []
for at in range(2):
    weight = torch.cat([getattr(lstm, f"weight_ih_l{at}"), getattr(lstm, f"weight_hh_l{at}")], 1)
    layers.append(dense(weight, getattr(lstm, f"bias_ih_l{at}") + getattr(lstm, f"bias_hh_l{at}")))
answers = [(x.tolist(), torch.sigmoid(head(lstm(x)[0][-1])).tolist()) for x in sequences()]
network = {"lstm": {"layers": layers, "head": dense(head.weight, head.bias)}}
cases.append({"spec": spec(network, {"probability": {"positive": "y"}}, "logit"), "answers": answers})

block = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
last = torch.nn.LayerNorm(8)
encoder = shake(torch.nn.TransformerEncoder(block, 2, last, enable_nested_tensor=False))
embed, head = shake(torch.nn.Linear(WIDTH, 8)), shake(torch.nn.Linear(8, 3))
places = torch.randn(STEPS, 8)
blocks = [
    {
        "attention_norm": norm(b.norm1),
        "attention": dense(b.self_attn.in_proj_weight, b.self_attn.in_proj_bias),
        "mix": dense(b.self_attn.out_proj.weight, b.self_attn.out_proj.bias),
        "dense_norm": norm(b.norm2),
        "widen": dense(b.linear1.weight, b.linear1.bias),
        "narrow": dense(b.linear2.weight, b.linear2.bias),
    }
    for b in encoder.layers
]
network = {
    "embed": dense(embed.weight, embed.bias), "positions": places.flatten().tolist(), "heads": 2, "blocks": blocks,
    "norm": norm(encoder.norm), "head": dense(head.weight, head.bias),
}
answers = []
for x in sequences():
    seen = encoder((embed(x) + places[: len(x)])[None])[0]
    answers.append((x.tolist(), torch.softmax(head(seen.mean(0)), 0).tolist()))
names = {"classes": {"names": ["p", "q", "r"]}}
cases.append({"spec": spec({"transformer": network}, names, "softmax"), "answers": answers})
print(json.dumps({"peer": f"torch {torch.__version__}", "cases": cases}))
