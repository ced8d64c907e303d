#!/bin/sh
# Entry point of the container: each file of /run/secrets becomes an environment variable of its name, for this
# process alone. What stands in compose.yaml is shown by `docker inspect` to whoever may ask.
set -eu
for file in "${SECRETS_FOLDER:-/run/secrets}"/*; do
    if [ -f "$file" ]; then
        value=$(cat "$file")
        export "$(basename "$file")=$value"
    fi
done
exec "$@"
