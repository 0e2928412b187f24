package main

import (
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/hack/wasim/sim"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7443", "TLS/websocket listener")
	ctl := flag.String("control", "127.0.0.1:7080", "HTTP control API, also a CONNECT proxy")
	dir := flag.String("dir", "wasim-data", "where ca.pem and noise-root.hex are written (and kept)")
	state := flag.String("state", "", "state file (devices survive a restart)")
	qr1 := flag.Duration("qr-first", time.Minute, "lifetime of the first QR ref")
	qrn := flag.Duration("qr-next", 20*time.Second, "lifetime of each next QR ref")
	delay := flag.Duration("close-delay", 100*time.Millisecond, "between a stream:error/failure and the close (negative: none, provokes whatsmeow's race)")
	minVer := flag.String("min-version", "", "e.g. 2.3000.1099999999: older clients get failure 405")
	mode := flag.String("addressing", "pn", "pn or lid: how contacts' messages are addressed")
	verbose := flag.Bool("v", false, "log every node")
	flag.Parse()
	cfg := sim.Config{Addr: *addr, Dir: *dir, StateFile: *state, QRFirst: *qr1, QRNext: *qrn, AddrMode: *mode, CloseDelay: *delay, Verbose: *verbose}
	if *minVer != "" {
		v, err := store.ParseVersion(*minVer)
		if err != nil {
			log.Fatal(err)
		}
		cfg.MinVer = v
	}
	s, err := sim.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err = s.Start(); err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", *ctl)
	if err != nil {
		log.Fatal(err)
	}
	root := s.NoiseRootPub()
	fmt.Printf("wasim ws=%s control=http://%s ca=%s noise_root=%s\n", s.Addr(), ln.Addr(), filepath.Join(*dir, "ca.pem"), hex.EncodeToString(root[:]))
	go func() {
		for range time.Tick(2 * time.Second) {
			if err := s.SaveState(); err != nil {
				log.Print(err)
			}
		}
	}()
	go func() {
		ch := make(chan os.Signal, 1)
		signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
		<-ch
		s.Close()
		os.Exit(0)
	}()
	log.Fatal((&http.Server{Handler: s.Control()}).Serve(ln))
}
