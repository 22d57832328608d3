{{/* Of each field that is set, what its schema says: (dict "fields" … "schema" …). */}}
{{- range $key, $value := .fields -}}
{{- include "modelservice.schema" (dict "schema" (index $.schema.properties $key) "value" $value "path" $key "definitions" $.schema.definitions) -}}
{{- end }}

{{/*
What a schema says of a value: (dict "schema" … "value" … "path" … "definitions" …). Prints a problem a line. It knows the keywords
of draft-07 that values.optional.schema.json has.
*/}}
{{- define "modelservice.schema" -}}
{{- $schema := .schema -}}
{{- with get $schema "$ref" -}}
{{- include "modelservice.schema" (set (omit $ "schema") "schema" (get $.definitions (trimPrefix "#/definitions/" .))) -}}
{{- else -}}
{{- $type := include "modelservice.schema.type" $.value -}}
{{- $types := $schema.type | default (list $type) -}}
{{- $types = kindIs "string" $types | ternary (list $types) $types -}}
{{- if has $type (has "number" $types | ternary (append $types "integer") $types) -}}
{{- if eq $type "object" }}{{ include "modelservice.schema.object" $ }}{{ end -}}
{{- if eq $type "array" }}{{ include "modelservice.schema.array" $ }}{{ end -}}
{{- if eq $type "string" }}{{ include "modelservice.schema.string" $ }}{{ end -}}
{{- if has $type (list "integer" "number") }}{{ include "modelservice.schema.number" $ }}{{ end -}}
{{- include "modelservice.schema.combined" $ -}}
{{- else }}
{{ $.path }}: is of type {{ $type }}; wants {{ join " or " $types }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A value's type, as JSON names it. Helm 3.18.0 hands numbers over as text of a type of its own. */}}
{{- define "modelservice.schema.type" -}}
{{- if typeIs "string" . }}string
{{- else if kindIs "map" . }}object
{{- else if kindIs "slice" . }}array
{{- else if kindIs "bool" . }}boolean
{{- else if kindIs "invalid" . }}null
{{- else if eq (toString . | floor) (toString . | float64) }}integer
{{- else }}number
{{- end -}}
{{- end }}

{{/* A map's keys, each with what is said of it by its name, by a pattern, or of all the others. */}}
{{- define "modelservice.schema.object" -}}
{{- range .schema.required -}}
{{- if not (hasKey $.value .) }}
{{ $.path }}: {{ . }} is missing
{{- end -}}
{{- end -}}
{{- range $key, $value := .value -}}
{{- $child := dict "value" $value "path" (printf "%s%s" $.path (include "modelservice.key" $key)) "definitions" $.definitions -}}
{{- $schemas := pick ($.schema.properties | default dict) $key | values -}}
{{- range $pattern, $schema := $.schema.patternProperties }}{{ if regexMatch $pattern $key }}{{ $schemas = append $schemas $schema }}{{ end }}{{ end -}}
{{- if not (or $schemas (kindIs "invalid" $.schema.additionalProperties)) -}}
{{- $schemas = list $.schema.additionalProperties -}}
{{- end -}}
{{- range $schemas -}}
{{- if kindIs "bool" . }}{{/* additionalProperties: false */}}
{{ $child.path }}: {{ if $.schema.properties }}unknown key{{ else }}is not {{ get $.schema "x-expects" | default "allowed here" }}{{ end }}
{{- else -}}
{{- include "modelservice.schema" (set $child "schema" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.schema.length" (set . "counted" (list "Properties" "keys" (len .value))) -}}
{{- end }}

{{/* A list's items. */}}
{{- define "modelservice.schema.array" -}}
{{- if .schema.items -}}
{{- range $index, $value := .value -}}
{{- include "modelservice.schema" (dict "schema" $.schema.items "value" $value "path" (printf "%s[%d]" $.path $index) "definitions" $.definitions) -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.schema.length" (set . "counted" (list "Items" "items" (len .value))) -}}
{{- if and .schema.uniqueItems (lt (len (uniq .value)) (len .value)) }}
{{ .path }}: an item stands there twice
{{- end -}}
{{- end }}

{{/* A text's form and length. The text itself is not printed: it may be a secret. */}}
{{- define "modelservice.schema.string" -}}
{{- if and .schema.pattern (not (regexMatch .schema.pattern .value)) }}
{{ .path }}: is not {{ get .schema "x-expects" | default (printf "of the form %s" .schema.pattern) }}
{{- end -}}
{{- include "modelservice.schema.length" (set . "counted" (list "Length" "characters" (len (splitList "" .value)))) -}}
{{- end }}

{{/* How long something is, "counted" (list of keyword, unit and length): what its minLength or maxItems says. */}}
{{- define "modelservice.schema.length" -}}
{{- $length := last .counted -}}
{{- $least := get .schema (printf "min%s" (first .counted)) | default 0.0 -}}
{{- $most := hasKey .schema (printf "max%s" (first .counted)) | ternary (get .schema (printf "max%s" (first .counted))) $length -}}
{{- if or (lt $length (int $least)) (gt $length (int $most)) }}
{{ .path }}: has {{ index .counted 1 }}: {{ $length }}; wants {{ with get .schema "x-expects" }}{{ . }}{{ else }}{{ gt $length (int $most) | ternary (printf "at most %v" $most) (printf "at least %v" $least) }}{{ end }}
{{- end -}}
{{- end }}

{{/* A number's bounds. */}}
{{- define "modelservice.schema.number" -}}
{{- $number := toString .value | float64 -}}
{{- if and (hasKey .schema "minimum") (lt $number .schema.minimum) }}
{{ .path }}: {{ .value }} is not at least {{ int64 .schema.minimum }}
{{- else if and (hasKey .schema "exclusiveMinimum") (le $number .schema.exclusiveMinimum) }}
{{ .path }}: {{ .value }} is not above {{ int64 .schema.exclusiveMinimum }}
{{- else if and (hasKey .schema "maximum") (gt $number .schema.maximum) }}
{{ .path }}: {{ .value }} is not at most {{ int64 .schema.maximum }}
{{- end -}}
{{- end }}

{{/* The choices of a value, and what schemas say together. */}}
{{- define "modelservice.schema.combined" -}}
{{- if and (hasKey .schema "enum") (not (has .value .schema.enum)) }}
{{ .path }}: is none of {{ toJson .schema.enum | trimAll "[]" | replace "," ", " }}
{{- end -}}
{{- range .schema.allOf }}{{ include "modelservice.schema" (set (omit $ "schema") "schema" .) }}{{ end -}}
{{- $said := list -}}
{{- range .schema.anyOf }}{{ $said = append $said (include "modelservice.schema" (set (omit $ "schema") "schema" .)) }}{{ end -}}
{{- if and $said (not (has "" $said)) }}{{ first $said }}{{ end -}}
{{- if hasKey .schema "not" -}}
{{- if not (include "modelservice.schema" (set (omit . "schema") "schema" .schema.not)) }}
{{ .path }}: {{ include "modelservice.schema.forbidden" .schema }}
{{- end -}}
{{- end -}}
{{- with get .schema "if" -}}
{{- $branch := include "modelservice.schema" (set (omit $ "schema") "schema" .) | empty | ternary "then" "else" -}}
{{- with get $.schema $branch }}{{ include "modelservice.schema" (set (omit $ "schema") "schema" .) }}{{ end -}}
{{- end -}}
{{- end }}

{{/* What a schema's "not" forbids, in words. */}}
{{- define "modelservice.schema.forbidden" -}}
{{- $expected := get . "x-expects" -}}
{{- if not .not }}is set by the chart; remove it
{{- else if gt (len (.not.required | default list)) 1 }}{{ join " and " .not.required }} exclude each other
{{- else if .not.required }}{{ first .not.required }} is {{ $expected | default "not allowed here" }}
{{- else }}is not {{ $expected | default "allowed here" }}
{{- end -}}
{{- end }}
