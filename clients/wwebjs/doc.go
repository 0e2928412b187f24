// Package wwebjs holds no Go code. Its folder is the npm package sesi-wwebjs, which runs programs of whatsapp-web.js on a
// bot; its test runs the package's own tests against a real bot and the simulated WhatsApp.
package wwebjs
