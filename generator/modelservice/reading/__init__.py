"""Bytes into data and positions, as Helm reads them."""
