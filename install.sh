#!/usr/bin/env bash
# Makes .venv when it is missing or stale, and says what it does. Called by every make target that
# needs Python; when nothing changed it ends at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

is_usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

pick_python() {
    local candidate
    for candidate in ${NUXA_PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if is_usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Found no Python 3.11, 3.12 or 3.13 (looked for: ${NUXA_PYTHON:-python3 python3.13" \
        "python3.12 python3.11}). On Debian: apt-get install python3 python3-venv python3-pip;" \
        "or name one: make NUXA_PYTHON=/path/to/python3.12 …"
}

make_venv() {
    "$python" -c 'import venv, ensurepip' 2>/dev/null || fail \
        "$python cannot make virtual environments. On Debian: apt-get install python3-venv" \
        "(or python3.12-venv and the like for another version)."
    local free
    free=$(df -Pk . | awk 'NR == 2 {print $4}')
    ((free > 4000000)) || fail "The dependencies take about 3 GB here and only" \
        "$((free / 1000)) MB are free: make room, then run the same command again."
    echo "==> Making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv || fail "$python could not make .venv; its words are above."
}

install_packages() {
    echo "==> Installing the dependencies into .venv (once; some minutes, about 3 GB)"
    # An index with CPU builds of torch saves about 4 GB of CUDA libraries where PyPI has only those.
    if [[ -n ${NUXA_TORCH_INDEX:-} ]]; then
        .venv/bin/python -m pip install --index-url "$NUXA_TORCH_INDEX" 'torch>=2.6,<2.14' torchvision ||
            fail "torch could not be installed from NUXA_TORCH_INDEX=$NUXA_TORCH_INDEX."
    fi
    .venv/bin/python -m pip install -c constraints.txt -e '.[dev]' ||
        fail "The dependencies could not be installed; pip's words are above. Usual causes: no way" \
            "to the package index (set PIP_INDEX_URL or HTTPS_PROXY), or a full disk. What was" \
            "done is kept: run the same command again."
}

prepare_models() {
    echo "==> Preparing the embedding model"
    .venv/bin/python -m core.models.export ||
        fail "The embedding model could not be prepared; the reason is above."
    wanted_models >"$models"
}

prepare_sandbox() {
    echo "==> Preparing Python for function blocks"
    # From the npm registry, the one part that PyPI does not carry; all else works without it.
    .venv/bin/python -m core.sandbox.install ||
        echo "    (going on without: function blocks run JavaScript only)"
}

prepare_socket_clients() {
    echo "==> Getting the npm clients that tests run"
    .venv/bin/python tests/javascript/install.py ||
        echo "    (going on without: those tests skip; make socket-clients gets them later)"
}

wanted_stamp() {
    # The place is part of it: a virtual environment does not survive being moved.
    { pwd && cat pyproject.toml constraints.txt install.sh tests/javascript/deno.lock; } | cksum
}

wanted_models() {
    cat core/models/{export,quantize,questions}.py | cksum
}

is_current() {
    [[ -f $1 && $(cat "$1") == "$2" ]]
}

stamp=.venv/stamp models=.venv/models
if is_current "$stamp" "$(wanted_stamp)" && is_usable .venv/bin/python; then
    is_current "$models" "$(wanted_models)" || prepare_models
    exit 0
fi
[[ -d .venv ]] && echo "==> .venv is out of date"
if ! is_usable .venv/bin/python || [[ ! -f .venv/place || $(cat .venv/place) != "$PWD" ]]; then
    python=$(pick_python)
    make_venv
    pwd >.venv/place
fi
install_packages
prepare_models
prepare_sandbox
prepare_socket_clients
wanted_stamp >"$stamp"
echo "==> Ready"
