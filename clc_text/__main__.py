"""``python -m clc_text``: the command where its script is not on the path."""

from clc_text.cli import main

if __name__ == "__main__":
    main()
