// Package waha holds a client that is generated from WAHA's own OpenAPI document, for a test of cmd/bot. The document is
// not part of the tree: WAHA_OPENAPI names it.
package waha
