"""A project in which things are odd: names, figures, an alert that rings. It prints where its server is."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import requests
from sklearn.tree import DecisionTreeClassifier

import jupyter_mlops as mlops
from jupyter_mlops.backend.state import State

MODEL = """<img src=x onerror=alert(1)> "quoted" 'model' Ünïcödé 漢字 -- $(rm) & more"""

mlops.init(experiment="workshop")
chance = np.random.default_rng(0)
frame = pd.DataFrame({"age": chance.normal(41, 10, 1000), "pressure": chance.normal(120, 15, 1000)})
model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(frame, frame["age"] > 41)

server = State(Path(".mlops")).get("server", "mlflow")
assert server


def post(path: str, body: dict) -> dict:
    answer = requests.post(f"{server.url}/api/2.0/mlflow/{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


runs = {}
with mlops.run("numbers", autolog=False) as run:
    mlops.log(
        {"accuracy": 0.5, "nan": float("nan"), "up": float("inf"), "down": float("-inf")}, param={"a/b": "<i>1</i>"}
    )
    for step in range(5):
        mlops.log({"loss": float("nan") if step == 2 else 1.0 / (1 + step)}, step=step)
runs["numbers"] = run.result.run_id
asked = {"experiment_name": "workshop"}
found = requests.get(f"{server.url}/api/2.0/mlflow/experiments/get-by-name", params=asked, timeout=30).json()
experiment = found["experiment"]["experiment_id"]
with mlops.run("nothing was logged", autolog=False) as run:
    pass
runs["nothing"] = run.result.run_id
with mlops.run("to be deleted", autolog=False) as run:
    mlops.log({"accuracy": 0.4})
runs["deleted"] = run.result.run_id
# As other tools may write them: past our own checks.
for kind, name in {
    "long": "long/" + "ä" * 4995,
    "script": "</script><script>alert(1)</script> 'a' \"b\" c/d\\e 漢字",
}.items():
    made = post("runs/create", {"experiment_id": experiment, "run_name": name, "start_time": round(time.time() * 1000)})
    runs[kind] = made["run"]["info"]["run_id"]
    post("runs/log-metric", {"run_id": runs[kind], "key": "m" * 200, "value": 1e300, "timestamp": 1})
    post("runs/update", {"run_id": runs[kind], "status": "FINISHED", "end_time": round(time.time() * 1000)})
post("registered-models/create", {"name": MODEL})
post("model-versions/create", {"name": MODEL, "source": f"runs:/{runs['numbers']}/model", "run_id": runs["numbers"]})

mlops.register("people", model=model, data=frame)
mlops.promote("people/1", force=True, reason="a test")
mlops.deploy("people@champion")
mlops.predict("people", data=frame.assign(age=frame["age"] + 15))
for _ in range(40):
    time.sleep(0.3)
    if mlops.monitor("people").ok is False:
        break
else:
    raise AssertionError("nothing rings")
print(json.dumps({"mlflow": server.url, "pid": server.pid, "experiment": experiment, "runs": runs, "model": MODEL}))
