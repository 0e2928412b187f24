//go:build tools

// Package tools pins the storage provisioner that build.sh builds. It shares its Kubernetes packages with the name
// server, so that they are compiled once for both.
package tools

import _ "github.com/rancher/local-path-provisioner"
