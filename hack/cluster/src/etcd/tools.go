//go:build tools

// Package tools pins the etcd server that build.sh builds; etcd's own go.mod has replacements, so that "go install"
// of a version refuses it.
package tools

import _ "go.etcd.io/etcd/server/v3"
