"""What a job is: words, statuses, errors. Standard library only; imports nothing of ours."""
