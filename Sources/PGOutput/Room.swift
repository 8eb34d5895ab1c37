// PGOutput
