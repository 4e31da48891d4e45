"""What mlsys adds to Airflow's pages: "Models" in the navigation, a tab of each DAG, buttons on tasks."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from mlsys.orchestration.page.addresses import PREFIX
from mlsys.orchestration.page.buttons import DataDocsLink, MlflowLink, ReportCardLink
from mlsys.orchestration.page.page import OUTCOMES, VIEW, ModelsPage
from mlsys.orchestration.page.warming import Warming


class MlsysPlugin(AirflowPlugin):
    """Found by Airflow in its plugins folder."""

    name = "mlsys"
    fastapi_apps: ClassVar[list[Any]] = [{"app": ModelsPage(), "url_prefix": PREFIX, "name": "mlsys models"}]
    fastapi_root_middlewares: ClassVar[list[Any]] = [{"middleware": Warming, "name": "mlsys models"}]
    external_views: ClassVar[list[Any]] = [VIEW, OUTCOMES]
    operator_extra_links: ClassVar[list[Any]] = [ReportCardLink(), MlflowLink(), DataDocsLink()]
