#!/bin/sh
# Compiles the sketch in this folder and pushes it over the air, to the device that .otarc names. For Linux and macOS.
#
#   sh compile.sh                                      the board is default_fqbn of sketch.yaml
#   sh compile.sh --fqbn esp8266:esp8266:d1_mini       … or named here, like any other option of `arduino-cli compile`
#
# What does it is one --build-property: a command that arduino-cli runs after each build that went well. This script always
# pushes. For one that pushes only where .otarc says `hook: { pushOnBuild: true }`, write `push --hook`.
set -eu
cd -- "$(dirname -- "$0")"

# otarc of this project (here or in a folder above), else the one on PATH.
dir=$PWD
while [ "$dir" != / ] && [ ! -f "$dir/node_modules/otarc/dist/cli.js" ]; do dir=$(dirname -- "$dir"); done
if [ "$dir" != / ]; then
  otarc="\"node\" \"$dir/node_modules/otarc/dist/cli.js\""
elif command -v otarc > /dev/null; then
  otarc='"otarc"'
else
  echo 'otarc is not installed: npm install --save-dev otarc (this project) or npm install --global otarc (everywhere)' >&2
  exit 1
fi

# arduino-cli fills in {…}. It runs no shell for the command: the quotes are what keeps a path with spaces together.
arduino-cli compile "$@" --build-property \
  "recipe.hooks.postbuild.99.pattern=$otarc push -C \"{build.source.path}\" --file \"{build.path}/{build.project_name}.bin\""
