#!/bin/bash
set -euo pipefail

# The schema is brought up to date before the first request.
python manage.py migrate --noinput
if [[ "${SEED:-yes}" == yes ]]; then
    python manage.py seed
fi

exec "$@"
