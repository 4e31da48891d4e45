"""The executor that imports the heavy libraries once, before its workers fork."""
