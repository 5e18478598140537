"""What has happened in the project before the browser comes: runs, two versions of a model, an endpoint, some traffic."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import jupyter_mlops as mlops

mlops.init(experiment="breast-cancer")
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

models = {
    "tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}
for name, model in models.items():
    with mlops.run(name, data=X_train, autolog=False):
        model.fit(X_train, y_train)
        mlops.log({"accuracy": model.score(X_test, y_test)}, model=model, data=X_train)
        for step in range(20):
            mlops.log({"loss": 1 / (1 + step) + (name == "tree") / 10}, step=step)
with mlops.run("""<img src=x onerror=alert(1)> "quoted" 'run' """ + "long " * 60, autolog=False):
    mlops.log({"accuracy": float("nan")}, param={"solver": "<b>bold</b>"})

mlops.register("tumour", run="tree", alias="challenger")
mlops.promote("tumour/1")
mlops.register("tumour", run="scaled", alias="challenger")
endpoint = mlops.deploy("tumour@champion")
for _ in range(20):
    endpoint.predict(X_test.head(5))
