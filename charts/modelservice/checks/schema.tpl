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
{{ $.path }}: is {{ $type }}, and must be {{ join " or " $types }}
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
{{- $it := . -}}
{{- range .schema.required -}}
{{- if not (hasKey $it.value .) }}
{{ $it.path }}: {{ . }} is missing
{{- end -}}
{{- end -}}
{{- range $key, $value := .value -}}
{{- $child := dict "value" $value "path" (printf "%s%s" $it.path (include "modelservice.key" $key)) "definitions" $it.definitions -}}
{{- $schemas := pick ($it.schema.properties | default dict) $key | values -}}
{{- range $pattern, $schema := $it.schema.patternProperties }}{{ if regexMatch $pattern $key }}{{ $schemas = append $schemas $schema }}{{ end }}{{ end -}}
{{- if not (or $schemas (kindIs "invalid" $it.schema.additionalProperties)) -}}
{{- $schemas = list $it.schema.additionalProperties -}}
{{- end -}}
{{- range $schemas -}}
{{- if kindIs "bool" . }}{{/* additionalProperties: false */}}
{{ $child.path }}: unknown key
{{- else -}}
{{- include "modelservice.schema" (set $child "schema" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.schema.length" (dict "it" . "what" "Properties" "length" (len .value)) -}}
{{- end }}

{{/* A list's items. */}}
{{- define "modelservice.schema.array" -}}
{{- $it := . -}}
{{- with .schema.items -}}
{{- range $index, $value := $it.value -}}
{{- include "modelservice.schema" (dict "schema" $it.schema.items "value" $value "path" (printf "%s[%d]" $it.path $index) "definitions" $it.definitions) -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.schema.length" (dict "it" . "what" "Items" "length" (len .value)) -}}
{{- if and .schema.uniqueItems (lt (len (uniq .value)) (len .value)) }}
{{ .path }}: an item stands there twice
{{- end -}}
{{- end }}

{{/* A text's form and length. The text itself is not printed: it may be a secret. */}}
{{- define "modelservice.schema.string" -}}
{{- if and .schema.pattern (not (regexMatch .schema.pattern .value)) }}
{{ .path }}: is not {{ index .schema "x-expects" | default (printf "of the form %s" .schema.pattern) }}
{{- end -}}
{{- include "modelservice.schema.length" (dict "it" . "what" "Length" "length" (len (splitList "" .value))) -}}
{{- end }}

{{/* How long something is: (dict "it" … "what" … "length" …), which is a text's Length, or that of a list's Items or a map's Properties. */}}
{{- define "modelservice.schema.length" -}}
{{- $least := get .it.schema (printf "min%s" .what) -}}
{{- $most := get .it.schema (printf "max%s" .what) -}}
{{- $counted := get (dict "Length" "characters" "Items" "items" "Properties" "keys") .what -}}
{{- if and $least (lt .length (int $least)) }}
{{ .it.path }}: has {{ .length }} {{ $counted }}, and at least {{ $least }} must be there
{{- else if and (kindIs "float64" $most) (gt .length (int $most)) }}
{{ .it.path }}: has {{ .length }} {{ $counted }}, and at most {{ $most }} may be there
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
{{- $it := . -}}
{{- $schema := .schema -}}
{{- if and (hasKey $schema "enum") (not (has .value $schema.enum)) }}
{{ .path }}: is none of {{ join ", " $schema.enum }}
{{- end -}}
{{- range $schema.allOf }}{{ include "modelservice.schema" (set (omit $it "schema") "schema" .) }}{{ end -}}
{{- $fitting := list -}}
{{- range $schema.anyOf }}{{ $fitting = append $fitting (include "modelservice.schema" (set (omit $it "schema") "schema" .)) }}{{ end -}}
{{- if and $fitting (not (has "" $fitting)) }}{{ first $fitting }}{{ end -}}
{{- if hasKey $schema "not" -}}
{{- if not (include "modelservice.schema" (set (omit . "schema") "schema" $schema.not)) }}
{{ .path }}: {{ with $schema.not.required }}{{ join " and " . }} {{ gt (len .) 1 | ternary "exclude each other" "is not allowed here" }}{{ else }}is not allowed here{{ end }}
{{- end -}}
{{- end -}}
{{- with get $schema "if" -}}
{{- $branch := include "modelservice.schema" (set (omit $it "schema") "schema" .) | empty | ternary "then" "else" -}}
{{- with get $schema $branch }}{{ include "modelservice.schema" (set (omit $it "schema") "schema" .) }}{{ end -}}
{{- end -}}
{{- end }}
