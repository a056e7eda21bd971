"""Who: members, organisations, coordinators, meetings, and the proof of their consent."""
