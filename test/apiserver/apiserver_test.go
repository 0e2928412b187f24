package apiserver_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"sesi.dev/sesi/test/apiserver"
)

// TestASignalLeavesNoAPIServer ends a test program that has started an API server, by a signal to its process group.
func TestASignalLeavesNoAPIServer(t *testing.T) {
	if os.Getenv("SESI_TO_BE_ENDED") != "" {
		environment, _ := apiserver.Strict(t)
		fmt.Println("started", strings.TrimPrefix(environment.Config.Host, "https://"), environment.ControlPlane.Etcd.URL.Host)
		<-t.Context().Done()
		return
	}
	tests := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	tests.Env = append(os.Environ(), "SESI_TO_BE_ENDED=yes")
	tests.Stderr = os.Stderr
	tests.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := tests.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tests.Start(); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for lines := bufio.NewScanner(out); len(addresses) == 0 && lines.Scan(); {
		if list, found := strings.CutPrefix(lines.Text(), "started "); found {
			addresses = strings.Fields(list)
		}
	}
	if err := syscall.Kill(-tests.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := tests.Wait(); err == nil {
		t.Error("a program that a signal ended succeeded")
	}
	if len(addresses) != 2 {
		t.Fatalf("the program started %q, want an API server and etcd", addresses)
	}
	for _, address := range addresses {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			t.Errorf("something still listens at %s", address)
		}
	}
}
