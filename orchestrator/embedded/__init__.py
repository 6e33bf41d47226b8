"""Everything on one computer: a real Redis-speaking server and the same processes that compose starts."""
