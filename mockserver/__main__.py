"""`python -m mockserver` is `mockserver`."""

from mockserver.cli.main import main

if __name__ == "__main__":
    main(prog_name="mockserver")
