"""What takes longer than a test may: measurements, fuzzing, and faults by the hundred."""
