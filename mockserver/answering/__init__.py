"""The answer to an admitted request: from a fixture, generated, from an auxiliary endpoint or a job."""
