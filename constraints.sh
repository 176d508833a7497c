#!/usr/bin/env bash
# Resolves anew within the bounds of pyproject.toml and notes every version in constraints.txt.
# torch and torchvision are left to their range: each platform and CPU or CUDA index has its own
# builds, and torch pins its own companions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
.venv/bin/python -m pip install --upgrade --upgrade-strategy eager -e '.[dev,voice,local,browser]'
{
    echo "# Every resolved version; made by 'make constraints'. torch and torchvision: see pyproject.toml."
    .venv/bin/python -m pip freeze --exclude-editable |
        grep -Eiv '^(torch|torchvision|triton|nvidia-.*|cuda-.*)(==| @)' | sed 's/+[a-z0-9.]*$//'
} >constraints.new
mv constraints.new constraints.txt
