// Package waha holds programs of a client that is generated from WAHA's own OpenAPI document, for tests of cmd/bot and of
// gateway. The document is not part of the tree: WAHA_OPENAPI names it.
package waha
