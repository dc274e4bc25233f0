"""What a job is, where it is recorded and how it is announced."""
