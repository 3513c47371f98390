# What one does here, in one word each. `just` lists them.

_default:
    @just --list --unsorted

# Once in a checkout, and again after a pull that changed uv.lock: the lock's git filter, then everything installed.
setup:
    git config filter.neutral-lock.clean 'python3 tools/neutral_lock.py'
    uv lock
    python3 tools/neutral_lock.py --check-resolved
    uv sync --all-groups --locked --compile-bytecode
    git add uv.lock

# Run the tests; arguments go to pytest: `just test -m "not slow" packages/core`.
test *arguments:
    uv run pytest {{ arguments }}

# Run the tests, every process of theirs watched, and print what share of lines and branches they reach.
coverage *arguments:
    uv run coverage erase
    uv run coverage run -m pytest -n 2 {{ arguments }}
    uv run coverage combine -q
    uv run python -m hardening.branches

# Put small faults into metrics, splits, sampling and the conversion of boxes: which do the tests notice?
mutants *arguments:
    uv run --with 'mutmut>=3.8,<4' python -m hardening.mutants {{ arguments }}

# Say what ruff has against the code; change nothing.
lint:
    uv run ruff check
    uv run ruff format --check

# Check types, strictly.
types:
    uv run mypy
    git ls-files -- '*/conftest.py' | xargs -n 1 uv run mypy

# Mend what ruff can mend.
fix:
    uv run ruff check --fix
    uv run ruff format

# Take up new versions: everything, or the packages named (`just lock typer rich`).
lock *packages:
    uv lock {{ if packages == "" { "--upgrade" } else { replace_regex(packages, '(\S+)', '--upgrade-package $1') } }}
    uv sync --all-groups
    git diff --stat -- uv.lock

# Set the version of every package: `just version 0.2.0`.
version number:
    python3 tools/set_version.py {{ number }}
    uv lock

# Build the pages into dist/docs; a link that leads nowhere fails.
docs:
    uv run sphinx-build -q -W --keep-going -c docs/site -b html . dist/docs

# Run one benchmark of benchmarks/: `just bench NAME`.
bench name *arguments:
    uv run python -m benchmarks.{{ name }} {{ arguments }}

# What continuous integration runs.
ci:
    bash .ci/run
