#!/bin/sh
chown -R node /data
exec su node -c "node /app/server.js"
