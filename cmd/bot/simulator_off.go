//go:build !simulator

package main

// trustSimulator does nothing in a bot that is meant for WhatsApp: no setting can make it trust anyone else.
func trustSimulator() error { return nil }
