package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
)

// Names of the port-forwards that the demonstration leaves running, so that a browser reaches the cluster.
const (
	phoneForward = "phone-forward"
	deskForward  = "desk-forward"
)

// gatewayName is the name of the gateway's Deployment and Service.
const gatewayName = "sesi-gateway"

// keyName is the name of the Secret of the demonstration's API key.
const keyName = "demo"

// desk is the gateway as a person reaches it: its address on this machine, and an API key.
type desk struct{ address, key string }

// forward starts a kubectl port-forward that outlives the demonstration, and waits until the path answers. It returns the
// address on this machine.
func (at *onCluster) forward(ctx context.Context, name, space, target, port, preferred, path string) (string, error) {
	local, err := freePort(preferred)
	if err != nil {
		return "", err
	}
	log := filepath.Join(at.folder, name+".log")
	kubectl, err := at.program()
	if err != nil {
		return "", err
	}
	p, err := launch(filepath.Join(at.folder, name+".pid"), at.folder, log, at.environment(), kubectl,
		"--namespace", space, "port-forward", target, local+":"+port)
	if err != nil {
		return "", err
	}
	address := "http://127.0.0.1:" + local
	return address, eventually(ctx, 30*time.Second, target, func(ctx context.Context) error {
		if !p.runs() {
			return fmt.Errorf("its port-forward has ended; its log is %s", log)
		}
		return call(ctx, http.MethodGet, address+path, nil, nil)
	})
}

// endForwards ends the port-forwards of an earlier run.
func endForwards(folder string) error { return endAll(folder, phoneForward, deskForward) }

// openDesk makes an API key that may do everything, and a port-forward to the gateway.
func (at *onCluster) openDesk(ctx context.Context) error {
	key := apikey.New()
	secret, err := apikey.Build(apikey.Key{Namespace: sessionSpace, Name: keyName, Sum: apikey.SumOf(key), Verbs: apikey.Verbs})
	if err != nil {
		return fmt.Errorf("make an API key: %w", err)
	}
	secret.APIVersion, secret.Kind = "v1", "Secret"
	manifest, err := json.Marshal(secret)
	if err != nil {
		return fmt.Errorf("make an API key: %w", err)
	}
	commandLine("kubectl sesi apikey create " + keyName + " --verbs read,send,link,control,manage")
	if err := at.apply(ctx, string(manifest)); err != nil {
		return err
	}
	commandLine("kubectl -n " + operatorSpace + " port-forward svc/" + gatewayName + " 8080:80")
	address, err := at.forward(ctx, deskForward, operatorSpace, "svc/"+gatewayName, "80", "8080", "/health")
	if err != nil {
		return err
	}
	at.desk = desk{address, key}
	// A gateway learns of a new key by its watch.
	return eventually(ctx, 20*time.Second, "the gateway to know the key", func(ctx context.Context) error {
		return at.desk.call(ctx, http.MethodGet, "/v1/sessions", nil, nil)
	})
}

func (d desk) call(ctx context.Context, method, path string, body, into any) error {
	return callAs(ctx, http.Header{"X-Api-Key": {d.key}}, method, d.address+path, body, into)
}

// path is the address of the session's own API at the gateway.
func (d desk) path(of string) string {
	return "/v1/namespaces/" + sessionSpace + "/sessions/" + sessionName + of
}

// scan lets the phone scan the code that the gateway shows.
func (at *onCluster) scan(ctx context.Context) error {
	commandLine("curl -H \"X-Api-Key: $KEY\" " + at.desk.address + at.desk.path(bot.PathCode))
	var code bot.Code
	err := eventually(ctx, time.Minute, "a current code", func(ctx context.Context) error {
		if err := at.desk.call(ctx, http.MethodGet, at.desk.path(bot.PathCode), nil, &code); err != nil {
			return err
		}
		if code.Code == "" {
			return errors.New("the answer has no code")
		}
		return nil
	})
	if err != nil {
		return err
	}
	tell(`{"code":"%.12s…", …}   the simulated phone scans it`, code.Code)
	return at.wa.scan(ctx, code.Code)
}

// sendFromDesk sends a message to the customer through the gateway, and waits until it is on the phone.
func (at *onCluster) sendFromDesk(ctx context.Context, s *story) error {
	step("One address for all sessions: the gateway")
	const text = "Terima kasih! Pesanan siap."
	tell("gateway:      %s", text)
	if err := at.desk.call(ctx, http.MethodPost, at.desk.path("/messages"), map[string]string{"to": "+" + customer, "text": text}, nil); err != nil {
		return err
	}
	if err := s.chat.awaitText(ctx, text); err != nil {
		return err
	}
	achieved("the customer's phone has it")
	return nil
}
