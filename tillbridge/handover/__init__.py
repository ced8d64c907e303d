"""Files taken from SFTP folders, once each, and the failures found in them that people are told of."""
