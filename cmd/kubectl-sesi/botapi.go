package main

import (
	"context"
	"errors"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// maxHeader bounds an answer's header, because a bot's image is the user's and may send any.
const maxHeader = 16 << 10

// maxLine bounds the line for a browser's console.
const maxLine = 16 << 10

// botAPI is the API of one bot, reached through the API server. Its errors and snapshots are safe to print.
type botAPI struct {
	client client.Client
	tunnel *tunnel
}

// bot opens a tunnel to a session's bot; the caller closes it.
func (c *cluster) bot(ctx context.Context, s *v1alpha1.WhatsAppSession) (*botAPI, error) {
	pod, err := c.pod(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.reach(pod, naming.PortPlain)
}

// reach opens a tunnel to one port of a pod; the caller closes it.
func (c *cluster) reach(pod *corev1.Pod, port int32) (*botAPI, error) {
	t, err := openTunnel(c.config, pod, port)
	if err != nil {
		return nil, err
	}
	return &botAPI{tunnel: t, client: client.Client{
		BaseURL: "http://localhost", Language: "en", UserAgent: "kubectl-sesi/" + version,
		Transport: &http.Transport{DialContext: t.dial, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader},
	}}, nil
}

func (b *botAPI) close() { b.tunnel.close() }

// get returns the answer to a GET request; the caller closes its body.
func (b *botAPI) get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	answer, err := b.client.Request(ctx, http.MethodGet, path, nil, header)
	return answer, readable(err)
}

// do asks the bot to do one thing, and returns what it says that it did.
func (b *botAPI) do(ctx context.Context, method, path string) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var done bot.Done
	err = b.client.Do(ctx, method, path, nil, &done)
	return printable(done.Message), readable(err)
}

// code returns the current code; live is false if there is none.
func (b *botAPI) code(ctx context.Context) (code bot.Code, live bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, live, err := b.client.Code(ctx)
	return answer.Code, live, readable(err)
}

// pair asks for a code to type into the phone with that number.
func (b *botAPI) pair(ctx context.Context, phone string) (bot.PairingCode, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	code, err := b.client.Pair(ctx, phone)
	return code, readable(err)
}

// passkey says what a linking with a passkey waits for; asked is false if none is under way.
func (b *botAPI) passkey(ctx context.Context) (info bot.Passkey, asked bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, asked, err = b.client.Passkey(ctx)
	info.Code, info.Console = printable(info.Code), bot.Printable(info.Console, maxLine)
	return info, asked, readable(err)
}

// watch calls see with each snapshot until see returns false, ctx ends or the bot ends the stream.
func (b *botAPI) watch(ctx context.Context, see func(bot.Snapshot) (more bool, err error)) error {
	return readable(b.client.Watch(ctx, func(snap bot.Snapshot) (bool, error) {
		snap.Message, snap.JID = printable(snap.Message), printable(snap.JID)
		return see(snap)
	}))
}

// watchUntil is watch for what must be seen before ctx ends; late says that it was not.
func (b *botAPI) watchUntil(ctx context.Context, late string, see func(bot.Snapshot) (more bool, err error)) error {
	seen := false
	err := b.watch(ctx, func(snap bot.Snapshot) (bool, error) {
		more, err := see(snap)
		seen = seen || !more && err == nil
		return more, err
	})
	if !seen && ctx.Err() != nil && (err == nil || errors.Is(ctx.Err(), context.DeadlineExceeded)) {
		return errors.New(late)
	}
	return err
}

// readable returns an error without what could control a terminal: its text may be the bot's.
func readable(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(printable(err.Error()))
}
