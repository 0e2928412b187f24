// Package mediahost plays WhatsApp's media hosts: it keeps files, takes uploads and serves downloads. It knows nothing
// of chats; who may upload is said by the simulator that it belongs to.
package mediahost
