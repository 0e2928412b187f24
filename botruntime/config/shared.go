package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ownFolder is where container engines put secrets; only the container's own processes reach it.
const ownFolder = "/run/secrets/"

// containerMarks are files that container engines put into every container.
var containerMarks = []string{"/.dockerenv", "/run/.containerenv"}

// shared warns of files with secrets that every user of this machine can read. In a container nobody else can.
func shared(c *Config, real map[string]string, dotenvDir string, dotenv map[string]entry) {
	if real["KUBERNETES_SERVICE_HOST"] != "" || slices.ContainsFunc(containerMarks, exists) {
		return
	}
	files := map[string]string{"API_TOKEN_FILE": c.APITokenFile, "TLS_KEY_FILE": c.TLSKeyFile, "WEBHOOKS_FILE": c.WebhooksFile}
	for _, v := range variables {
		if v.secret && dotenv[v.name].value != "" {
			files[dotenvName] = filepath.Join(dotenvDir, dotenvName)
		}
	}
	for _, name := range []string{"API_TOKEN_FILE", "TLS_KEY_FILE", "WEBHOOKS_FILE", dotenvName} {
		path := files[name]
		if path == "" || strings.HasPrefix(path, ownFolder) {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: every user of this machine can read the secrets in %s; chmod 600 %s", name, path, path))
		}
	}
}
