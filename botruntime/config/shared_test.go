package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A secret that every user of the machine can read is no secret from them.
func TestFilesThatOthersReadAreAWarning(t *testing.T) {
	marks := containerMarks
	t.Cleanup(func() { containerMarks = marks })
	containerMarks = nil // this test may run in a container
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("API_TOKEN="+token+"\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		return path
	}
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o604: true} {
		file(".env", mode)
		c, err := Load(nil, dir)
		if err != nil || strings.Contains(strings.Join(c.Warnings, "\n"), "chmod 600 "+filepath.Join(dir, ".env")) != warns {
			t.Errorf(".env with mode %o: warnings %q, %v", mode, c.Warnings, err)
		}
		for _, name := range []string{"API_TOKEN_FILE", "WEBHOOKS_FILE", "TLS_KEY_FILE"} {
			environ := []string{name + "=" + file("secret", mode)}
			if name == "TLS_KEY_FILE" {
				environ = append(environ, "TLS_CERT_FILE=/c", "API_TOKEN="+token)
			}
			c, err = Load(environ, "")
			if err != nil || strings.Contains(strings.Join(c.Warnings, "\n"), name+": every user") != warns {
				t.Errorf("%s with mode %o: warnings %q, %v", name, mode, c.Warnings, err)
			}
		}
		containerMarks = []string{filepath.Join(dir, "secret")}
		c, err = Load([]string{"API_TOKEN_FILE=" + file("secret", mode)}, "")
		if containerMarks = nil; err != nil || len(c.Warnings) > 0 {
			t.Errorf("in a container: warnings %q, %v", c.Warnings, err)
		}
		c, err = Load([]string{"KUBERNETES_SERVICE_HOST=10.0.0.1", "API_TOKEN_FILE=" + file("secret", mode)}, "")
		if err != nil || len(c.Warnings) > 0 {
			t.Errorf("in a pod: warnings %q, %v", c.Warnings, err)
		}
	}
}
