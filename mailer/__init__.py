"""What is said: mails read, understood and answered; letters written, queued and submitted."""
