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
asyncio.run(check_kserve(sys.argv[1]))
print("tritonclient and kserve: every answer as expected")
