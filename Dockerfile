# One image for all services: docker-compose.yaml and include/deploy/kubernetes say which command each one runs.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
# An index of your own: --secret id=pip,src=pip.conf --secret id=uv,src=uv.toml
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_NO_CACHE=1 \
    UV_PYTHON=/opt/mlsys/venv/bin/python
WORKDIR /src
COPY requirements-bootstrap.txt requirements-deploy.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    python3 -m venv /tools \
    && /tools/bin/pip install --quiet --require-hashes -r requirements-bootstrap.txt \
    && python3 -m venv --without-pip /opt/mlsys/venv \
    && /tools/bin/uv pip sync --quiet --require-hashes --compile-bytecode requirements-deploy.txt
COPY . .
RUN /tools/bin/python -m hatchling build --target wheel --directory /dist \
    && /tools/bin/uv pip install --quiet --no-deps --offline --compile-bytecode /dist/*.whl \
    && cp -r dags plugins include /opt/mlsys/ \
    && /opt/mlsys/venv/bin/python -m compileall -q /opt/mlsys/dags /opt/mlsys/plugins /opt/mlsys/include

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="mlsys" \
      org.opencontainers.image.licenses="Apache-2.0"
# User 50000 of group 0, as in Airflow's own image: its Helm chart fits this one without a change.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow --shell /usr/sbin/nologin mlsys \
    && mkdir -p /opt/airflow /var/lib/mlsys/mlartifacts \
    && chown -R 50000:0 /opt/airflow /var/lib/mlsys \
    && chmod -R g=u /opt/airflow /var/lib/mlsys
COPY --from=build /opt/mlsys /opt/mlsys
ENV PATH=/opt/mlsys/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    HOME=/opt/airflow \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/mlsys/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/mlsys/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/lib/mlsys/logs/tasks \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/var/lib/mlsys/logs/dag_processor \
    MLSYS_HOME=/var/lib/mlsys \
    MLSYS_DAGS=/opt/mlsys/dags \
    MLSYS_PLUGINS=/opt/mlsys/plugins \
    MLSYS_PIPELINES=/opt/mlsys/include/pipelines \
    MLSYS_SAMPLES=/opt/mlsys/include/samples
WORKDIR /opt/mlsys
USER 50000
# No HEALTHCHECK here: what health means depends on the service, so each has its own in docker-compose.yaml.
CMD ["mlsys", "--help"]
