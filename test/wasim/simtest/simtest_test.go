package simtest_test

import (
	"context"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestPairAndLogIn(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	s.TrustRoot()
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	s.Point(client)
	t.Cleanup(client.Disconnect)
	codes := make(chan string, 1)
	connected := make(chan struct{}, 1)
	client.AddEventHandler(func(event any) {
		switch e := event.(type) {
		case *events.QR:
			codes <- e.Codes[0]
		case *events.Connected:
			connected <- struct{}{}
		}
	})
	if err := client.Connect(); err != nil {
		t.Fatalf("connect: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case code := <-codes:
		if _, err := s.Scan(ctx, code, "5511911112222"); err != nil {
			t.Fatalf("scan: %v", err)
		}
	case <-ctx.Done():
		t.Fatal("no QR code")
	}
	select {
	case <-connected:
	case <-ctx.Done():
		t.Fatal("not connected after the scan")
	}
}
