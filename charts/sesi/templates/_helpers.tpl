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

{{/* sesi.image is the image of a dict with the image's parts and the chart's version. */}}
{{- define "sesi.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .version) -}}
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
