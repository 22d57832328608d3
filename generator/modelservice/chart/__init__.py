"""The files of a Helm chart, and what helm makes of them."""
