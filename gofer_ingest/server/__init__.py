"""The Tornado server: it takes notebooks into the spool and needs nothing but a disk to do so."""
