"""The shared kernel: money, periods, errors, policies on routes, append-only tables. No models, no domain."""
