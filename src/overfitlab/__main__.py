"""`python -m overfitlab`."""

from overfitlab.cli.main import main

if __name__ == "__main__":
    main()
