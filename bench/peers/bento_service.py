"""The champion behind BentoML: `bentoml serve bento_service:Champion`."""

import bentoml
from model_of_peers import loaded, scores


@bentoml.service(workers=1, traffic={"timeout": 60})
class Champion:
    """One model, one worker."""

    def __init__(self) -> None:
        self.model = loaded()

    @bentoml.api
    def predict(self, rows: list[dict]) -> list[float]:
        """Return the scores of rows."""
        return scores(self.model, rows)
