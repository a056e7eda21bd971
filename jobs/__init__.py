"""When: configuration, clock, schedule and command line; the only room that starts anything."""
