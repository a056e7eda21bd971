"""Mail coming in: from bytes in a mailbox to a change in the network and an answer."""
