package gateway_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// noNode is install.sh's exit code where there is no Node.
const noNode = 3

// A whatsapp-web.js program reaches its session through the gateway: it is told what comes, and answers.
func TestAProgramOfWhatsAppWebJS(t *testing.T) {
	t.Parallel()
	const shop, customer = "628123456789", "628111000001"
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "../clients/wwebjs/install.sh").CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == noNode {
		t.Skip(strings.TrimSpace(string(out)))
	}
	if err != nil {
		t.Fatalf("install the package: %v\n%s", err, out)
	}
	program := filepath.Join(dir, "bot")
	if out, err = exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-o", program, "../cmd/bot").CombinedOutput(); err != nil {
		t.Fatalf("build the bot: %v\n%s", err, out)
	}
	wa, namespace, g := simtest.Start(t, sim.Config{}), newNamespace(t), newGateway(t)
	key := newKey(t, namespace, "read,send,link,control")
	f := newSession(t, namespace, "shop", nil)
	realBot(t, f, program, wa)
	f.setState(bot.StatePairing, v1alpha1.ReasonPodRunning)

	echo, err := filepath.Abs("../clients/wwebjs/test/programs/echo.js")
	must(t, err)
	node := exec.CommandContext(t.Context(), "node", echo)
	node.Dir = dir
	node.Env = append(os.Environ(), "SESI_URL="+g.url, "SESI_SESSION="+namespace+"/shop", "SESI_KEY="+key, "TOLD="+filepath.Join(dir, "told"))
	said := &lines{}
	node.Stdout, node.Stderr = said, said
	must(t, node.Start())
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait() // it was killed
		if t.Failed() {
			t.Logf("the program said: %s", said)
		}
	})
	c := botclient.Client{BaseURL: g.url + bot.GatewayPath(namespace, "shop"), Token: key}
	wait(t, "a code", func() bool {
		code, ok, err := c.Code(t.Context())
		if err != nil || !ok {
			return false
		}
		_, err = wa.Scan(t.Context(), code.Code.Code, shop)
		return err == nil
	})
	wait(t, "the program to be ready", func() bool { return strings.Contains(said.String(), "ready") })
	_, err = wa.Person(customer).Write(types.NewJID(shop, types.DefaultUserServer), "halo")
	must(t, err)
	wa.WaitText(t, customer, "jawab halo")
	if strings.Contains(said.String(), key) {
		t.Error("the program's output has the key")
	}
}
