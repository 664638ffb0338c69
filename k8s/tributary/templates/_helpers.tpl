{{- define "tributary.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of everything; takes a dict of root and component. */}}
{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tributary.selector" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tributary.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "tributary.genesisConfigMap" -}}
{{- if and .Values.genesis.existingConfigMap .Values.genesis.document -}}
{{- fail "genesis.existingConfigMap and genesis.document exclude each other" -}}
{{- else if .Values.genesis.existingConfigMap -}}
{{- .Values.genesis.existingConfigMap -}}
{{- else if .Values.genesis.document -}}
{{- include "tributary.fullname" . }}-genesis
{{- else -}}
{{- fail "the network needs a genesis document: set genesis.existingConfigMap, or --set-file genesis.document=genesis.json" -}}
{{- end -}}
{{- end -}}

{{/* Every validator's address on a port, as multiaddresses by name: pods keep their names when they move. */}}
{{- define "tributary.peers" -}}
{{- $name := include "tributary.fullname" .root -}}
{{- $peers := list -}}
{{- range $number := until (int .root.Values.validators) -}}
{{- $peers = append $peers (printf "/dns4/%s-%d.%s-headless.%s.svc/tcp/%d" $name $number $name $.root.Release.Namespace (int $.port)) -}}
{{- end -}}
{{- join "," $peers -}}
{{- end -}}

{{/* What consensus bears: fewer than a third. A single validator may be drained, and the network then rests. */}}
{{- define "tributary.maxUnavailable" -}}
{{- if kindIs "invalid" .Values.maxUnavailable -}}
{{- max 1 (div (sub (int .Values.validators) 1) 3) -}}
{{- else -}}
{{- .Values.maxUnavailable -}}
{{- end -}}
{{- end -}}

{{- define "tributary.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tributary.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A setting as the environment has it. Numbers of values.yaml are floating, and would be written with an exponent. */}}
{{- define "tributary.setting" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "string" . -}}
{{- . -}}
{{- else -}}
{{- int64 . -}}
{{- end -}}
{{- end -}}
