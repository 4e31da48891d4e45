"""The champion as a model of MLflow's own server: `python mlflow_model.py FOLDER`, then `mlflow models serve`."""

import sys

import mlflow
from model_of_peers import loaded

if __name__ == "__main__":
    mlflow.sklearn.save_model(
        loaded(), sys.argv[1], pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
    )
