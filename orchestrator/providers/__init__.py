"""Vendors' API families: each speaks its vendor's words and answers in ours."""
