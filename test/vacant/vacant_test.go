package vacant_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"sesi.dev/sesi/test/vacant"
)

// A port that one process got is no other's.
func TestAPortIsGivenOnce(t *testing.T) {
	const many = 250
	if os.Getenv("SESI_ALL_PORTS") != "" {
		for range many {
			fmt.Println(vacant.Port(t))
		}
		return
	}
	seen := map[string]bool{}
	for range many {
		seen[strconv.Itoa(vacant.Port(t))] = true
	}
	for range 3 {
		other := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		other.Env = append(os.Environ(), "SESI_ALL_PORTS=yes")
		out, err := other.Output()
		if err != nil {
			t.Fatal(err)
		}
		for port := range strings.FieldsSeq(string(out)) {
			if seen[port] {
				t.Errorf("another process got the port %s too", port)
			}
		}
	}
	if len(seen) != many {
		t.Errorf("%d ports were given, want %d", len(seen), many)
	}
}
