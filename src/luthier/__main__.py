"""`python -m luthier`: the command line where the command `luthier` is not on the path."""

from luthier.apps.cli.main import main

if __name__ == "__main__":  # other processes of a run import this file, too
    main()
