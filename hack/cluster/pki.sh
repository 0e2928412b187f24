#!/usr/bin/env bash
# pki.sh: makes the cluster's authority, its certificates and a kubeconfig for each client.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
umask 077
mkdir -p "$pki"
cd "$pki"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
certificate() { # NAME SUBJECT [ALTERNATIVE-NAMES]
  key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" | openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
    -extfile <(printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=clientAuth,serverAuth ${3:+subjectAltName=$3}) 2>/dev/null
}
kubeconfig() { # NAME PORT: all of it in one file, so that it can be carried anywhere
  cat >"$run/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $name, cluster: {server: "https://127.0.0.1:$2", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
contexts: [{name: $name, context: {cluster: $name, user: $1}}]
current-context: $name
YAML
}

key ca.key
openssl req -x509 -new -key ca.key -subj "/CN=sesi-$name" -days 3650 -out ca.crt \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature
key service-account.key
openssl ec -in service-account.key -pubout -out service-account.pub 2>/dev/null
certificate apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$node_ip,IP:$api_service_ip"
certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
certificate admin /O=system:masters/CN=admin
certificate controller-manager /CN=system:kube-controller-manager
certificate scheduler /CN=system:kube-scheduler
certificate proxy /CN=system:kube-proxy
certificate kubelet "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$node_ip"
for client in controller-manager scheduler proxy kubelet; do kubeconfig $client 6443; done
kubeconfig admin "$api_port"
sed "s/127.0.0.1:$api_port/127.0.0.1:6443/" "$run/admin.kubeconfig" >"$run/inside.kubeconfig"
