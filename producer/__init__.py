"""What comes in and goes out: the command line, intake, export, and one machine's services."""
