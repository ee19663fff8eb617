"""The entry point of `python -m mockserver`, the same as that of `mockserver`."""

from mockserver.cli.main import main

if __name__ == "__main__":
    main(prog_name="mockserver")
