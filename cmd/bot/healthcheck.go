package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
)

const healthTimeout = 3 * time.Second

// healthcheck asks the running bot whether it is alive.
func healthcheck(ctx context.Context, p program) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	host := p.cfg.MetricsHost
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, strconv.Itoa(p.cfg.MetricsPort))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+bot.PathLive, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}} // no proxy: the bot is on this machine
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the bot at %s does not answer: %w", address, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the bot at %s is unhealthy: %s", address, response.Status)
	}
	return nil
}
