#!/bin/bash
set -e

if [ -n "$DB_HOST" ]; then
    until pg_isready -h "$DB_HOST" -p "${DB_PORT:-5432}"; do
        echo "waiting for postgres..."
        sleep 1
    done
fi

echo "Running migrations"
alembic upgrade head

echo "Starting server"
exec gunicorn app.main:app \
    --workers "${WEB_CONCURRENCY:-2}" \
    --worker-class uvicorn.workers.UvicornWorker \
    --bind 0.0.0.0:8000 \
    --access-logfile -
