#!/bin/sh
# The main job on one example: check the values, make the chart, let helm render it, say what to do next.
# Every command is printed as it can be run again from the project's folder.
set -eu
example=$1
values=values-examples/$example.yaml
chart=build/$example
modelservice=.venv/bin/modelservice
found=$(command -v helm)
helm=${found#"$PWD/"}

echo "1. Check the values file
   $modelservice validate $values"
$modelservice validate "$values"
echo "
2. Make a chart of it
   $modelservice render $values --output $chart"
$modelservice render "$values" --output "$chart"
echo "
3. Let helm render the chart
   $helm template $example $chart > build/$example.yaml"
$helm template "$example" "$chart" > "build/$example.yaml"
grep '^kind:' "build/$example.yaml" | sort | uniq -c | sed 's/kind: Pod$/kind: Pod (only for helm test)/'
cat <<END

build/$example.yaml shows every object. To install them in a cluster with a GPU:

  $helm install $example $chart --namespace models --create-namespace

To make a values file for another model, and to see what else one can hold:

  $modelservice init Qwen/Qwen3-32B --gpu L40S --yes --output chat.yaml
  $modelservice explain

To have modelservice on the PATH: pipx install . (or: uv tool install .)
END
