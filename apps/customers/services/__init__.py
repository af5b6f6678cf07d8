"""Use-cases of customers: pass an account on, keep its contracts, record how it does, open its renewals."""
