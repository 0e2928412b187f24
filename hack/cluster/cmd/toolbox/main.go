// Command toolbox is what tests run inside pods: a tiny HTTP server and client, and a DNS look-up. It never ships.
//
//	toolbox serve ADDRESS
//	toolbox collect ADDRESS
//	toolbox get [-cacert FILE] [-insecure] [-header "NAME: VALUE"]... URL
//	toolbox lookup NAME
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// patience bounds every request and look-up, so that a probe of a black hole ends.
const patience = 10 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "toolbox:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: toolbox serve ADDRESS | collect ADDRESS | get [FLAGS] URL | lookup NAME")
	}
	switch args[0] {
	case "serve":
		return serve(args[1])
	case "collect":
		return collect(args[1])
	case "get":
		return get(args[1:])
	case "lookup":
		return lookup(args[1])
	}
	return fmt.Errorf("no command named %q", args[0])
}

// serve answers every request with its host's name, which in a pod is the pod's name.
func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	fmt.Println("listening on", address)
	server := &http.Server{
		Addr:              address,
		ReadHeaderTimeout: patience,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, name)
		}),
	}
	return server.ListenAndServe()
}

// maxCollected bounds what collect keeps, and one request.
const maxCollected = 1 << 20

// collect takes requests like a receiver of webhooks: it keeps the path, the signature and the body of each POST, and a
// GET answers with all of them, one a line.
func collect(address string) error {
	var mu sync.Mutex
	var kept bytes.Buffer
	fmt.Println("listening on", address)
	server := &http.Server{
		Addr:              address,
		ReadHeaderTimeout: patience,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, maxCollected))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case r.Method == http.MethodGet:
				_, _ = w.Write(kept.Bytes())
			case err != nil || kept.Len()+len(body) > maxCollected:
				http.Error(w, "no room", http.StatusInsufficientStorage)
			default:
				fmt.Fprintf(&kept, "%s\t%s\t%s\n", r.URL.Path, r.Header.Get("webhook-signature"), bytes.ReplaceAll(body, []byte("\n"), nil))
			}
		}),
	}
	return server.ListenAndServe()
}

// get prints the status line and the body. Any answer is a success, so that a 401 differs from silence.
func get(args []string) error {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	roots := flags.String("cacert", "", "PEM `file` of the only certificates to trust")
	insecure := flags.Bool("insecure", false, "trust any certificate")
	header := http.Header{}
	flags.Func("header", "request header as `NAME: VALUE`; may be given again", func(line string) error {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errors.New("want NAME: VALUE")
		}
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	config := &tls.Config{InsecureSkipVerify: *insecure}
	if *roots != "" {
		pem, err := os.ReadFile(*roots)
		if err != nil {
			return err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate", *roots)
		}
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config}}
	request, err := http.NewRequest(http.MethodGet, flags.Arg(0), nil)
	if err != nil {
		return err
	}
	request.Header = header
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println(response.Proto, response.Status)
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func lookup(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(addresses, " "))
	return nil
}
