"""The job doors: Celery distributes, the row decides what is next."""
