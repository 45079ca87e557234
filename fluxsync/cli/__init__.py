"""The command line: asks `app`, and shows what comes back."""
