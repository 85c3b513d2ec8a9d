"""One adapter a service of AWS; each gets its client from outside."""
