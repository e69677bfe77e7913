"""What the whole-program tests and the benchmarks are made of: servers, clients, content."""
