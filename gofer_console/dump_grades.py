"""`python -m gofer_console.dump_grades`: `grades.csv` in the volume, in its classic columns."""

from __future__ import annotations

import sys

from gofer_console.dump import dump_grades
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError, GoferError


def main() -> int:
    """Write the file and say where it is; return the exit code."""
    try:
        settings = read_settings(ConsoleSettings)
        path, rows = dump_grades(settings.volume_path, settings.database_url)
    except GoferError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    sys.stdout.write(f"{rows} graded submission{'s' * (rows != 1)} in {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
