// Package resources builds the objects of a WhatsAppSession: its pod, claim, Service and NetworkPolicy. It also decides
// what follows from objects alone. It never reads or writes the cluster.
package resources
