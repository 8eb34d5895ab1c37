// Batching
