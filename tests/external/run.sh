#!/usr/bin/env bash
# Installs Debian's PostgreSQL with pgvector, Redis and RabbitMQ when they are missing, and runs the
# walks on them. The servers of the test are its own: on scratch data and free ports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

packages=(postgresql-17 postgresql-17-pgvector redis-server rabbitmq-server)

is_missing() {
    ! dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

missing=()
for package in "${packages[@]}"; do
    if is_missing "$package"; then missing+=("$package"); fi
done
if ((${#missing[@]})); then
    if ((EUID != 0)); then
        echo "Missing: ${missing[*]}. Run this as root, or: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "==> Installing ${missing[*]}"
    # The packages would start servers of their own; ours are enough.
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
.venv/bin/python -m pytest -m external tests/external "$@"
