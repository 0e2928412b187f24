{{/* sesi.name names everything of the release. */}}
{{- define "sesi.name" -}}
{{- if contains "sesi" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-sesi" (.Release.Name | trunc 35 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* sesi.selector selects the operator's pods. The bots' policies know the operator by its name and component. */}}
{{- define "sesi.selector" -}}
app.kubernetes.io/name: sesi
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "sesi.labels" -}}
{{ include "sesi.selector" . }}
app.kubernetes.io/part-of: sesi
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "sesi.account" -}}
{{- .Values.serviceAccount.name | default (include "sesi.name" .) -}}
{{- end -}}

{{/* sesi.image is the image of a dict with the image's parts, the chart's version, and the value's name. */}}
{{- define "sesi.image" -}}
{{- if not .image.repository -}}
{{- fail (printf "%s.repository is empty: set it to where you pushed the image, for example --set image.repository=registry.example/sesi/operator --set bot.image.repository=registry.example/sesi/bot" .value) -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .version) -}}
{{- end -}}
{{- end -}}

{{/*
sesi.alone refuses a second operator over the same namespaces: each would change back what the other writes, and only one
of them holds the lease of its own namespace. An operator of the whole cluster meets every other one. Whoever installs for
some namespaces may not be allowed to look elsewhere, so only those are looked at.
*/}}
{{- define "sesi.alone" -}}
{{- $release := .Release -}}
{{- if .Values.watchNamespaces -}}
{{- range $namespace := .Values.watchNamespaces -}}
{{- range (lookup "rbac.authorization.k8s.io/v1" "RoleBinding" $namespace "").items -}}
{{- if and (eq "operator" (dig "metadata" "labels" "app.kubernetes.io/component" "" .)) (eq "sesi" (dig "metadata" "labels" "app.kubernetes.io/name" "" .)) (eq "Role" .roleRef.kind) (not (hasSuffix "-leader-election" .metadata.name)) -}}
{{- $other := dig "metadata" "annotations" "meta.helm.sh/release-name" "" . -}}
{{- $at := dig "metadata" "annotations" "meta.helm.sh/release-namespace" "" . -}}
{{- if and $other (or (ne $other $release.Name) (ne $at $release.Namespace)) -}}
{{- fail (printf "watchNamespaces: release %s in namespace %s serves %s already; a namespace has one operator" $other $at $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range (lookup "apps/v1" "Deployment" "" "").items -}}
{{- if and (eq "operator" (dig "metadata" "labels" "app.kubernetes.io/component" "" .)) (eq "sesi" (dig "metadata" "labels" "app.kubernetes.io/name" "" .)) -}}
{{- $other := dig "metadata" "labels" "app.kubernetes.io/instance" "" . -}}
{{- if or (ne $other $release.Name) (ne .metadata.namespace $release.Namespace) -}}
{{- fail (printf "watchNamespaces is empty, so this operator would serve the whole cluster, and Deployment %s in namespace %s serves a part of it or all of it already; remove that one, or give each its own watchNamespaces" .metadata.name .metadata.namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* sesi.subjects binds a role to the operator. */}}
{{- define "sesi.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "sesi.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* sesi.gateway.selector selects the gateway's pods, which the bots' policies let in. */}}
{{- define "sesi.gateway.selector" -}}
app.kubernetes.io/name: sesi
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "sesi.gateway.labels" -}}
{{ include "sesi.gateway.selector" . }}
app.kubernetes.io/part-of: sesi
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
