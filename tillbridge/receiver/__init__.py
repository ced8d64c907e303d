"""The HTTP receiver of TLogs: what a till posts is on SFTP before the till is told so."""
