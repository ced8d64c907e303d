"""What people are told of failures: the report in every format, and the mails it goes out in."""
