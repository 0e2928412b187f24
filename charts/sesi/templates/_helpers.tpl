{{/* sesi.name names everything of the release. */}}
{{- define "sesi.name" -}}
{{- if contains "sesi" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-sesi" (.Release.Name | trunc 35 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/*
sesi.cluster names what is not in a namespace, so that releases in two namespaces share no name. A dot ends the namespace,
which has none.
*/}}
{{- define "sesi.cluster" -}}
{{- printf "%s.%s" .Release.Namespace (include "sesi.name" .) -}}
{{- end -}}

{{/* sesi.prefix goes before a name in a namespace, which other releases may serve too, unless it is the release's own. */}}
{{- define "sesi.prefix" -}}
{{- if ne .namespace .release.Namespace }}{{ .release.Namespace }}.{{ end -}}
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
sesi.alone refuses a second operator for the same namespaces, and a second one for the whole cluster: each would change back
what the other writes. An operator for some namespaces may be beside one for the whole cluster, which leaves those alone.
Whoever installs for some namespaces may not be allowed to look elsewhere, so only those are looked at.
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
{{- $args := (first .spec.template.spec.containers).args | default list -}}
{{- if and (or (ne $other $release.Name) (ne .metadata.namespace $release.Namespace)) (not (contains "--watch-namespaces=" (join " " $args))) -}}
{{- fail (printf "watchNamespaces is empty, so this operator would serve the whole cluster, and Deployment %s in namespace %s does so already; remove that one, or give one of them watchNamespaces" .metadata.name .metadata.namespace) -}}
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
