"""From job ids to recorded results: the Celery worker, the pipeline and the engine."""
