// Command demo shows what Sesi does, against a simulated WhatsApp: on this machine alone, or on a Kubernetes cluster. It
// reaches no real WhatsApp.
//
//	demo machine    builds a bot and the simulated WhatsApp, tells the story, and leaves both running
//	demo cluster    the same with the operator on a cluster; CLUSTER=kind, context or build chooses it
//	demo down       ends what either left running and removes all that it made
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "   %s✗ %v%s\n", red, err, plain)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context) error{"machine": onMachine, "cluster": demoCluster, "down": down}
	if len(args) != 1 || commands[args[0]] == nil {
		return errors.New("usage: demo machine|cluster|down")
	}
	return commands[args[0]](ctx)
}
