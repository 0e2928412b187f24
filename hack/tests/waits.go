package main

// waits says what the slowest tests wait for, by package and test.
var waits = map[string]string{}
