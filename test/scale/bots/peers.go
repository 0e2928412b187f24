package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"sesi.dev/sesi/test/chromium"
)

// peerPhone is the account that Baileys links; its program has the same constant.
const peerPhone = "6285550000001"

const (
	kindBaileys  = "Baileys"
	kindChromium = "headless Chromium"
)

// startPeers starts what people would run instead. It returns what it started even with an error.
func startPeers(ctx context.Context, s settings, wa *whatsApp, dir string) (peers []*process, err error) {
	if s.baileys != "" {
		say("linking %d of Baileys", s.peers)
		// Baileys drops what arrives within a millisecond of its handshake, which never happens with a distant server.
		if err := wa.call(ctx, http.MethodPost, "/fault", map[string]any{"kind": "slow_login", "ms": 50}); err != nil {
			return nil, err
		}
		for range s.peers {
			p, err := startBaileys(ctx, s.baileys, wa)
			if p != nil {
				peers = append(peers, p)
			}
			if err != nil {
				return peers, err
			}
		}
		if err := wa.call(ctx, http.MethodDelete, "/fault", nil); err != nil {
			return peers, err
		}
	}
	if cmd, err := chromium.Command(ctx, filepath.Join(dir, "chromium")); err == nil {
		p, err := startProcess(kindChromium, cmd, func([]byte) {})
		if err != nil {
			return peers, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

func startBaileys(ctx context.Context, folder string, wa *whatsApp) (*process, error) {
	cmd := exec.CommandContext(ctx, "node", "idle.mjs", wa.control)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+wa.ca)
	open := make(chan struct{})
	first := true
	p, err := startProcess(kindBaileys, cmd, func(line []byte) {
		if first && string(line) == "open" {
			first = false
			close(open)
		}
	})
	if err != nil {
		return nil, err
	}
	return p, p.await(open, "its login")
}
