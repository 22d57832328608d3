"""The files of a Helm chart, and the manifests that helm renders from it."""
