//go:build simulator

package main

import (
	"encoding/hex"
	"errors"
	"os"
	"strings"

	"go.mau.fi/whatsmeow"
)

// trustSimulator makes a test build accept a simulated WhatsApp whose Noise root is WHATSAPP_NOISE_ROOT.
func trustSimulator() error {
	value := os.Getenv("WHATSAPP_NOISE_ROOT")
	if value == "" {
		return nil
	}
	root, err := hex.DecodeString(strings.TrimSpace(value)) // a file ends with a newline
	if err != nil || len(root) != len(whatsmeow.WACertPubKey) {
		return errors.New("WHATSAPP_NOISE_ROOT: want 64 hex digits")
	}
	copy(whatsmeow.WACertPubKey[:], root)
	return nil
}
