"""The documentation: pages, what is generated for them, and what checks them. `make docs` builds it."""
