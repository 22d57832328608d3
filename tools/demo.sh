#!/bin/sh
# The main workflow for one example: check the values, create the chart, render it with helm, and print the next steps.
# Every command is printed so that it can be run again from the project's folder.
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
2. Create a chart from it
   $modelservice render $values --output $chart"
$modelservice render "$values" --output "$chart"
echo "
3. Render the chart with helm
   $helm template $example $chart > build/$example.yaml"
$helm template "$example" "$chart" > "build/$example.yaml"
grep '^kind:' "build/$example.yaml" | sort | uniq -c | sed 's/kind: Pod$/kind: Pod (only for helm test)/'
cat <<END

build/$example.yaml shows every object. To install them in a cluster with a GPU:

  $helm install $example $chart --namespace models --create-namespace

To create a values file for another model, and to list all keys:

  $modelservice init Qwen/Qwen3-32B --gpu L40S --yes --output chat.yaml
  $modelservice explain

To install modelservice on the PATH: pipx install . (or: uv tool install .)
END
