#!/bin/sh
# Makes the homes of a network's validators: keys, a sealed genesis document, and one home directory each.
#
#   init-network DIR CHAIN_NAME CHAIN_ID VALIDATORS [--subnet ID] [--account ADDRESS BALANCE]... [--set NAME=VALUE]...
#
# Writes DIR/genesis.json and DIR/0 … DIR/(VALIDATORS-1). Does nothing where DIR/genesis.json is already there, so that
# a second start of the network keeps its keys and its history.
set -eu

die() { printf 'init-network: %s\n' "$*" >&2; exit 1; }

[ $# -ge 4 ] || die "usage: init-network DIR CHAIN_NAME CHAIN_ID VALIDATORS [--subnet ID] [--account ADDRESS BALANCE] [--set NAME=VALUE]"
dir=$1 chain_name=$2 chain_id=$3 validators=$4
shift 4

if [ -e "$dir/genesis.json" ]; then
    printf 'init-network: %s is there already; nothing to do\n' "$dir/genesis.json"
    exit 0
fi

# A draft from an attempt that was cut short is made anew; keys that exist are kept.
draft=$dir/draft.json
mkdir -p "$dir"
rm -f "$draft" "$dir/sealed.json"

subnet=
if [ "${1:-}" = --subnet ]; then
    subnet=$2
    shift 2
fi
genesis new "$draft" --chain-name "$chain_name" --chain-id "$chain_id" ${subnet:+--subnet "$subnet"}

while [ $# -gt 0 ]; do
    case $1 in
        --account) genesis add-account "$draft" "$2" "$3"; shift 3 ;;
        --set) genesis set "$draft" "$2"; shift 2 ;;
        *) die "unknown argument $1" ;;
    esac
done

# Keys and settings first, since the document names the keys; the document later.
number=0
while [ "$number" -lt "$validators" ]; do
    home=$dir/$number
    # Keys are the last that `init` writes: a home without them was cut short and belongs to no network.
    [ -e "$home/keys.public.json" ] || { rm -rf "$home"; subnet-node init --home "$home" --moniker "$chain_name-$number"; }
    genesis add-validator "$draft" --keys-public "$home/keys.public.json" --power 100 --name "validator-$number"
    number=$((number + 1))
done
genesis seal "$draft" --output "$dir/sealed.json"

number=0
while [ "$number" -lt "$validators" ]; do
    cp "$dir/sealed.json" "$dir/$number/genesis.json"
    number=$((number + 1))
done

# Last, and in one step: what is there is whole.
rm -f "$draft"
mv "$dir/sealed.json" "$dir/genesis.json"
