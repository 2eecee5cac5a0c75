"""Networks as both of PyTorch's exporters write them, and ONNX Runtime's answers.

    pip install torch onnx onnxscript onnxruntime numpy
    python networks.py FOLDER

`NAME.onnx` is from the exporter that PyTorch has by default, `NAME_script.onnx` from the one before it. Cases are as
`make.py` writes them; `FOLDER/refused` gets the files of networks that have no form here.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

warnings.filterwarnings("ignore")
VERSIONS = {m.__name__: m.__version__ for m in (onnx, onnxruntime, torch)}
FOLDER = pathlib.Path(sys.argv[1])
WIDTH = 4
torch.manual_seed(7)
ROWS = np.round(np.random.default_rng(7).normal(size=(30, WIDTH)), 2).astype(np.float32)


def export(path, network, example, script, steps=False):
    named = {"input_names": ["x"], "output_names": ["y"]}
    if script:
        axes = {"x": {0: "batch", **({1: "steps"} if steps else {})}, "y": {0: "batch"}}
        torch.onnx.export(network, (example,), str(path), dynamo=False, dynamic_axes=axes, opset_version=17, **named)
    else:
        open_steps = {1: torch.export.Dim("steps", min=2)} if steps else {}
        shapes = ({0: torch.export.Dim("batch"), **open_steps},)
        torch.onnx.export(
            network, (example,), str(path), dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **named
        )
        # the exporter names the author's files for each node
        model = onnx.load(path)
        for value in [*model.graph.node, *model.graph.value_info, *model.graph.initializer]:
            del value.metadata_props[:]
            value.doc_string = ""
        del model.graph.value_info[:]
        onnx.save(model, path)


def plain(x):
    return float(str(np.float32(x)))


def keep(name, *layers):
    network = nn.Sequential(*layers)
    # what training leaves in the averages of a batch
    for _ in range(20):
        network(torch.randn(64, WIDTH) * 2 + 1)
    network.eval()
    for script in (False, True):
        path = FOLDER / f"torch_{name}{'_script' if script else ''}.onnx"
        export(path, network, torch.from_numpy(ROWS), script)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        answers = session.run(None, {"x": ROWS})[0]
        with torch.no_grad():
            torchs = network(torch.from_numpy(ROWS)).numpy()
        assert np.abs(answers - torchs).max() < 1e-5
        case = {
            "versions": VERSIONS,
            "rows": [[plain(x) for x in row] for row in ROWS],
            "answers": [[plain(x) for x in row] for row in answers],
        }
        path.with_suffix(".json").write_text(json.dumps(case) + "\n")
        print(path.name, path.stat().st_size, [n.op_type for n in onnx.load(path).graph.node])


class Lstm(nn.Module):
    def __init__(self, layers, outputs):
        super().__init__()
        self.cells = nn.LSTM(WIDTH, 5, num_layers=layers, batch_first=True)
        self.head = nn.Linear(5, outputs)
        self.outputs = outputs

    def forward(self, x):
        if self.outputs == 1:
            return torch.sigmoid(self.head(self.cells(x)[1][0][-1]))
        return torch.softmax(self.head(self.cells(x)[0][:, -1]), 1)


def keep_sequences(name, network, lengths):
    """A row has a list of steps for each of a step's numbers; several lengths mean that the file leaves it open."""
    network.eval()
    rng = np.random.default_rng(7)
    for script in (False, True):
        path = FOLDER / f"torch_{name}{'_script' if script else ''}.onnx"
        example = torch.randn(3, lengths[0], WIDTH)
        export(path, network, example, script, steps=len(lengths) > 1)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        case = {"versions": VERSIONS, "rows": [], "answers": []}
        for length in lengths:
            steps = np.round(rng.normal(size=(6, length, WIDTH)), 2).astype(np.float32)
            answers = session.run(None, {"x": steps})[0]
            case["rows"] += [[[plain(x) for x in list_] for list_ in row.T] for row in steps]
            case["answers"] += [[plain(x) for x in row] for row in answers]
        path.with_suffix(".json").write_text(json.dumps(case) + "\n")
        print(path.name, path.stat().st_size, [n.op_type for n in onnx.load(path).graph.node])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.into = nn.Linear(WIDTH, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 1, norm=nn.LayerNorm(8))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.encoder(self.into(x)).mean(1))


class Backwards(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.LSTM(WIDTH, 5, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 1)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def refused():
    folder = FOLDER / "refused"
    folder.mkdir(exist_ok=True)
    row = torch.randn(5, WIDTH)
    steps = torch.randn(3, 7, WIDTH)
    for name, network, example in [
        ("layer_norm", nn.Sequential(nn.Linear(WIDTH, 6), nn.LayerNorm(6), nn.ReLU(), nn.Linear(6, 1)), row),
        ("two_activations", nn.Sequential(nn.Linear(WIDTH, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)), row),
        ("approximate_gelu", nn.Sequential(nn.Linear(WIDTH, 6), nn.GELU("tanh"), nn.Linear(6, 1)), row),
        ("backwards", Backwards(), steps),
        ("transformer", Transformer(), steps),
    ]:
        export(folder / f"torch_{name}.onnx", network.eval(), example, script=False)


keep_sequences("lstm_layers", Lstm(2, 3), [7, 2, 20])
keep_sequences("lstm", Lstm(1, 1), [7])
keep("relu", nn.Linear(WIDTH, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(dim=1))
keep("tanh", nn.Linear(WIDTH, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1))
keep("gelu", nn.Linear(WIDTH, 6), nn.GELU(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 1), nn.Sigmoid())
keep("sigmoid", nn.Linear(WIDTH, 6), nn.Sigmoid(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 1), nn.Sigmoid())
keep(
    "batch_norm",
    *(nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3)),
    *(nn.Linear(6, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Linear(5, 1)),
)
keep("logistic", nn.Linear(WIDTH, 1), nn.Sigmoid())
keep("numbers", nn.Linear(WIDTH, 5), nn.ReLU(), nn.Linear(5, 2))
refused()
