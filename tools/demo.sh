#!/bin/sh
# The main job on one example: check the values, make the chart, let helm render it, say what to do next.
set -eu
example=$1
values=values-examples/$example.yaml
chart=build/$example

echo "1. Check $values"
modelservice validate "$values"
echo
echo "2. Make the chart $chart"
modelservice render "$values" --output "$chart"
echo
echo "3. Let helm render it into build/$example.yaml"
helm template "$example" "$chart" > "build/$example.yaml"
grep '^kind:' "build/$example.yaml" | sort | uniq -c | sed 's/kind: Pod$/kind: Pod (of helm test alone)/'
cat <<END

Made: $chart, a Helm chart of one service: its values are the chart's defaults.
Install it in a cluster with a GPU node:

  helm install $example $chart --namespace models --create-namespace

Look at build/$example.yaml to see every object. Change $values and run make demo again.
END
