"""Writes a first corpus for fuzz_settings from the configuration files: seeds_settings.py DIRECTORY."""
import pathlib
import sys


OPTIONS = """schedule = ( { name = "a"; task = "t"; crontab = "*/5 8-18 * * mon-fri"; queue = "q"; expires = "30s"; priority = 9;
    headers = "{\\"k\\": [1]}"; time_limit_s = 60; soft_time_limit_s = 50; catch_up = "all"; enabled = false; } );
"""


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "options.conf").write_text(OPTIONS)
    for path in (pathlib.Path(__file__).resolve().parents[2] / "config").glob("*.conf"):
        text = path.read_text().replace("America/New_York", "UTC")  # loads a hundred times faster
        (directory / path.name).write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
