// Package resources builds what a WhatsAppSession needs in the cluster: its pod, claim, Secret, Service and
// NetworkPolicy, and decides what can be told from objects alone. It never reads or writes the cluster.
package resources
