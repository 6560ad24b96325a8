"""`python -m ttsai_server` is the command `ttsai-server`."""

from ttsai_server.cli import main

if __name__ == "__main__":
    main()
