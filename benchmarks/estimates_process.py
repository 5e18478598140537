"""Estimates without labels of NannyML's data sets, in a process of its own: prints them, chunk by chunk, as JSON.

Usage: python estimates_process.py nannyml FOLDER (which it fills with the data)  |  ours FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

CHUNKS = 20
CLASSES = ["prepaid_card", "highstreet_card", "upmarket_card"]
SETS: dict[str, dict[str, Any]] = {
    "census": {"loader": "load_us_census_ma_employment_data", "truth": "employed", "said": "prediction", "chances": ["predicted_probability"], "leave": ["year"], "task": "binary"},
    "car loan": {"loader": "load_synthetic_car_loan_dataset", "truth": "repaid", "said": "y_pred", "chances": ["y_pred_proba"], "leave": ["timestamp"], "task": "binary"},
    "credit card": {"loader": "load_synthetic_multiclass_classification_dataset", "truth": "y_true", "said": "y_pred", "chances": [f"y_pred_proba_{name}" for name in CLASSES], "leave": ["timestamp"], "task": "multiclass"},
    "car price": {"loader": "load_synthetic_car_price_dataset", "truth": "y_true", "said": "y_pred", "chances": [], "leave": ["timestamp"], "task": "regression"},
}  # fmt: skip
METRICS = {
    "binary": ["accuracy", "f1", "roc_auc"],
    "multiclass": ["accuracy", "f1", "roc_auc"],
    "regression": ["mae", "rmse"],
}


def features_of(frame: pd.DataFrame, its: dict[str, Any]) -> list[str]:
    out = {"id", its["truth"], its["said"], *its["chances"], *its["leave"]}
    return [name for name in frame.columns if name not in out]


def nannyml(name: str, its: dict[str, Any], folder: Path) -> dict[str, Any]:
    import nannyml as nml

    reference, analysis, target = getattr(nml, its["loader"])()
    later = analysis.merge(target, on="id") if "id" in target.columns else analysis.join(target)
    size = len(analysis) // CHUNKS
    for what, frame in (("reference", reference), ("later", later)):
        frame.to_parquet(folder / f"{name} {what}.parquet")
    names = METRICS[its["task"]]
    begin = time.process_time()
    if its["task"] == "regression":
        made = nml.DLE(features_of(reference, its), its["said"], its["truth"], chunk_size=size, metrics=names)
    else:
        chances = its["chances"][0] if its["task"] == "binary" else dict(zip(CLASSES, its["chances"], strict=True))
        made = nml.CBPE(metrics=names, y_pred=its["said"], y_pred_proba=chances, y_true=its["truth"], chunk_size=size, problem_type=f"classification_{its['task']}")  # fmt: skip
    made.fit(reference)
    found = made.estimate(analysis).filter(period="analysis").to_df()
    seconds = time.process_time() - begin
    sides = {"value": "value", "low": "lower_confidence_boundary", "high": "upper_confidence_boundary"}
    estimates = {metric: {side: found[metric, column].tolist()[:CHUNKS] for side, column in sides.items()} for metric in names}  # fmt: skip
    return {"seconds": seconds, "CBPE" if its["task"] != "regression" else "DLE": estimates}


def ours(name: str, its: dict[str, Any], folder: Path) -> dict[str, Any]:
    from jupyter_mlops.monitoring.performance.estimates import estimate, second_opinion, weighted
    from jupyter_mlops.statistics.performance.reference import Reference
    from jupyter_mlops.statistics.performance.rows import Rows, score

    reference, later = (pd.read_parquet(folder / f"{name} {what}.parquet") for what in ("reference", "later"))
    features, names = features_of(reference, its), METRICS[its["task"]]
    classes = CLASSES if its["task"] == "multiclass" else [0, 1] if its["task"] == "binary" else None
    task = "regressor" if its["task"] == "regression" else "classifier"

    def rows_of(frame: pd.DataFrame) -> Rows:
        columns = {f"input.{feature}": frame[feature] for feature in features}
        chances = {f"chance.{one}": frame[column] for one, column in zip(CLASSES, its["chances"], strict=False)}
        if its["task"] == "binary":
            chances = {"chance.0": 1 - frame[its["chances"][0]], "chance.1": frame[its["chances"][0]]}
        return Rows.of(pd.DataFrame({**columns, **chances, "prediction": frame[its["said"]], "label": frame[its["truth"]]}), task=task, classes=classes)  # fmt: skip

    begin = time.process_time()
    chances = reference[its["chances"]] if its["chances"] else None
    learned = Reference.learn(reference[its["truth"]], reference[its["said"]], chances=chances, features=reference[features], classes=classes, task=task)  # fmt: skip
    learned = Reference.read(json.loads(stored := json.dumps(learned.to_dict())))
    size = len(later) // CHUNKS
    chunks = [rows_of(later.iloc[number * size : (number + 1) * size]) for number in range(CHUNKS)]
    first = [estimate(learned, chunk, names) for chunk in chunks]
    seconds = time.process_time() - begin
    whole = rows_of(reference)
    other = {}
    if task == "classifier":
        other["second opinion"] = [second_opinion(learned, chunk, names) for chunk in chunks]
    if its["task"] == "binary":
        other["weighted"] = [weighted(whole, chunk, names) for chunk in chunks]
    ways = {"ours": first, **other, "labels": [{metric: score(chunk, metric) for metric in names} for chunk in chunks]}
    found = {way: {metric: {side: [getattr(each[metric], side) for each in list_] for side in ("value", "low", "high")} for metric in names} for way, list_ in ways.items()}  # fmt: skip
    return {"seconds": seconds, "kilobytes": len(stored) / 1000, "unchanged": {metric: learned.metrics[metric].value for metric in names}, **found}  # fmt: skip


if __name__ == "__main__":
    way = {"nannyml": nannyml, "ours": ours}[sys.argv[1]]
    print(json.dumps({name: way(name, its, Path(sys.argv[2])) for name, its in SETS.items()}))
