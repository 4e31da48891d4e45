"""The champion behind LitServe: `python lit_service.py PORT`."""

import sys

import litserve
from model_of_peers import loaded, scores


class Champion(litserve.LitAPI):
    """One model, one worker."""

    def setup(self, device):  # noqa: ARG002 - LitServe's signature
        self.model = loaded()

    def decode_request(self, request):
        return request["rows"]

    def predict(self, rows):
        return scores(self.model, rows)

    def encode_response(self, output):
        return {"scores": output}


if __name__ == "__main__":
    server = litserve.LitServer(Champion(), accelerator="cpu", workers_per_device=1, timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
