"""Package charts, and publish them to chart repositories."""
