"""Asks a server of mlops through the clients of Triton and KServe; the first argument is its address."""

import asyncio
import json
import sys

import numpy as np
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

NAMES = ["red", "green, or so", "blue"]
ROWS = [3.0, 0.5, -3.0]


def shares(x):
    scores = np.exp([x, 1.0, -x])
    return scores / scores.sum()


# what each model answers for a row, and the name of its output
MODELS = {
    "colour": ("probabilities", shares),
    "values": ("predictions", lambda x: np.array([x, 1.0, -x])),
}


# rows of two features over two steps
SPENT = np.array([[1.0, 2.0], [12.5, 8.0]])
ITEMS = np.array([[20.0, 30.0], [3.0, 11.0]])


def returns(spent, items):
    """The network of `tests/serve/sequences.rs`, worked out again."""
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    gates = np.array([at % 5 * 0.25 - 0.5 for at in range(12)]).reshape(4, 3)
    bias = np.array([0.5, 1.0, 0.0, 0.25])
    cell = last = 0.0
    for step in zip((spent - 10) / 4, (items - 10) / 4):
        i, f, c, o = gates @ [*step, last] + bias
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
        last = sigmoid(o) * np.tanh(cell)
    return sigmoid(3 * last - 0.5)


RETURNS = [returns(*row) for row in zip(SPENT, ITEMS)]


def check_triton(address):
    client = triton.InferenceServerClient(address)
    for model, (output, expected) in MODELS.items():
        metadata = client.get_model_metadata(model)
        assert metadata["outputs"][0]["shape"] == [-1, 3], metadata
        names = metadata["outputs"][0]["parameters"]["names"]
        assert json.loads(names) == NAMES, metadata
        x = triton.InferInput("x", [len(ROWS)], "FP64")
        x.set_data_from_numpy(np.array(ROWS), binary_data=False)
        asked = [triton.InferRequestedOutput(output, binary_data=False)]
        for outputs in (asked, None):
            answer = client.infer(model, [x], outputs=outputs)
            found = answer.as_numpy(output)
            assert found.shape == (3, 3), found
            assert np.allclose(found, [expected(x) for x in ROWS], rtol=0, atol=1e-15), found
            assert json.loads(answer.get_output(output)["parameters"]["names"]) == NAMES
        try:
            client.infer(model, [x], outputs=[triton.InferRequestedOutput("class", binary_data=False)])
        except triton.InferenceServerException as error:
            assert "no output `class`" in str(error), error
        else:
            raise AssertionError("an output that is not there was answered")


def check_triton_sequences(address):
    client = triton.InferenceServerClient(address)
    metadata = client.get_model_metadata("clicks")
    assert [i["shape"] for i in metadata["inputs"]] == [[-1, -1], [-1, -1]], metadata
    inputs = []
    for name, values in (("spent", SPENT), ("items", ITEMS)):
        tensor = triton.InferInput(name, [2, 2], "FP64")
        tensor.set_data_from_numpy(values, binary_data=False)
        inputs.append(tensor)
    found = client.infer("clicks", inputs).as_numpy("probability")
    assert np.allclose(found, RETURNS, rtol=0, atol=1e-14), found
    flat = triton.InferInput("spent", [2], "FP64")
    flat.set_data_from_numpy(SPENT[0], binary_data=False)
    try:
        client.infer("clicks", [flat, inputs[1]])
    except triton.InferenceServerException as error:
        assert "is not [n, steps]" in str(error), error
    else:
        raise AssertionError("a tensor of one dimension was read as lists")


async def check_kserve_sequences(address):
    first = InferenceRESTClient(RESTConfig(protocol="v1"))
    second = InferenceRESTClient(RESTConfig(protocol="v2"))
    url = f"http://{address}"
    # the second instance is shorter, which tensors cannot say
    short = {"spent": SPENT[1, :1].tolist(), "items": ITEMS[1, :1].tolist()}
    body = {"instances": [{"spent": SPENT[0].tolist(), "items": ITEMS[0].tolist()}, short]}
    answer = await first.infer(url, body, model_name="clicks")
    wanted = [RETURNS[0], returns(SPENT[1, :1], ITEMS[1, :1])]
    assert np.allclose(answer["predictions"], wanted, rtol=0, atol=1e-14), answer
    inputs = []
    for name, values in (("spent", SPENT), ("items", ITEMS)):
        tensor = InferInput(name, [2, 2], "FP64")
        tensor.set_data_from_numpy(values, binary_data=False)
        inputs.append(tensor)
    request = InferRequest(model_name="clicks", infer_inputs=inputs)
    answer = await second.infer(url, request, model_name="clicks")
    assert np.allclose(answer.outputs[0].as_numpy(), RETURNS, rtol=0, atol=1e-14), answer


async def check_kserve(address):
    first = InferenceRESTClient(RESTConfig(protocol="v1"))
    second = InferenceRESTClient(RESTConfig(protocol="v2"))
    url = f"http://{address}"
    for model, (output, expected) in MODELS.items():
        wanted = [expected(x) for x in ROWS]
        body = {"instances": [{"x": x} for x in ROWS]}
        answer = await first.infer(url, body, model_name=model)
        assert np.allclose(answer["predictions"], wanted, rtol=0, atol=1e-15), answer
        assert answer["output_names"] == NAMES, answer
        x = InferInput("x", [len(ROWS)], "FP64")
        x.set_data_from_numpy(np.array(ROWS), binary_data=False)
        request = InferRequest(model_name=model, infer_inputs=[x])
        answer = await second.infer(url, request, model_name=model)
        found = answer.outputs[0]
        assert (found.name, list(found.shape)) == (output, [3, 3]), found
        assert np.allclose(found.as_numpy(), wanted, rtol=0, atol=1e-15), found
        assert await second.is_model_ready(url, model)


check_triton(sys.argv[1])
check_triton_sequences(sys.argv[1])
asyncio.run(check_kserve(sys.argv[1]))
asyncio.run(check_kserve_sequences(sys.argv[1]))
print("tritonclient and kserve: every answer as expected")
