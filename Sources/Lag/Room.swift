// Lag
