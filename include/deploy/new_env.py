"""Write a new `.env` for docker-compose.yaml to standard output: random secrets, and from when schedules count.

    python3 include/deploy/new_env.py > .env

Needs nothing but Python. The secrets hold no character that a URL or a shell would have to quote.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from datetime import UTC, datetime, timedelta


def content(today: datetime) -> dict[str, str]:
    """Return the variables of a new installation."""
    return {
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "AIRFLOW_DB_PASSWORD": secrets.token_hex(24),
        "MLSYS_DB_PASSWORD": secrets.token_hex(24),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "AIRFLOW_JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW_SECRET_KEY": secrets.token_hex(32),
        "MLSYS_PASSWORD": secrets.token_urlsafe(16),
        "MLSYS_SCHEDULE_START": (today + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00+00:00"),
    }


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}={value}\n" for name, value in content(datetime.now(UTC)).items())
